package repo

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestBumpInAChart(t *testing.T) {
	const (
		cart     = "registry.example.com/cart"
		template = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart}\nspec:\n  containers:\n    - name: cart\n      image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"\n"
		values   = "image:\n  repository: " + cart + "\n  tag: 1.4.0 # tested\nother: 1.4.0\n"
	)
	base := files{
		"charts/shop/Chart.yaml":         chartYAML,
		"charts/shop/values.yaml":        values,
		"charts/shop/templates/pod.yaml": template,
	}
	cases := []struct {
		name, file, want, refused string
		more                      files
		values                    []string
	}{
		{name: "chart's own values", file: "charts/shop/values.yaml", want: strings.Replace(values, "1.4.0 #", "1.5.0 #", 1)},
		{name: "values of the environment", more: files{"env/a.yaml": "image: {tag: 1.3.0}\n", "env/b.yaml": "image: {tag: \"1.4.1\"}\n"}, values: []string{"env/a.yaml", "env/b.yaml"},
			file: "env/b.yaml", want: "image: {tag: \"1.5.0\"}\n"},
		{name: "whole image", more: files{"charts/shop/values.yaml": "web: {image: " + cart + ":1.4.0}\n", "charts/shop/templates/pod.yaml": strings.ReplaceAll(template, ".Values.image.repository }}:{{ .Values.image.tag", ".Values.web.image")},
			file: "charts/shop/values.yaml", want: "web: {image: " + cart + ":1.5.0}\n"},
		{name: "two images of one tag", more: files{"charts/shop/templates/pod.yaml": template + "    - name: other\n      image: \"other:{{ .Values.image.tag }}\"\n"}, refused: "no value in a values file sets the tag of this image alone"},
		{name: "fixed in the template", more: files{"charts/shop/templates/pod.yaml": strings.ReplaceAll(template, "{{ .Values.image.tag }}", "1.4.0")}, refused: "set it in charts/shop/values.yaml"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, clone, hashes := cloned(t, base.with(tc.more))
			r := cached(t, Options{Path: clone})
			env := pinned()
			env.Helm.Values = tc.values
			uses, err := r.Images(t.Context(), env, hashes[1])
			if err != nil || uses[len(uses)-1].Image != cart {
				t.Fatalf("got %+v, %v", uses, err)
			}
			p, err := r.Bump(t.Context(), env, cart, "1.5.0", hashes[1])
			if tc.refused != "" {
				if model.CodeOf(err, 0) != model.ExitUsage || !strings.Contains(err.Error(), tc.refused) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || len(p.Files) != 1 || p.Files[0].Path != tc.file {
				t.Fatalf("got %+v, %v", p, err)
			}
			c, err := r.CommitPatch(t.Context(), p, CommitMessage{Title: "bump"})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.File(t.Context(), c, tc.file); err != nil || string(got) != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}
