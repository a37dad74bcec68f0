package repo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const chartYAML = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"

// pinned is an environment whose chart asks no cluster.
func pinned() model.Environment {
	return model.Environment{
		Name: "production", Path: "charts/shop", Namespace: "shop",
		Helm: model.Helm{KubeVersion: "v1.37.1", APIVersions: []string{"v1"}},
	}
}

func chartCM(name, data string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata:\n  a: " + data + "\n"
}

func chartTree(more files) files {
	return files{
		"charts/shop/Chart.yaml":        chartYAML,
		"charts/shop/values.yaml":       "password: hunter2-secret\n",
		"charts/shop/templates/cm.yaml": chartCM("x", "b"),
		"docs/README.md":                "hello\n",
	}.with(more)
}

// renderTreeOf renders a tree's environment in a repository of its own.
func renderTreeOf(t *testing.T, tree files, env model.Environment) (*model.Rendered, error) {
	t.Helper()
	var h history
	h.commit("main", "one", tree)
	dir, commits := h.write(t)
	return open(t, dir).Render(t.Context(), env, commits[1])
}

func archiveOf(t *testing.T, names []string, content []byte) string {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	for _, n := range names {
		if err := tw.WriteHeader(&tar.Header{Name: n, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestChartsThatAreRefused(t *testing.T) {
	const in = "charts/shop/"
	values := func(e *model.Environment) { e.Helm.Values = []string{"env/values.yaml"} }
	cases := []struct {
		name string
		more files
		env  func(*model.Environment)
		want []string
	}{
		{"dependency that is not there", files{in + "Chart.yaml": chartYAML + "dependencies: [{name: redis, version: 17.x, repository: 'https://charts.example.com'}]\n"}, nil,
			[]string{"charts/shop: dependency redis 17.x is not vendored in charts/; run helm dependency update and commit it"}},
		{"dependency of a dependency", files{in + "Chart.yaml": chartYAML + "dependencies: [{name: a, version: 1.x}]\n", in + "charts/a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: b, version: 2.x}]\n"}, nil,
			[]string{"charts/shop/charts/a: dependency b 2.x is not vendored"}},
		{"library", files{in + "Chart.yaml": chartYAML + "type: library\n"}, nil, []string{"charts/shop is a library chart"}},
		{"chart of the future", files{in + "Chart.yaml": "apiVersion: v3\nname: shop\nversion: 0.1.0\n"}, nil, []string{"charts/shop"}},
		{"kustomization beside it", files{in + "kustomization.yaml": "resources: []\n"}, nil, []string{"a chart and a kustomization"}},
		{"values file that is missing", nil, values, []string{"the values file env/values.yaml does not exist", "helm.values"}},
		{"values with a key twice", files{"env/values.yaml": "a: 1\na: 2\n"}, values, []string{`env/values.yaml:2: the key "a" is already in line 1`}},
		{"values that are a list", files{"env/values.yaml": "[a]\n"}, values, []string{"env/values.yaml:1: values have to be a mapping"}},
		{"random", files{in + "templates/r.yaml": chartCM("r", "{{ randAlphaNum 8 }}")}, nil, []string{in + "templates/r.yaml renders differently each time", "pin the value"}},
		{"random choice", files{in + "templates/r.yaml": chartCM("r", "'{{ randInt 0 2 }}'")}, nil, []string{"templates/r.yaml renders differently each time"}},
		{"number of objects by chance", files{in + "templates/r.yaml": "{{ range until (randInt 1 3) }}\n---\n" + chartCM("r{{ . }}", "b") + "{{ end }}"}, nil, []string{"templates/r.yaml renders differently each time"}},
		{"the day", files{in + "templates/r.yaml": chartCM("r", `{{ now | date "2006-01-02" | quote }}`)}, nil, []string{"templates/r.yaml renders differently each time"}},
		{"certificate", files{in + "templates/r.yaml": chartCM("r", `{{ $ca := genCA "x" 1 }}{{ (genSignedCert "y" nil nil 1 $ca).Cert | b64enc }}`)}, nil, []string{"templates/r.yaml renders differently each time"}},
		{"not YAML", files{in + "templates/r.yaml": "a: [\n"}, nil, []string{in + "templates/r.yaml"}},
		{"key twice", files{in + "templates/r.yaml": chartCM("r", "b\n  a: c")}, nil, []string{in + `templates/r.yaml (rendered):7: the key "a" is already in line 6`}},
		{"syntax of a template", files{in + "templates/r.yaml": "a: b\n{{ if }}\n"}, nil, []string{in + "templates/r.yaml:2: ", "missing value for if"}},
		{"function that is not there", files{in + "templates/r.yaml": "a: {{ env \"HOME\" }}\n"}, nil, []string{in + "templates/r.yaml:1: ", `"env" not defined`}},
		{"error in a helper", files{in + "templates/_h.tpl": "{{ define \"h\" }}\n{{ .Values.a.b.c }}{{ end }}", in + "templates/r.yaml": "\n\na: {{ include \"h\" . }}\n"}, nil, []string{in + "templates/_h.tpl:2: ", "nil pointer"}},
		{"required", files{in + "templates/r.yaml": "a: {{ required \"set the host\" .Values.host }}\n"}, nil, []string{in + "templates/r.yaml:1: ", "set the host"}},
		{"secret in the words of a template", files{in + "templates/r.yaml": "a: {{ fail (printf \"bad password %s\" .Values.password) }}\n"}, nil, []string{in + "templates/r.yaml:1: ", "bad password ***"}},
		{"secret in a template of values", files{in + "values.yaml": "password: 'hunter2-secret {{ if }}'\n", in + "templates/r.yaml": "a: {{ tpl .Values.password . }}\n"}, nil, []string{in + "templates/r.yaml:1: "}},
		{"schema", files{in + "values.schema.json": `{"properties": {"password": {"pattern": "^[0-9]+$"}}}`}, nil, []string{"the values do not meet charts/shop/values.schema.json: password breaks the rule \"pattern\""}},
		{"schema on the network", files{in + "values.schema.json": `{"properties": {"a": {"$ref": "http://127.0.0.1:1/x.json"}}}`}, nil, []string{"values.schema.json refers to http://127.0.0.1:1/x.json, which is outside of the schema"}},
		{"schema on the disk", files{in + "values.schema.json": `{"properties": {"a": {"$ref": "file:///etc/hostname"}}}`}, nil, []string{"values.schema.json refers to etc/hostname"}},
		{"language of a schema on the network", files{in + "values.schema.json": `{"$schema": "http://127.0.0.1:1/draft"}`}, nil, []string{"outside of the schema"}},
		{"version of the cluster", files{in + "Chart.yaml": chartYAML + "kubeVersion: '>= 1.99.0'\n"}, nil, []string{"charts/shop is for Kubernetes >= 1.99.0 only, and this is v1.37.1"}},
		{"submodule", files{in + "charts/x": "module:0123456789012345678901234567890123456789"}, nil, []string{in + "charts/x is a submodule"}},
		{"link out of the repository", files{in + "templates/x.yaml": "link:../../../../etc/passwd"}, nil, []string{in + "templates/x.yaml", "outside of the repository"}},
		{"link in a circle", files{in + "templates/x": "link:../templates"}, nil, []string{"link leads in a circle"}},
		{"recursion", files{in + "templates/r.yaml": `{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}`}, nil, []string{in + "templates/r.yaml:1: ", "nested reference"}},
		{"memory by one call", files{in + "templates/r.yaml": `a: {{ repeat 5000000000 "x" }}`}, nil, []string{"charts/shop needs more memory to render than the limit of 512 MB"}},
		{"memory by a loop", files{in + "templates/r.yaml": `{{ range 100000000000 }}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{ end }}`}, nil, []string{"charts/shop needs more memory to render"}},
		{"a loop without end", files{in + "templates/r.yaml": `{{ range 100000000000000 }}{{ end }}`}, func(e *model.Environment) { e.Limits.RenderTime = time.Second }, []string{"rendering takes longer than the limit of 1s"}},
		{"archive that is none", files{in + "charts/a.tgz": "hello"}, nil, []string{in + "charts/a.tgz is not the archive of a chart"}},
		{"archive with a way out", files{in + "charts/a.tgz": archiveOf(t, []string{"a/../../../x"}, []byte("x"))}, nil, []string{in + "charts/a.tgz", "not inside of the chart's directory"}},
		{"archive that is a bomb", files{in + "charts/a.tgz": archiveOf(t, []string{"a/1", "a/2", "a/3"}, make([]byte, 30<<20))}, nil, []string{"limit of 67108864 bytes"}},
		{"nothing", files{in + "templates/cm.yaml": "# nothing\n"}, nil, []string{"renders no object at all"}},
	}
	var h history
	for _, tc := range cases {
		h.commit("main", tc.name, chartTree(tc.more))
	}
	dir, commits := h.write(t)
	r := open(t, dir)
	for i, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			env := pinned()
			if tc.env != nil {
				tc.env(&env)
			}
			_, err := r.Render(t.Context(), env, commits[i+1])
			if model.CodeOf(err, 0) != model.ExitUsage {
				t.Fatalf("got %v", err)
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("got %v\nwant %q", err, w)
				}
			}
			for _, secret := range []string{"hunter2", "\n"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in %q", secret, err)
				}
			}
		})
	}
}

func TestRandomValuesThatDoNotShow(t *testing.T) {
	got, err := renderTreeOf(t, chartTree(files{
		"charts/shop/templates/r.yaml":         "# {{ now }} {{ randAlpha 9 }}\n" + chartCM("r", "'{{ len (randAlpha 9) }}'"),
		"charts/shop/templates/tests/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: '{{ uuidv4 }}', annotations: {helm.sh/hook: test}}\n",
		"charts/shop/templates/NOTES.txt":      "{{ now }}\n",
	}), pinned())
	if err != nil || len(got.Objects) != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestChartInputs(t *testing.T) {
	const in = "charts/shop/"
	env := pinned()
	env.Helm.Values = []string{"env/values.yaml"}
	base := chartTree(files{"env/values.yaml": "a: 1\n", "env/other.yaml": "a: 1\n"})
	for _, tc := range []struct {
		name string
		more files
		want bool
	}{
		{"new template", files{in + "templates/new.yaml": chartCM("new", "b")}, true},
		{"new helper", files{in + "templates/_new.tpl": "{{/* nothing */}}"}, true},
		{"new file for .Files", files{in + "conf/.x": "y\n"}, true},
		{"file that went away", files{in + "values.yaml": ""}, true},
		{"values", files{"env/values.yaml": "a: 2\n"}, true},
		{"other values", files{"env/other.yaml": "a: 2\n"}, false},
		{"document", files{"docs/README.md": "bye\n"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var h history
			h.commit("main", "one", base)
			h.commit("main", "two", base.with(tc.more), 1)
			dir, commits := h.write(t)
			r := open(t, dir)
			p, err := r.Pending(t.Context(), env, commits[1], commits[2])
			if err != nil {
				t.Fatal(err)
			}
			if (len(p.Changes) == 1) != tc.want {
				t.Errorf("got %+v", p.Changes)
			}
		})
	}
}

func TestCapabilitiesAreAskedForAndTellRendersApart(t *testing.T) {
	tree := chartTree(files{
		"charts/shop/templates/cm.yaml": chartCM("x", `"{{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.APIVersions.Has "example.com/v1" }} {{ .Release.Name }} {{ .Release.Namespace }}"`),
		"plain/cm.yaml":                 chartCM("x", "b"),
	})
	var h history
	h.commit("main", "one", tree)
	dir, commits := h.write(t)
	r := open(t, dir)
	caps := model.Capabilities{KubeVersion: "v1.30.0", APIVersions: []string{"example.com/v1"}}
	asked := 0
	var away error
	r.capabilities = func(_ context.Context, env model.Environment) (model.Capabilities, error) {
		asked++
		if env.Context != "gke" {
			t.Errorf("asked for the cluster of %+v", env)
		}
		return caps, away
	}
	text := func(env model.Environment) string {
		t.Helper()
		env.Context = "gke"
		got, err := r.Render(t.Context(), env, commits[1])
		if err != nil {
			t.Fatal(err)
		}
		return got.Objects[0].Fields["data"].(map[string]any)["a"].(string)
	}
	free := model.Environment{Name: "production", Path: "charts/shop"}
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check(text(free), "v1.30.0 true production default")
	caps = model.Capabilities{KubeVersion: "v1.31.0"}
	check(text(free), "v1.31.0 false production default")
	free.Helm.KubeVersion, free.Namespace, free.Name = "v1.29.0", "shop", "other"
	check(text(free), "v1.29.0 false other shop")
	free.Namespace = "elsewhere"
	check(text(free), "v1.29.0 false other elsewhere")
	was := asked
	free.Helm.APIVersions = []string{"example.com/v1"}
	check(text(free), "v1.29.0 true other elsewhere")
	check(text(model.Environment{Name: "p", Path: "plain"}), "b")
	if asked != was {
		t.Errorf("the cluster was asked %d times for what is pinned or no chart", asked-was)
	}
	away = model.Errorf(model.ExitUnreachable, "cannot reach the API server")
	_, err := r.Render(t.Context(), model.Environment{Name: "p", Path: "charts/shop", Context: "gke"}, commits[1])
	if model.CodeOf(err, 0) != model.ExitUnreachable || !strings.Contains(err.Error(), "set helm.kubeVersion and helm.apiVersions") {
		t.Errorf("got %v", err)
	}
	r.capabilities = nil
	_, err = r.Render(t.Context(), model.Environment{Name: "p", Path: "charts/shop"}, commits[1])
	if model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), "set helm.kubeVersion and helm.apiVersions") {
		t.Errorf("got %v", err)
	}
}

func TestTemplateLine(t *testing.T) {
	id := model.ObjectID{Kind: "Service", Name: "web"}
	for template, want := range map[string]int{
		"":                             1,
		"a: b\nkind: Service\n":        2,
		"kind: ServiceAccount\n":       1,
		"{{ include \"x\" . }}\n":      1,
		"# x\r\nkind: \"Service\"\r\n": 2,
		"kind: Service\n---\nkind: Service\nmetadata:\n  name: web\n":                                   3,
		"kind: Service\nmetadata:\n  name: {{ .a }}\n---\nkind: Service\nmetadata:\n  name: {{ .b }}\n": 1,
		"kind: Service\nname: web\n---\nkind: Service\nname: web\n":                                     1,
	} {
		if got := templateLine([]byte(template), id); got != want {
			t.Errorf("%q: line %d, want %d", template, got, want)
		}
	}
}
