package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

func TestFieldRules(t *testing.T) {
	const text = `apiVersion: fairtide.dev/v1
hide:
  - {kind: Deployment, pointer: /spec/replicas}
  - {manager: vpa-updater}
mask:
  - {kind: ConfigMap, pointer: /data/password}
environments:
  - name: dev
    tier: development
    path: dev
    hide: [{pointer: /metadata/annotations/example.com~1revision}]
    mask: [{pointer: "/spec/template/spec/containers/*/env/*/value"}]
  - {name: staging, tier: staging, path: staging}
`
	cfg, err := Parse(File, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	hide := []model.FieldRule{{Kind: "Deployment", Pointer: "/spec/replicas"}, {Manager: "vpa-updater"}}
	mask := []model.FieldRule{{Kind: "ConfigMap", Pointer: "/data/password"}}
	dev, staging := cfg.Environments[0], cfg.Environments[1]
	if !reflect.DeepEqual(staging.Hide, hide) || !reflect.DeepEqual(staging.Mask, mask) {
		t.Errorf("the rules for all: %+v %+v", staging.Hide, staging.Mask)
	}
	if want := append(hide, model.FieldRule{Pointer: "/metadata/annotations/example.com~1revision"}); !reflect.DeepEqual(dev.Hide, want) {
		t.Errorf("dev hides %+v, want %+v", dev.Hide, want)
	}
	if want := append(mask, model.FieldRule{Pointer: "/spec/template/spec/containers/*/env/*/value"}); !reflect.DeepEqual(dev.Mask, want) {
		t.Errorf("dev masks %+v, want %+v", dev.Mask, want)
	}
}

func TestBadFieldRules(t *testing.T) {
	for rule, says := range map[string]string{
		`hide: [{kind: Deployment}]`:                           "names no field: give it a pointer or a manager",
		`hide: [{pointer: spec/replicas}]`:                     "must begin with a slash",
		`hide: [{pointer: "/*/*"}]`:                            "about every field",
		`hide: [{pointer: /a~2}]`:                              "~ must be followed by",
		`hide: [{pointer: /a//b}]`:                             "a part of it is empty",
		`hide: [{kind: deployments, pointer: /spec}]`:          "such as Deployment",
		`hide: {pointer: /spec}`:                               "must be a list",
		`hide: [{pointer: /spec, managers: x}]`:                "did you mean \"manager\"?",
		`mask: [{manager: vpa-updater}]`:                       "unknown key \"manager\"",
		`mask: [{kind: ConfigMap}]`:                            "names no field: give it a pointer",
		"hide: [" + strings.Repeat("{manager: m},", 201) + "]": "more than 200 rules",
	} {
		_, err := Parse(File, []byte("apiVersion: fairtide.dev/v1\nenvironments: [{name: dev, tier: development, path: dev}]\n"+rule+"\n"))
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), File+":3:") {
			t.Errorf("%.60s: %v; want %q in line 3", rule, err, says)
		}
	}
}
