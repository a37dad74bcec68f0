package repo

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

const cart = "registry.example.com/cart"

const production1 = "environments/production/kustomization.yaml"

func TestBump(t *testing.T) {
	kust := func(text string) files { return shop().with(files{production1: text}) }
	head := "namespace: shop # keep\nresources: [../../base]\n"
	for name, tt := range map[string]struct {
		tree       files
		file       string
		want       string // of the file
		tag, image string
	}{
		"flow entry":     {tree: shop(), want: "namespace: shop\nresources: [../../base]\nimages: [{name: registry.example.com/cart, newTag: 1.5.0}]\n"},
		"block entry":    {tree: kust(head + "images:\n- name: " + cart + "\n  newTag: 1.4.0   # tested\n- name: other\n  newTag: '1'\n"), want: head + "images:\n- name: " + cart + "\n  newTag: 1.5.0   # tested\n- name: other\n  newTag: '1'\n"},
		"quoted":         {tree: kust(head + "images:\n- newTag: \"1.4.0\"\n  name: " + cart + "\n"), want: head + "images:\n- newTag: \"1.5.0\"\n  name: " + cart + "\n"},
		"like a number":  {tag: "1.10", tree: kust(head + "images:\n- name: " + cart + "\n  newTag: 1.4.0\n"), want: head + "images:\n- name: " + cart + "\n  newTag: \"1.10\"\n"},
		"CRLF":           {tree: kust("resources: [../../base]\r\nimages:\r\n- name: " + cart + "\r\n  newTag: 1.4.0\r\n"), want: "resources: [../../base]\r\nimages:\r\n- name: " + cart + "\r\n  newTag: 1.5.0\r\n"},
		"new name":       {image: "mirror.example.com/cart", tree: kust(head + "images:\n  - name: " + cart + "\n    newName: mirror.example.com/cart # ours\nlabels: []\n"), want: head + "images:\n  - name: " + cart + "\n    newName: mirror.example.com/cart # ours\n    newTag: 1.5.0\nlabels: []\n"},
		"shared base":    {tree: kust(head), want: head + "images:\n- name: " + cart + "\n  newTag: 1.5.0\n"},
		"no line feed":   {tree: kust(strings.TrimSuffix(head, "\n")), want: head + "images:\n- name: " + cart + "\n  newTag: 1.5.0\n"},
		"other entries":  {tree: kust(head + "images:\n  - name: x\n    newTag: \"1\" # x\n\nlabels: []\n"), want: head + "images:\n  - name: x\n    newTag: \"1\" # x\n  - name: " + cart + "\n    newTag: 1.5.0\n\nlabels: []\n"},
		"flow entries":   {tree: kust(head + "images: [{name: x, newTag: a}] # x\n"), want: head + "images: [{name: x, newTag: a}, {name: " + cart + ", newTag: 1.5.0}] # x\n"},
		"no entries":     {tree: kust(head + "images: [] # none\n"), want: head + "images: [{name: " + cart + ", newTag: 1.5.0}] # none\n"},
		"own manifest":   {tree: kust("resources: [d.yaml]\n").with(files{"environments/production/d.yaml": "# ü\n" + deployment("cart", cart+":1.4.1 # why", 1)}), file: "environments/production/d.yaml", want: "# ü\n" + deployment("cart", cart+":1.5.0 # why", 1)},
		"plain manifest": {tree: kust("").with(files{"environments/production/d.yaml": deployment("cart", "'"+cart+":1.4.1'", 1)}), file: "environments/production/d.yaml", want: deployment("cart", "'"+cart+":1.5.0'", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.file == "" {
				tt.file = production1
			}
			if tt.tag == "" {
				tt.tag = "1.5.0"
			}
			if tt.image == "" {
				tt.image = cart
			}
			_, clone, hashes := cloned(t, tt.tree)
			r := cached(t, Options{Path: clone})
			p, err := r.Bump(t.Context(), production, tt.image, tt.tag, hashes[1])
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Files) != 1 || p.Files[0].Path != tt.file || len(p.Conflicts) != 0 {
				t.Errorf("%+v", p)
			}
			c, err := r.CommitPatch(t.Context(), p, CommitMessage{Title: "bump"})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.File(t.Context(), c, tt.file); err != nil || string(got) != tt.want {
				t.Errorf("file is\n%s\n%v, want\n%s", got, err, tt.want)
			}
			uses, err := r.Images(t.Context(), production, c)
			if err != nil || len(uses) != 1 || uses[0].Image != tt.image || uses[0].Tag != tt.tag || len(uses[0].Objects) != 1 {
				t.Errorf("%+v, %v", uses, err)
			}
		})
	}
}

func TestBumpRefuses(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for name, tt := range map[string]struct {
		tree             files
		image, tag, want string
	}{
		"not used":     {shop(), "nginx", "1", "image nginx is not used at"},
		"in use are":   {shop(), "nginx", "1", "in use are " + cart + ":1.4.1"},
		"already":      {shop(), cart, "1.4.1", "has the tag 1.4.1 at"},
		"no tag":       {shop(), cart, "a b", "is no image tag"},
		"digest":       {shop().with(files{production1: "resources: [../../base]\nimages: [{name: " + cart + ", digest: \"" + digest + "\"}]\n"}), cart, "2", "pinned by digest"},
		"set by patch": {shop().with(files{production1: "resources: [../../base]\npatches:\n- {target: {kind: Deployment}, patch: '[{\"op\": \"replace\", \"path\": \"/spec/template/spec/containers/0/image\", \"value\": \"" + cart + ":3\"}]'}\nreplacements:\n- source: {kind: Deployment, name: cart, fieldPath: spec.template.spec.containers.0.image}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.timeout]}]\ntransformers: [t.yaml]\n", "environments/production/t.yaml": "{apiVersion: builtin, kind: ImageTagTransformer, metadata: {name: x}, imageTag: {name: " + cart + ", newTag: \"4\"}}\n"}), cart, "5", "cannot set " + cart + " to 5"},
	} {
		t.Run(name, func(t *testing.T) {
			_, clone, hashes := cloned(t, tt.tree)
			_, err := cached(t, Options{Path: clone}).Bump(t.Context(), production, tt.image, tt.tag, hashes[1])
			if model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestImages(t *testing.T) {
	text := `{apiVersion: batch/v1, kind: CronJob, metadata: {name: j}, spec: {jobTemplate: {spec: {template: {spec: {
  initContainers: [{image: "localhost:5000/a"}], containers: [{image: "localhost:5000/a:1@sha256:0f"}, {image: b:2}]}}}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{image: b:2}], ephemeralContainers: [{image: c}]}}
---
{apiVersion: example.com/v1, kind: Deployment, metadata: {name: x}, spec: {template: {spec: {containers: [{image: custom:1}]}}}}
`
	r := single(t, files{"environments/production/all.yaml": text})
	uses, err := r.Images(t.Context(), production, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range uses {
		for _, o := range u.Objects {
			got = append(got, imageText(u)+" "+o.String())
		}
	}
	want := "b:2 CronJob j,b:2 Pod p,c Pod p,localhost:5000/a CronJob j,localhost:5000/a:1@sha256:0f CronJob j"
	if strings.Join(got, ",") != want {
		t.Errorf("%s, want %s", strings.Join(got, ","), want)
	}
}

func FuzzAddEntry(f *testing.F) {
	for _, s := range []string{"resources: [a]\n", "images:\n- name: x\n  newTag: y\n", "images: [{name: x}]", "images:\r\n  - {name: a, newTag: 'b'}\r\n", "\ufeffimages: []\n", "images:\n# c\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		y, err := readYAML([]byte(s))
		if err != nil {
			return
		}
		for _, edit := range []func() ([]splice, bool){
			func() ([]splice, bool) { return y.addEntry("a/b", "1") },
			func() ([]splice, bool) { c, _, ok := y.imageEntry("x", "2"); return c, ok },
			func() ([]splice, bool) { return y.imageLines("x", "2") },
		} {
			changes, ok := edit()
			if !ok {
				continue
			}
			if got := y.apply(changes); len(got) == 0 {
				t.Errorf("%q became nothing", s)
			}
		}
	})
}
