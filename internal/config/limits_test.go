package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

const beforeLimits = "apiVersion: fairtide.dev/v1\nenvironments: [{name: a, tier: staging, path: x}, {name: b, tier: production, path: y}]\n"

func TestLimits(t *testing.T) {
	for text, want := range map[string]model.Limits{
		"":                                       {},
		"limits: {fileSize: 5Mi}":                {FileBytes: 5 << 20},
		"limits: {fileSize: 512Ki}":              {FileBytes: 512 << 10},
		"limits: {fileSize: 2048}":               {FileBytes: 2048},
		"limits: {fileSize: '100Mi'}":            {FileBytes: 100 << 20},
		"limits: {objects: 1, yamlNodes: 1000}":  {Objects: 1, YAMLNodes: 1000},
		"limits: {renderTime: 1h, objects: 300}": {RenderTime: time.Hour, Objects: 300},
		"limits: {renderTime: 1m30s}":            {RenderTime: 90 * time.Second},
	} {
		c, err := Parse(File, []byte(beforeLimits+text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, e := range c.Environments {
			if e.Limits != want {
				t.Errorf("%s: environment %s has %+v, want %+v", text, e.Name, e.Limits, want)
			}
		}
	}
}

func TestLimitsWrong(t *testing.T) {
	for text, want := range map[string][]string{
		"limits: 5":                      {"limits must be a mapping"},
		"limits: {filesize: 5Mi}":        {`did you mean "fileSize"?`},
		"limits: {fileSize: 5MB}":        {"fileSize must be a number of bytes such as 512Ki or 5Mi, not the text \"5MB\""},
		"limits: {fileSize: -1}":         {"fileSize must be a number of bytes"},
		"limits: {fileSize: 1.5Mi}":      {"fileSize must be a number of bytes"},
		"limits: {fileSize: [5Mi]}":      {"fileSize must be a number of bytes such as 512Ki or 5Mi, not a list"},
		"limits: {fileSize: 0}":          {"fileSize must be from 1Ki to 100Mi"},
		"limits: {fileSize: 4294967295}": {"fileSize must be from 1Ki to 100Mi"},
		"limits: {fileSize: 101Mi}":      {"fileSize must be from 1Ki to 100Mi"},
		"limits: {objects: 0}":           {"objects must be from 1 to 200000"},
		"limits: {objects: 200001}":      {"objects must be from 1 to 200000"},
		"limits: {objects: many}":        {"objects must be a whole number"},
		"limits: {yamlNodes: 999}":       {"yamlNodes must be from 1000 to 20000000"},
		"limits: {renderTime: 10ms}":     {"renderTime must be from 1s to 1h"},
		"limits: {renderTime: 2h}":       {"renderTime must be from 1s to 1h"},
		"limits: {renderTime: 60}":       {"renderTime"},
		"limits: {renderTime: soon}":     {"is not a duration"},
		"limits: {fileSize: 1, objects: 0, renderTime: x, yamlNodes: []}": {"fileSize must be", "objects must be", "is not a duration", "yamlNodes must be"},
	} {
		_, err := Parse(File, []byte(beforeLimits+text))
		var problems Problems
		if !errors.As(err, &problems) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if len(problems) != len(want) {
			t.Errorf("%s: %d problems, want %d: %v", text, len(problems), len(want), err)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", text, err, w)
			}
		}
		for _, p := range problems {
			if p.Line != 3 || p.Column < 8 && !strings.HasPrefix(text, "limits: 5") {
				t.Errorf("%s: at %d:%d", text, p.Line, p.Column)
			}
		}
	}
}
