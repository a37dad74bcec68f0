package mask

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

var db = model.ObjectID{Kind: "Secret", Namespace: "shop", Name: "db"}

func secret(field string, values map[string]any) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "Secret", field: values}
}

func TestTokens(t *testing.T) {
	m := New("key")
	encoded := m.Object(db, secret("data", map[string]any{"a": "aHVudGVyMg==", "b": "aHVudGVyMg==", "long": "aHVudGVyMmh1bnRlcjJodW50ZXIy"}))["data"].(map[string]any)
	plain := m.Object(db, secret("stringData", map[string]any{"a": "hunter2", "looks": "aHVudGVyMg=="}))["stringData"].(map[string]any)
	if encoded["a"] != encoded["b"] || encoded["a"] != plain["a"] {
		t.Errorf("equal values look different: %v %v", encoded, plain)
	}
	if plain["a"] == plain["looks"] || encoded["a"] == encoded["long"] {
		t.Errorf("different values look equal: %v %v", encoded, plain)
	}
	if len(encoded["a"].(string)) != len(encoded["long"].(string)) {
		t.Errorf("the length leaks: %v", encoded)
	}
	if New("other").Token(db, "hunter2") == m.Token(db, "hunter2") {
		t.Error("tokens of two keys can be compared")
	}
	other := db
	other.Name = "cache"
	if m.Token(other, "hunter2") == m.Token(db, "hunter2") {
		t.Error("tokens of two objects can be compared")
	}
}

func TestNothingOfASecretIsLeft(t *testing.T) {
	cases := map[string]struct {
		id     model.ObjectID
		fields map[string]any
	}{
		"data is a text":          {db, map[string]any{"apiVersion": "v1", "kind": "Secret", "data": "hunter2"}},
		"a value is a map":        {db, secret("data", map[string]any{"a": map[string]any{"b": "hunter2"}})},
		"stringData is a list":    {db, map[string]any{"apiVersion": "v1", "kind": "Secret", "stringData": []any{"hunter2"}}},
		"the object says less":    {db, map[string]any{"stringData": map[string]any{"a": "hunter2"}}},
		"the identity says less":  {model.ObjectID{Kind: "Wrong"}, secret("stringData", map[string]any{"a": "hunter2"})},
		"last applied, of others": {model.ObjectID{Kind: "ConfigMap"}, map[string]any{"metadata": map[string]any{"annotations": map[string]any{LastApplied: "hunter2"}}}},
	}
	for name, c := range cases {
		out, err := json.Marshal(New("key").Object(c.id, maps.Clone(c.fields)))
		if err != nil || strings.Contains(string(out), "hunter2") {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
	config := New("key").Object(model.ObjectID{Kind: "ConfigMap"}, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"a": "plain"}})
	if config["data"].(map[string]any)["a"] != "plain" {
		t.Errorf("a ConfigMap is masked: %v", config)
	}
}

func FuzzToken(f *testing.F) {
	f.Add("hunter2", "hunter3")
	f.Add("aGk=", "aGl=")
	f.Fuzz(func(t *testing.T, a, b string) {
		m := New("key")
		of := func(s string) string {
			return m.Object(db, secret("stringData", map[string]any{"k": s}))["stringData"].(map[string]any)["k"].(string)
		}
		if (of(a) == of(b)) != (a == b) {
			t.Errorf("%q and %q: %s and %s", a, b, of(a), of(b))
		}
		if m.Token(db, base64.StdEncoding.EncodeToString([]byte(a))) != of(a) {
			t.Errorf("%q has two tokens", a)
		}
		if len(of(a)) != len("<masked 3f9a2c1d>") {
			t.Errorf("%q is shown as %q", a, of(a))
		}
	})
}

func TestMarkedFields(t *testing.T) {
	env := model.FieldRule{Pointer: "/spec/containers/*/env/*/value"}
	key := model.FieldRule{Kind: "ConfigMap", Pointer: "/data/password"}
	m := New("key", env, key, model.FieldRule{Kind: "Pod", Manager: "tuner"})
	object := func() map[string]any {
		return map[string]any{
			"data": map[string]any{"password": "hunter2", "user": "op1"},
			"spec": map[string]any{"containers": []any{map[string]any{
				"name": "a", "env": []any{map[string]any{"name": "X", "value": "hunter2"}, map[string]any{"name": "Y", "value": "aHVudGVyMg=="}},
			}}},
		}
	}
	config := model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "db"}
	out := m.Object(config, object())
	text, err := json.Marshal(out)
	if err != nil || strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "aHVudGVyMg") || !strings.Contains(string(text), "op1") {
		t.Errorf("marked fields: %s, %v", text, err)
	}
	values := out["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["env"].([]any)
	if x, y := values[0].(map[string]any)["value"], values[1].(map[string]any)["value"]; x == y {
		t.Errorf("two texts have one token: %v", x)
	}
	if x := values[0].(map[string]any)["value"]; x != out["data"].(map[string]any)["password"] {
		t.Errorf("equal values of one object look different: %v", out)
	}
	other := m.Object(model.ObjectID{Kind: "Pod", Name: "p"}, object())
	if other["data"].(map[string]any)["password"] != "hunter2" {
		t.Errorf("a rule for ConfigMaps masks a Pod: %v", other)
	}
}
