package cluster

import (
	"slices"
	"strings"
)

// judgePodSecurity judges what a pod template lets its containers do to their
// node that it did not let them do before.
func (o *riskObject) judgePodSecurity() {
	after, ok := o.templateAfter()
	if !ok {
		return
	}
	before, existed := o.templateBefore()
	for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if after.spec[field] == true && before.spec[field] != true {
			o.danger(riskHostNamespace, "%s runs its pods with %s: true, in their node's own namespace", o.name(), field)
		}
	}
	o.judgeHostPaths(before, after)
	token := func(t podTemplate) bool { return t.spec["automountServiceAccountToken"] != false }
	if existed && token(after) && !token(before) {
		o.warn(riskTokenMounted, "%s drops automountServiceAccountToken: false: its pods get the credentials of service account %s", o.name(), accountOf(after))
	}
	if was, now := accountOf(before), accountOf(after); existed && was != now {
		o.warn(riskServiceAccount, "%s runs as service account %s instead of %s, with that one's permissions", o.name(), now, was)
	}
	for _, now := range after.containers() {
		o.judgeContainerSecurity(before, after, now, existed)
	}
}

func accountOf(t podTemplate) string {
	if name := textAt(t.spec, "serviceAccountName"); name != "" {
		return name
	}
	return "default"
}

func (o *riskObject) judgeHostPaths(before, after podTemplate) {
	paths := func(t podTemplate) []string {
		var out []string
		for _, v := range mapsAt(t.spec, "volumes") {
			if p := textAt(mapAt(v, "hostPath"), "path"); p != "" {
				out = append(out, p)
			}
		}
		return out
	}
	old := paths(before)
	var added []string
	for _, p := range paths(after) {
		if !slices.Contains(old, p) && !slices.Contains(added, p) {
			added = append(added, p)
		}
	}
	if len(added) > 0 {
		o.danger(riskHostPath, "%s mounts %s of its node (hostPath)", o.name(), few(added))
	}
}

// setting is what holds for a container: its own securityContext, else its pod's.
func setting(t podTemplate, c container, field string) any {
	if v, ok := mapAt(c.fields, "securityContext")[field]; ok {
		return v
	}
	return mapAt(t.spec, "securityContext")[field]
}

// strongCapabilities are those that come close to being root on the node.
var strongCapabilities = []string{
	"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "SYS_RAWIO", "NET_ADMIN", "BPF", "PERFMON", "DAC_READ_SEARCH", "DAC_OVERRIDE", "MAC_ADMIN",
}

// judgeContainerSecurity judges one container. existed is false when the whole
// template is new: then only what is written counts, not what is left out.
func (o *riskObject) judgeContainerSecurity(before, after podTemplate, now container, existed bool) {
	was := before.container(now.name)
	existed = existed && was.fields != nil
	own := func(c container, field string) any { return mapAt(c.fields, "securityContext")[field] }
	if own(now, "privileged") == true && own(was, "privileged") != true {
		o.danger(riskPrivileged, "%s runs container %s privileged: it is root on its node", o.name(), now.name)
	}
	o.judgeCapabilities(was, now, existed)
	o.judgeUser(before, after, was, now, existed)
	escalates := own(now, "allowPrivilegeEscalation")
	switch old := own(was, "allowPrivilegeEscalation"); {
	case escalates == true && old != true:
		o.warn(riskEscalation, "%s sets allowPrivilegeEscalation: true on container %s", o.name(), now.name)
	case existed && old == false && escalates == nil:
		o.warn(riskEscalation, "%s drops allowPrivilegeEscalation: false from container %s", o.name(), now.name)
	}
	if existed && own(was, "readOnlyRootFilesystem") == true && own(now, "readOnlyRootFilesystem") != true {
		o.info(riskRootFilesystem, "%s drops readOnlyRootFilesystem from container %s", o.name(), now.name)
	}
	for _, profile := range []string{"seccompProfile", "appArmorProfile"} {
		o.judgeProfile(profile, setting(before, was, profile), setting(after, now, profile), now, existed)
	}
	o.judgeHostPorts(was, now)
}

func (o *riskObject) judgeProfile(field string, old, new any, now container, existed bool) {
	kind := func(v any) string { m, _ := v.(map[string]any); return textAt(m, "type") }
	switch from, to := kind(old), kind(new); {
	case to == "Unconfined" && from != "Unconfined":
		o.danger(riskUnconfined, "%s runs container %s with %s Unconfined", o.name(), now.name, field)
	case existed && from != "" && from != "Unconfined" && to == "":
		o.warn(riskUnconfined, "%s drops the %s %s of container %s", o.name(), field, from, now.name)
	}
}

func (o *riskObject) judgeHostPorts(was, now container) {
	old := map[int64]bool{}
	for _, p := range mapsAt(was.fields, "ports") {
		if n, ok := number(p["hostPort"]); ok {
			old[n] = true
		}
	}
	for _, p := range mapsAt(now.fields, "ports") {
		if n, ok := number(p["hostPort"]); ok && n != 0 && !old[n] {
			o.warn(riskHostPort, "%s binds port %d of its node (hostPort of container %s)", o.name(), n, now.name)
		}
	}
}

func (o *riskObject) judgeCapabilities(was, now container, existed bool) {
	list := func(c container, key string) []string {
		var out []string
		for _, s := range textsAt(mapAt(c.fields, "securityContext", "capabilities"), key) {
			out = append(out, strings.TrimPrefix(strings.ToUpper(s), "CAP_"))
		}
		return out
	}
	lacking := func(from, to []string) []string {
		return slices.DeleteFunc(slices.Clone(to), func(s string) bool { return slices.Contains(from, s) })
	}
	if added := lacking(list(was, "add"), list(now, "add")); len(added) > 0 {
		judge := o.warn
		if slices.ContainsFunc(added, func(s string) bool { return slices.Contains(strongCapabilities, s) }) {
			judge = o.danger
		}
		judge(riskCapabilities, "%s gives container %s the capability %s", o.name(), now.name, few(added))
	}
	if kept := lacking(list(now, "drop"), list(was, "drop")); existed && len(kept) > 0 && !slices.Contains(list(now, "drop"), "ALL") {
		o.warn(riskCapabilities, "%s no longer drops the capability %s from container %s", o.name(), few(kept), now.name)
	}
}

func (o *riskObject) judgeUser(before, after podTemplate, was, now container, existed bool) {
	user, isSet := number(setting(after, now, "runAsUser"))
	oldUser, oldSet := number(setting(before, was, "runAsUser"))
	nonRoot, oldNonRoot := setting(after, now, "runAsNonRoot") == true, setting(before, was, "runAsNonRoot") == true
	switch {
	case isSet && user == 0 && (!oldSet || oldUser != 0):
		o.warn(riskRunsAsRoot, "%s runs container %s as root (runAsUser: 0)", o.name(), now.name)
	case existed && oldNonRoot && !nonRoot:
		o.warn(riskRunsAsRoot, "%s drops runAsNonRoot: true from container %s: an image may start it as root", o.name(), now.name)
	case existed && oldSet && oldUser != 0 && !isSet && !nonRoot:
		o.warn(riskRunsAsRoot, "%s drops runAsUser %d from container %s: its image says as whom it starts", o.name(), oldUser, now.name)
	}
}
