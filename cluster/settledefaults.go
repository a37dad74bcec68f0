package cluster

// withDefaults fills in what the server defaults inside a value of a built-in
// kind that is owned as one piece: applying replaces the piece, and the server
// then adds the same again. These are constants of the API. The rendered value
// is left as it is.
func withDefaults(rendered any, path []string) any {
	switch out := cloneValue(rendered); path[len(path)-1] {
	case "fieldRef":
		setDefault(out, "apiVersion", "v1")
		return out
	case "resourceFieldRef":
		setDefault(out, "divisor", "0")
		return out
	case "roleRef":
		setDefault(out, "apiGroup", rbacAPIGroup)
		return out
	case "subjects":
		for _, s := range listOf(out) {
			if subject, _ := s.(map[string]any); subject["kind"] == "User" || subject["kind"] == "Group" {
				setDefault(s, "apiGroup", rbacAPIGroup)
			}
		}
		return out
	case "ingress", "egress": // of a NetworkPolicy
		for _, r := range listOf(out) {
			rule, _ := r.(map[string]any)
			for _, port := range sliceAt(rule, "ports") {
				setDefault(port, "protocol", "TCP")
			}
		}
		return out
	case "volumeClaimTemplates":
		for _, t := range listOf(out) {
			setDefault(t, "apiVersion", "v1")
			setDefault(t, "kind", "PersistentVolumeClaim")
			setDefault(t, "status", map[string]any{"phase": "Pending"})
			claim, _ := t.(map[string]any)
			setDefault(claim["spec"], "volumeMode", "Filesystem")
		}
		return out
	}
	return rendered
}

const rbacAPIGroup = "rbac.authorization.k8s.io"

func listOf(v any) []any {
	list, _ := v.([]any)
	return list
}

func setDefault(v any, key string, value any) {
	if m, ok := v.(map[string]any); ok && m != nil {
		if _, set := m[key]; !set {
			m[key] = value
		}
	}
}
