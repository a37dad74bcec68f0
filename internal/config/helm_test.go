package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

const beforeHelm = "apiVersion: fairtide.dev/v1\nenvironments:\n  - name: a\n    tier: staging\n    path: charts/shop\n    helm: "

func TestHelm(t *testing.T) {
	for text, want := range map[string]model.Helm{
		"{}":              {},
		"{release: shop}": {Release: "shop"},
		"{values: [environments/production/values.yaml, ./b//c.yaml]}": {Values: []string{"environments/production/values.yaml", "b/c.yaml"}},
		"{kubeVersion: v1.37.1}":             {KubeVersion: "v1.37.1"},
		"{kubeVersion: '1.37'}":              {KubeVersion: "1.37"},
		"{kubeVersion: v1.33.4-gke.1245000}": {KubeVersion: "v1.33.4-gke.1245000"},
		"{apiVersions: [v1, apps/v1, monitoring.coreos.com/v1/ServiceMonitor]}": {APIVersions: []string{"v1", "apps/v1", "monitoring.coreos.com/v1/ServiceMonitor"}},
	} {
		c, err := Parse(File, []byte(beforeHelm+text+"\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.Environments[0].Helm; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

func TestHelmWrong(t *testing.T) {
	for text, want := range map[string]string{
		"chart":                                      "helm must be a mapping",
		"{valuesFiles: [a.yaml]}":                    `did you mean "values"?`,
		"{values: a.yaml}":                           "helm: values must be a list",
		"{values: [../secret.yaml]}":                 `helm: values "../secret.yaml" leads out of the repository`,
		"{values: [/etc/passwd]}":                    `helm: values "/etc/passwd" must be relative to the root of the repository`,
		"{values: ['a\\b.yaml']}":                    "write / between directories",
		"{values: [a.yaml, x/../a.yaml]}":            `"a.yaml" is listed twice`,
		"{release: Not_A_Name}":                      "helm: release",
		"{release: " + strings.Repeat("r", 54) + "}": "helm: release",
		"{kubeVersion: latest}":                      `kubeVersion "latest" is not the version of a cluster; write it like v1.37.1`,
		"{kubeVersion: 1.37}":                        "helm: kubeVersion",
		"{apiVersions: [apps]}":                      `"apps" is not an API version; write it like apps/v1`,
		"{apiVersions: [apps/v1/deployment]}":        "is not an API version",
		"{apiVersions: apps/v1}":                     "helm: apiVersions must be a list",
	} {
		_, err := Parse(File, []byte(beforeHelm+text+"\n"))
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
