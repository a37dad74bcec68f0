package repo

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// corpus holds awkward scalars and structures.
var corpus = []string{
	"a: yes\nb: off\nc: y\nd: 'yes'\ne: \"no\"\nf: True\n",
	"y: 1\nno: 2\n1: 3\n1.5: 4\n",
	"a: 0777\nb: 0o17\nc: 0x1F\nd: 1_000\ne: 1e3\nf: 1.0\ng: -0.5\nh: 12345678901234567890\ni: .5\n",
	"a: 2026-01-02\nb: 2026-01-02T03:04:05Z\nc: 12:30:45\n",
	"a: ~\nb: null\nc:\nd: ''\n",
	"a: &x {k: 1, l: [1, 2]}\nb: {<<: *x, k: 2}\nc: {<<: [*x, {m: 3}]}\nd: *x\n",
	"a: |\n  two\n  lines\nb: >-\n  folded\n  text\n",
	"a: !!str 1\nb: !!int \"2\"\nc: !!binary aGVsbG8=\n",
	"- 1\n- [a, {b: c}]\n",
	"a: \"\\u00e9 \\x41\"\n",
	"\r\na: 1\r\nb: 2\r\n",
}

// kubectlReads is what Kubernetes' own YAML reader makes of a document.
func kubectlReads(text string) (any, error) {
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return numbers(v)
}

func TestParseReadsAsKubectlDoes(t *testing.T) {
	for _, text := range corpus {
		want, err := kubectlReads(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		docs, err := parse("a.yaml", []byte(text), 1000)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if len(docs) != 1 || !reflect.DeepEqual(docs[0].value, want) {
			t.Errorf("%q is %#v, want %#v", text, docs, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range corpus {
		f.Add(text)
	}
	f.Add("a: &a [*a]\n")
	f.Add("---\n...\n---\na")
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := parse("a.yaml", []byte(text), 1000)
		if err != nil {
			if text := err.Error(); !strings.HasPrefix(text, "a.yaml") || strings.Contains(text, "\n") {
				t.Errorf("error %q does not name the file in one line", text)
			}
			return
		}
		for _, d := range docs {
			data, err := json.Marshal(d.value)
			if err != nil {
				t.Fatalf("%#v: %v", d.value, err)
			}
			var again any
			if err := json.Unmarshal(data, &again); err != nil {
				t.Fatal(err)
			}
			if _, err := objectsOf(d); err != nil && !errorIsContent(err) {
				t.Errorf("error %T", err)
			}
		}
	})
}

func errorIsContent(err error) bool {
	var bad *contentError
	return errors.As(err, &bad)
}
