package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

func (o *riskObject) judgeNetwork() {
	switch {
	case o.is("", "Service"):
		o.judgeService()
	case o.is("networking.k8s.io", "Ingress"):
		o.judgeIngress()
	case o.is("networking.k8s.io", "NetworkPolicy"):
		o.judgePolicy()
	}
}

func serviceType(fields map[string]any) string {
	if t := textAt(mapAt(fields, "spec"), "type"); t != "" {
		return t
	}
	return "ClusterIP" // the server's default
}

func (o *riskObject) judgeService() {
	if o.after == nil {
		return
	}
	old, new := mapAt(o.before, "spec"), mapAt(o.after, "spec")
	was, now := serviceType(o.before), serviceType(o.after)
	switch {
	case was == now:
	case now == "LoadBalancer":
		o.warn(riskServiceExposed, "%s becomes a LoadBalancer: it can be reached from outside the cluster", o.name())
	case now == "NodePort" && was != "LoadBalancer":
		o.warn(riskServiceExposed, "%s becomes a NodePort: it can be reached on a port of every node", o.name())
	case was == "LoadBalancer":
		o.warn(riskServiceUnexposed, "%s is no LoadBalancer any more but %s: its address outside the cluster goes away", o.name(), now)
	case was == "NodePort":
		o.warn(riskServiceUnexposed, "%s is no NodePort any more but %s: its ports on the nodes go away", o.name(), now)
	}
	var ips []string
	for _, ip := range textsAt(new, "externalIPs") {
		if !slices.Contains(textsAt(old, "externalIPs"), ip) {
			ips = append(ips, ip)
		}
	}
	if len(ips) > 0 {
		o.warn(riskServiceExposed, "%s takes the traffic of the external address %s (externalIPs)", o.name(), few(ips))
	}
	if o.before == nil {
		return
	}
	o.judgeSourceRanges(textsAt(old, "loadBalancerSourceRanges"), textsAt(new, "loadBalancerSourceRanges"), now)
	ports := servicePorts(new)
	var gone []string
	for _, p := range servicePorts(old) {
		if !slices.Contains(ports, p) {
			gone = append(gone, p)
		}
	}
	if len(gone) > 0 {
		o.warn(riskServicePortGone, "%s no longer has port %s", o.name(), few(gone))
	}
}

func servicePorts(spec map[string]any) []string {
	var out []string
	for _, p := range mapsAt(spec, "ports") {
		n, _ := number(p["port"])
		protocol := textAt(p, "protocol")
		if protocol == "" {
			protocol = "TCP"
		}
		out = append(out, fmt.Sprintf("%d/%s", n, protocol))
	}
	return out
}

func (o *riskObject) judgeSourceRanges(old, new []string, kind string) {
	if kind != "LoadBalancer" || len(old) == 0 {
		return
	}
	added := slices.DeleteFunc(slices.Clone(new), func(s string) bool { return slices.Contains(old, s) })
	switch {
	case len(new) == 0:
		o.warn(riskSourceRanges, "%s drops loadBalancerSourceRanges (%s): any address may connect", o.name(), few(old))
	case len(added) > 0:
		o.warn(riskSourceRanges, "%s lets %s connect to its load balancer (loadBalancerSourceRanges)", o.name(), few(added))
	}
}

// routesOf are the hosts and paths of an Ingress with where they lead.
func routesOf(fields map[string]any) map[string]string {
	out := map[string]string{}
	for _, rule := range mapsAt(mapAt(fields, "spec"), "rules") {
		host := textAt(rule, "host")
		if host == "" {
			host = "*"
		}
		for _, path := range mapsAt(mapAt(rule, "http"), "paths") {
			p := textAt(path, "path")
			if p == "" {
				p = "/"
			}
			service := mapAt(path, "backend", "service")
			port := mapAt(service, "port")
			to := textAt(service, "name") + ":" + textAt(port, "name")
			if n, ok := number(port["number"]); ok {
				to = fmt.Sprintf("%s:%d", textAt(service, "name"), n)
			}
			out[host+p] = to
		}
	}
	return out
}

func (o *riskObject) judgeIngress() {
	old, new := routesOf(o.before), routesOf(o.after)
	var gone, moved []string
	for _, route := range slices.Sorted(maps.Keys(old)) {
		switch to, there := new[route]; {
		case !there:
			gone = append(gone, route)
		case to != old[route]:
			moved = append(moved, fmt.Sprintf("%s to %s instead of %s", route, to, old[route]))
		}
	}
	if len(gone) > 0 {
		o.warn(riskRouteRemoved, "%s no longer routes %s", o.name(), few(gone))
	}
	if len(moved) > 0 {
		o.info(riskRouteChanged, "%s routes %s", o.name(), few(moved))
	}
	if o.after == nil {
		return
	}
	hosts := func(fields map[string]any) []string {
		var out []string
		for _, tls := range mapsAt(mapAt(fields, "spec"), "tls") {
			out = append(out, textsAt(tls, "hosts")...)
		}
		return out
	}
	encrypted := hosts(o.after)
	var plain []string
	for _, h := range hosts(o.before) {
		served := slices.ContainsFunc(slices.Collect(maps.Keys(new)), func(route string) bool { return strings.HasPrefix(route, h+"/") })
		if served && !slices.Contains(encrypted, h) {
			plain = append(plain, h)
		}
	}
	if len(plain) > 0 {
		o.warn(riskTLSRemoved, "%s has no TLS entry for %s any more", o.name(), few(plain))
	}
}

// judgeTLS finds certificates that an Ingress names and that are not there,
// unless a certificate controller is asked to make them.
func (w *riskWorld) judgeTLS(o *riskObject) {
	if !o.is("networking.k8s.io", "Ingress") || !o.stays() {
		return
	}
	for key := range mapAt(o.after, "metadata", "annotations") {
		if strings.HasPrefix(key, "cert-manager.io/") || strings.Contains(key, "tls-acme") {
			return
		}
	}
	var missing []string
	for _, tls := range mapsAt(mapAt(o.after, "spec"), "tls") {
		name := textAt(tls, "secretName")
		if name == "" {
			continue
		}
		id := o.id
		id.Group, id.Kind, id.Name = "", "Secret", name
		if planned := w.byID[id]; planned != nil {
			if !planned.stays() {
				missing = append(missing, name)
			}
			continue
		}
		if found, ok := w.ask(riskNeed{kind: secretKind, namespace: o.id.Namespace, name: name}); ok && len(found) == 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		o.warn(riskTLSSecretMissing, "%s takes its certificate from Secret %s, which is neither live nor in this plan", o.name(), few(missing))
	}
}

func (o *riskObject) judgePolicy() {
	if o.after == nil {
		o.warn(riskPolicyRemoved, "%s is gone: pods that no other NetworkPolicy selects take and send any traffic", o.name())
		return
	}
	for _, direction := range []struct{ kind, field, peers string }{{"Ingress", "ingress", "from"}, {"Egress", "egress", "to"}} {
		open := func(fields map[string]any) bool {
			return slices.ContainsFunc(mapsAt(mapAt(fields, "spec"), direction.field), func(rule map[string]any) bool {
				return isEmpty(rule["ports"]) && (isEmpty(rule[direction.peers]) || openToAll(mapsAt(rule, direction.peers)))
			})
		}
		applies := func(fields map[string]any) bool {
			types := textsAt(mapAt(fields, "spec"), "policyTypes")
			if len(types) == 0 { // the server's default
				return direction.kind == "Ingress" || len(sliceAt(mapAt(fields, "spec"), "egress")) > 0
			}
			return slices.Contains(types, direction.kind)
		}
		switch {
		case applies(o.after) && open(o.after) && (o.before == nil || !open(o.before)):
			o.warn(riskPolicyWidened, "%s allows all %s traffic of the pods it selects", o.name(), direction.field)
		case o.before == nil:
		case applies(o.before) && !applies(o.after):
			o.warn(riskPolicyWidened, "%s no longer restricts %s traffic (policyTypes)", o.name(), direction.field)
		case applies(o.after):
			o.judgePolicyRules(direction.field)
		}
	}
	if o.before != nil && !fieldpath.Equal(mapAt(o.before, "spec", "podSelector"), mapAt(o.after, "spec", "podSelector")) {
		o.warn(riskPolicyWidened, "%s selects other pods than before (podSelector): those it no longer selects may be open", o.name())
	}
}

func openToAll(peers []map[string]any) bool {
	return slices.ContainsFunc(peers, func(peer map[string]any) bool {
		block := mapAt(peer, "ipBlock")
		return textAt(block, "cidr") == "0.0.0.0/0" && isEmpty(block["except"])
	})
}

// judgePolicyRules counts the rules of one direction that were not there.
func (o *riskObject) judgePolicyRules(field string) {
	old := mapsAt(mapAt(o.before, "spec"), field)
	added := 0
	for _, rule := range mapsAt(mapAt(o.after, "spec"), field) {
		if !slices.ContainsFunc(old, func(was map[string]any) bool { return fieldpath.Equal(was, rule) }) {
			added++
		}
	}
	if added > 0 {
		o.info(riskPolicyWidened, "%s has %s for %s traffic", o.name(), countOf(added, "new or changed rule"), field)
	}
}
