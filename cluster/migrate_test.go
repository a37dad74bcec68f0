package cluster

import (
	"testing"

	"github.com/fairtide-dev/fairtide/internal/fieldpath"
)

func TestPruneOwned(t *testing.T) {
	cases := []struct{ name, value, owned, other, want string }{
		{"a leaf", `{a: 1, b: 2}`, `{"f:a": {}}`, `{}`, `{b: 2}`},
		{"a leaf that another keeps", `{a: 1, b: 2}`, `{"f:a": {}, "f:b": {}}`, `{"f:a": {}}`, `{a: 1}`},
		{"a map with what nobody owns in it", `{m: {a: 1, b: 2}}`, `{"f:m": {".": {}, "f:a": {}}}`, `{}`, `{}`},
		{"a map of which another keeps a part", `{m: {a: 1, b: 2}}`, `{"f:m": {".": {}, "f:a": {}}}`, `{"f:m": {"f:b": {}}}`, `{m: {b: 2}}`},
		{"a struct goes with its last field", `{s: {a: 1}, b: 2}`, `{"f:s": {"f:a": {}}}`, `{}`, `{b: 2}`},
		{"one that was empty stays", `{s: {}, b: 2}`, `{"f:s": {"f:a": {}}}`, `{}`, `{s: {}, b: 2}`},
		{"an element", `{l: [{name: a, v: 1}, {name: b, v: 2}]}`, `{"f:l": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:v": {}}}}`, `{}`, `{l: [{name: b, v: 2}]}`},
		{"a part of an element that another keeps", `{l: [{name: a, v: 1}]}`, `{"f:l": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:v": {}}}}`,
			`{"f:l": {'k:{"name":"a"}': {".": {}, "f:name": {}}}}`, `{l: [{name: a}]}`},
		{"the last element", `{l: [{name: a}]}`, `{"f:l": {".": {}, 'k:{"name":"a"}': {".": {}, "f:name": {}}}}`, `{}`, `{}`},
		{"a value of a set", `{l: [x, y]}`, `{"f:l": {'v:"x"': {}}}`, `{}`, `{l: [y]}`},
		{"what is not there", `{a: 1}`, `{"f:b": {}, "f:l": {'v:"x"': {}}}`, `{}`, `{a: 1}`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			value := fieldsOf(t, tc.value)
			pruneOwned(value, fieldsOf(t, tc.owned), []map[string]any{fieldsOf(t, tc.other)})
			if !fieldpath.Equal(value, fieldsOf(t, tc.want)) {
				t.Errorf("got %v, want %s", value, tc.want)
			}
		})
	}
}

func TestSplitTree(t *testing.T) {
	tree := fieldsOf(t, `{"f:a": {}, "f:b": {".": {}, "f:c": {}, "f:d": {}}, "f:e": {}}`)
	both, rest := splitTree(tree, fieldsOf(t, `{"f:a": {}, "f:b": {".": {}, "f:c": {}}}`))
	if !fieldpath.Equal(both, fieldsOf(t, `{"f:a": {}, "f:b": {".": {}, "f:c": {}}}`)) || !fieldpath.Equal(rest, fieldsOf(t, `{"f:b": {"f:d": {}}, "f:e": {}}`)) {
		t.Errorf("both %v, rest %v", both, rest)
	}
	if got := mergeTrees(both, rest); !fieldpath.Equal(got, tree) {
		t.Errorf("together %v", got)
	}
}

func TestMergePatch(t *testing.T) {
	from := fieldsOf(t, `{metadata: {resourceVersion: "7", managedFields: [{manager: x}], labels: {a: b}}, spec: {x: 1, l: [1, 2], m: {k: v}}, gone: 1}`)
	to := fieldsOf(t, `{metadata: {resourceVersion: "7", managedFields: [{manager: y}]}, spec: {x: 2, l: [1], m: {k: v}}, new: {a: 1}}`)
	want := fieldsOf(t, `{metadata: {resourceVersion: "7", labels: null}, spec: {x: 2, l: [1]}, gone: null, new: {a: 1}}`)
	if got := pinnedMergePatch(from, to); !fieldpath.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestFieldsIn(t *testing.T) {
	tree := fieldsOf(t, `{"f:a": {}, "f:m": {".": {}, "f:x": {}, "f:default": {}}, "f:l": {'k:{"name":"a"}': {".": {}, "f:v": {}}, 'k:{"name":"b"}': {}}, "f:s": {'v:"x"': {}, 'v:"y"': {}}}`)
	got := fieldsIn(tree, fieldsOf(t, `{m: {x: 1}, l: [{name: a}], s: [x]}`))
	want := fieldsOf(t, `{"f:m": {".": {}, "f:x": {}}, "f:l": {'k:{"name":"a"}': {".": {}}}, "f:s": {'v:"x"': {}}}`)
	if !fieldpath.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
