package repo

import (
	"fmt"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// foresee says in a few words what is risky about a change of an object, as far
// as its two renders show it; empty: nothing. What depends on the live state is
// for the plan to say.
func foresee(id model.ObjectID, v model.Verdict, diffs []difference) string {
	var out []string
	switch v {
	case model.VerdictDelete:
		return foreseeDelete(id)
	case model.VerdictUpdate:
		switch id.Kind {
		case "Deployment", "StatefulSet", "DaemonSet":
			out = foreseeWorkload(diffs)
		case "Secret":
			out = []string{"changes a Secret"}
		}
	}
	switch id.Kind {
	case "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding":
		out = append(out, "changes who may do what")
	}
	return strings.Join(out, "; ")
}

func foreseeDelete(id model.ObjectID) string {
	switch id.Kind {
	case "Namespace":
		return "deletes everything in it"
	case "PersistentVolumeClaim", "PersistentVolume":
		return "deletes data"
	case "CustomResourceDefinition":
		return "deletes every object of its kind"
	case "PodDisruptionBudget":
		return "nothing limits how many pods stop at once"
	case "NetworkPolicy":
		return "what it kept out comes in"
	case "Deployment", "StatefulSet", "DaemonSet", "Service", "Ingress":
		return "takes it out of service"
	}
	return "deletes it"
}

func foreseeWorkload(diffs []difference) []string {
	var out []string
	restarts := false
	for _, d := range diffs {
		path := strings.Join(d.path, ".")
		restarts = restarts || path == "spec.template" || strings.HasPrefix(path, "spec.template.")
		old, okOld := whole(d.old)
		now, okNow := whole(d.now)
		if path == "spec.replicas" && okOld && okNow && now < old {
			out = append(out, fmt.Sprintf("lowers replicas %d to %d", old, now))
		}
	}
	if restarts {
		out = append(out, "restarts its pods")
	}
	return out
}

func whole(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), n == float64(int64(n))
	}
	return 0, false
}
