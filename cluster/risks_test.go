package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestUpdateRisks(t *testing.T) {
	deployment := model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"}
	kind := func(k string) model.ObjectID { id := deployment; id.Kind = k; return id }
	pod := func(spec, image string) string {
		return fmt.Sprintf(`{spec: {%s, template: {spec: {containers: [{name: c, image: %q}]}}}, status: {desiredNumberScheduled: 4}}`, spec, image)
	}
	cases := []struct {
		name          string
		id            model.ObjectID
		before, after string
		want          string // "severity name: message", semicolon separated
	}{
		{"restart", deployment, pod("replicas: 3", "a:1"), pod("replicas: 3", "a:2"), "warning restarts-pods: restarts 3 pods"},
		{"one pod", deployment, pod("replicas: 1", "a:1"), pod("replicas: 1", "a:2"), "warning restarts-pods: restarts 1 pod"},
		{"no pods", deployment, pod("replicas: 0", "a:1"), pod("replicas: 0", "a:2"), ""},
		{"recreate", deployment, pod("replicas: 2", "a:1"), pod("replicas: 2, strategy: {type: Recreate}", "a:2"), "danger restarts-pods: restarts 2 pods, all at once"},
		{"daemon set", kind("DaemonSet"), pod("x: 1", "a:1"), pod("x: 1", "a:2"), "warning restarts-pods: restarts 4 pods"},
		{"on delete", kind("StatefulSet"), pod("replicas: 2, updateStrategy: {type: OnDelete}", "a:1"), pod("replicas: 2, updateStrategy: {type: OnDelete}", "a:2"), ""},
		{"not the template", deployment, pod("replicas: 3, paused: true", "a:1"), pod("replicas: 3, paused: false", "a:1"), ""},
		{"fewer", deployment, pod("replicas: 3", "a:1"), pod("replicas: 2", "a:1"), "warning lowers-replicas: lowers replicas from 3 to 2"},
		{"none left", deployment, pod("replicas: 3", "a:1"), pod("replicas: 0", "a:1"), "danger lowers-replicas: lowers replicas from 3 to 0"},
		{"more", deployment, pod("replicas: 2", "a:1"), pod("replicas: 3", "a:1"), ""},
		{"back", deployment, pod("replicas: 0", "r:5000/a:1.10.0"), pod("replicas: 0", "r:5000/a:1.9.0"),
			"warning image-goes-backwards: container c goes back from r:5000/a:1.10.0 to r:5000/a:1.9.0"},
		{"back in a cron job", model.ObjectID{Group: "batch", Kind: "CronJob", Name: "j"},
			`{spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: "a:2"}]}}}}}}`,
			`{spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: "a:1"}]}}}}}}`,
			"warning image-goes-backwards: container c goes back from a:2 to a:1"},
		{"config", model.ObjectID{Kind: "ConfigMap", Name: "c"}, `{data: {a: b}}`, `{data: {a: c}}`,
			"info changes-config: pods that read this ConfigMap at their start keep the old values until they restart"},
		{"secret", model.ObjectID{Kind: "Secret", Name: "c"}, `{data: {a: b}}`, `{data: {a: c}}`,
			"info changes-secret: pods that read this Secret at their start keep the old values until they restart"},
		{"only a label", model.ObjectID{Kind: "Secret", Name: "c"}, `{metadata: {labels: {a: b}}, data: {a: b}}`, `{data: {a: b}}`, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			before := fieldsOf(t, tc.before)
			risks := updateRisks(tc.id, before, fieldsOf(t, tc.after), before)
			sortRisks(risks)
			var got []string
			for _, r := range risks {
				got = append(got, fmt.Sprintf("%s %s: %s", r.Severity, r.Name, r.Message))
			}
			if s := strings.Join(got, "; "); s != tc.want {
				t.Errorf("got  %q\nwant %q", s, tc.want)
			}
		})
	}
}

func TestDeleteRisks(t *testing.T) {
	danger := map[model.ObjectID]bool{
		{Kind: "Namespace", Name: "a"}: true, {Kind: "PersistentVolumeClaim", Namespace: "n", Name: "a"}: true,
		{Kind: "PersistentVolume", Name: "a"}: true, {Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "a"}: true,
		{Kind: "ConfigMap", Namespace: "n", Name: "a"}: false, {Group: "x.io", Kind: "Namespace", Name: "a"}: false,
	}
	for id, want := range danger {
		r := deleteRisks(id)
		if len(r) != 1 || (r[0].Severity == model.SeverityDanger) != want || r[0].Message == "" {
			t.Errorf("%s: %v", id, r)
		}
	}
}

func TestGoesBackwards(t *testing.T) {
	cases := []struct {
		from, to string
		want     bool
	}{
		{"a:1.4.2", "a:1.4.1", true}, {"a:1.4.1", "a:1.4.2", false}, {"a:1.4.1", "a:1.4.1", false},
		{"a:v1.10", "a:v1.9", true}, {"a:2", "a:1.9.9", true}, {"a:1.0.0", "a:1.0.0-rc.1", true},
		{"a:1.0.0-rc.10", "a:1.0.0-rc.9", true}, {"a:1.0.0-rc.1", "a:1.0.0-beta.9", true}, {"a:1.0.0-1", "a:1.0.0-a", false},
		{"a:1.0.0-rc.1.1", "a:1.0.0-rc.1", true}, {"a:1.0.0+b2", "a:1.0.0+b1", false},
		{"a:latest", "a:1.0.0", false}, {"a:1.2.0", "a:latest", false}, {"a:2", "b:1", false},
		{"r:5000/a:2", "r:5000/a:1", true}, {"r:5000/a", "r:5000/a:1", false}, {"a:2@sha256:00", "a:1@sha256:11", true},
		{"a:1.2.3.4", "a:1.2.3.3", false}, {"a:99999999999999999999", "a:1", false},
	}
	for _, tc := range cases {
		if got := goesBackwards(tc.from, tc.to); got != tc.want {
			t.Errorf("%s → %s: %v", tc.from, tc.to, got)
		}
	}
}

func FuzzVersions(f *testing.F) {
	f.Add("1.2.3", "v1.2", "1.2.3-rc.1")
	f.Add("1.0.0-1", "1.0.0-a", "1.0.0-a.1")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		x, okX := parseVersion(a)
		y, okY := parseVersion(b)
		z, okZ := parseVersion(c)
		if !okX || !okY || !okZ {
			return
		}
		if x.compare(y) != -y.compare(x) || x.compare(x) != 0 {
			t.Errorf("%q and %q have no order", a, b)
		}
		if x.compare(y) <= 0 && y.compare(z) <= 0 && x.compare(z) > 0 {
			t.Errorf("%q ≤ %q ≤ %q is no order", a, b, c)
		}
	})
}
