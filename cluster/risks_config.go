package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
	"github.com/fairtide-dev/fairtide/model"
)

// changedKeys are the keys of a ConfigMap or Secret whose values differ.
func changedKeys(before, after map[string]any) []string {
	keys := map[string]bool{}
	for _, part := range []string{"data", "binaryData"} {
		old, new := mapAt(before, part), mapAt(after, part)
		for k, v := range old {
			if !fieldpath.Equal(v, new[k]) {
				keys[k] = true
			}
		}
		for k := range new {
			if _, there := old[k]; !there {
				keys[k] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

func (o *riskObject) isConfig() bool { return o.is("", "ConfigMap", "Secret") }

func (o *riskObject) judgeConfig() {
	if !o.isConfig() || o.before == nil || o.after == nil {
		return
	}
	if keys := changedKeys(o.before, o.after); len(keys) > 0 {
		name := riskChangesConfig
		if o.id.Kind == "Secret" {
			name = riskChangesSecret
		}
		o.info(name, "%s changes %s: %s", o.name(), countOf(len(keys), "key"), few(keys))
	}
	if o.after["immutable"] == true && o.before["immutable"] != true {
		o.info(riskBecomesImmutable, "%s becomes immutable: from then on it can only be deleted and created again", o.name())
	}
}

// configUse is how a pod template uses one ConfigMap or Secret.
type configUse struct {
	allEnv   bool            // by envFrom
	env      map[string]bool // the keys it has in variables
	all      bool            // mounted as a whole
	mounted  map[string]bool // the keys that are mounted
	subPath  bool            // a mount by subPath, that is never updated
	required bool            // the pod does not start without it
}

// configUser is an object whose pods use it.
type configUser struct {
	id       model.ObjectID
	restarts bool // the plan replaces its pods
	uses     map[string]*configUse
}

func configRef(kind, name string) string { return kind + "/" + name }

// usesOf finds the ConfigMaps and Secrets that a pod template uses.
func usesOf(t podTemplate) map[string]*configUse {
	out := map[string]*configUse{}
	use := func(kind, name string, ref map[string]any) *configUse {
		u := out[configRef(kind, name)]
		if u == nil {
			u = &configUse{env: map[string]bool{}, mounted: map[string]bool{}}
			out[configRef(kind, name)] = u
		}
		u.required = u.required || ref["optional"] != true
		return u
	}
	for _, c := range t.containers() {
		for _, from := range mapsAt(c.fields, "envFrom") {
			for field, kind := range map[string]string{"configMapRef": "ConfigMap", "secretRef": "Secret"} {
				if ref := mapAt(from, field); ref != nil {
					use(kind, textAt(ref, "name"), ref).allEnv = true
				}
			}
		}
		for _, env := range mapsAt(c.fields, "env") {
			for field, kind := range map[string]string{"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"} {
				if ref := mapAt(env, "valueFrom", field); ref != nil {
					use(kind, textAt(ref, "name"), ref).env[textAt(ref, "key")] = true
				}
			}
		}
	}
	for _, v := range mapsAt(t.spec, "volumes") {
		sub := mountedBySubPath(t, textAt(v, "name"))
		mount := func(kind, name string, source map[string]any) {
			u := use(kind, name, source)
			items := mapsAt(source, "items")
			u.all, u.subPath = u.all || len(items) == 0, u.subPath || sub
			for _, item := range items {
				u.mounted[textAt(item, "key")] = true
			}
		}
		for _, source := range append(mapsAt(mapAt(v, "projected"), "sources"), v) {
			if m := mapAt(source, "configMap"); m != nil {
				mount("ConfigMap", textAt(m, "name"), m)
			}
			if m := mapAt(source, "secret"); m != nil {
				name := textAt(m, "secretName") // of a volume
				if name == "" {
					name = textAt(m, "name") // of a projected source
				}
				mount("Secret", name, m)
			}
		}
	}
	return out
}

// mountedBySubPath reports whether a container mounts a part of a volume.
func mountedBySubPath(t podTemplate, volume string) bool {
	for _, c := range t.containers() {
		for _, m := range mapsAt(c.fields, "volumeMounts") {
			if m["name"] == volume && (textAt(m, "subPath") != "" || textAt(m, "subPathExpr") != "") {
				return true
			}
		}
	}
	return false
}

// configUsers are the long-running workloads of a namespace, as they are once
// the plan is applied, and what they use.
func (w *riskWorld) configUsers(namespace string) []configUser {
	if users, ok := w.users[namespace]; ok {
		return users
	}
	var out []configUser
	for _, kind := range []riskKind{deploymentKind, statefulSetKind, daemonSetKind} {
		for _, present := range w.present(kind, namespace) {
			t, ok := templateOf(present.id.Group, present.id.Kind, present.fields)
			if !ok {
				continue
			}
			user := configUser{id: present.id, uses: usesOf(t)}
			if o := w.byID[present.id]; o != nil && o.changes() {
				user.restarts = o.verdict != model.VerdictUpdate || !fieldpath.Equal(mapAt(o.before, "spec", "template"), mapAt(o.after, "spec", "template"))
			}
			if len(user.uses) > 0 {
				out = append(out, user)
			}
		}
	}
	if w.users == nil {
		w.users = map[string][]configUser{}
	}
	w.users[namespace] = out
	return out
}

// judgeConsumers judges a changed or deleted ConfigMap or Secret by the
// workloads that use it.
func (w *riskWorld) judgeConsumers(o *riskObject) {
	if !o.isConfig() || o.before == nil {
		return
	}
	if !o.stays() {
		w.judgeDeletedConfig(o)
		return
	}
	keys := changedKeys(o.before, o.after)
	if len(keys) == 0 {
		return
	}
	var variables, parts, volumes []string
	for _, user := range w.configUsers(o.id.Namespace) {
		use := user.uses[configRef(o.id.Kind, o.id.Name)]
		if use == nil || user.restarts {
			continue
		}
		touches := func(keyed map[string]bool) bool {
			return slices.ContainsFunc(keys, func(k string) bool { return keyed[k] })
		}
		name := user.id.Kind + " " + user.id.Name
		mounts := use.all || touches(use.mounted)
		if use.allEnv || touches(use.env) {
			variables = append(variables, name)
		}
		switch {
		case mounts && use.subPath:
			parts = append(parts, name)
		case mounts:
			volumes = append(volumes, name)
		}
	}
	w.sayUnnoticed(o, variables, parts, volumes)
}

func (w *riskWorld) sayUnnoticed(o *riskObject, variables, parts, volumes []string) {
	var words []string
	say := func(names []string, format string) {
		if len(names) > 0 {
			words = append(words, fmt.Sprintf(format, few(names)))
		}
	}
	say(variables, "environment variables of %s keep the old values until its pods restart")
	say(parts, "files mounted by subPath in %s keep the old values until its pods restart")
	say(volumes, "files mounted in %s change by themselves within about a minute")
	if len(words) == 0 {
		return
	}
	judge := o.info
	if len(variables)+len(parts) > 0 {
		judge = o.warn
	}
	judge(riskConfigUnnoticed, "%s changes and this plan restarts none of these: %s", o.name(), strings.Join(words, "; "))
}

func (w *riskWorld) judgeDeletedConfig(o *riskObject) {
	var names []string
	for _, user := range w.configUsers(o.id.Namespace) {
		if use := user.uses[configRef(o.id.Kind, o.id.Name)]; use != nil && use.required {
			names = append(names, user.id.Kind+" "+user.id.Name)
		}
	}
	if len(names) > 0 {
		o.danger(riskDeletesInUse, "%s is deleted, and new pods of %s do not start without it", o.name(), few(names))
	}
}
