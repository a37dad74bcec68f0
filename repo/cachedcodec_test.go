package repo

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// everyKind is an object with every kind of value, and those that look alike.
func everyKind() model.Object {
	return model.Object{
		ID:      model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "cart"},
		Version: "v1",
		Source:  model.Source{File: "base/cart.yaml", Line: 7},
		Fields: map[string]any{
			"": "", "nil": nil, "true": true, "false": false, "text": "a\x00\xff\n", "again": "a\x00\xff\n",
			"int": int64(3), "float": float64(3), "negative": int64(-1), "minus zero": math.Copysign(0, -1),
			"smallest": int64(math.MinInt64), "largest": int64(math.MaxInt64), "infinite": math.Inf(-1), "tiny": math.SmallestNonzeroFloat64,
			"list": []any{int64(1), "1", 1.5, []any{}, map[string]any{}, []any(nil), map[string]any(nil)},
			"deep": map[string]any{"a": map[string]any{"b": []any{map[string]any{"c": "a"}}}},
		},
	}
}

func TestRendersSurviveTheCache(t *testing.T) {
	for name, res := range map[string]*result{
		"objects": {objects: []model.Object{everyKind(), {ID: model.ObjectID{Kind: "Namespace", Name: "x"}, Version: "v1", Fields: map[string]any{}}}, files: []string{"a", "b/\xffc"}},
		"missing": {missing: true, files: []string{"a"}},
		"problem": {problem: contentf("%s:%d: bad", "a", 3)},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := encodeResult(res)
			if err != nil {
				t.Fatal(err)
			}
			again, err := encodeResult(res)
			if err != nil || !bytes.Equal(data, again) {
				t.Error("the same render has two forms")
			}
			got, err := decodeResult(data)
			if err != nil || !reflect.DeepEqual(got, res) {
				t.Errorf("got %+v, %v; want %+v", got, err, res)
			}
			var bad *contentError
			if res.problem != nil && !errors.As(got.problem, &bad) {
				t.Errorf("the problem became %T", got.problem)
			}
			for i := range data {
				if _, err := decodeResult(data[:i]); err == nil {
					t.Errorf("cut to %d bytes it was believed", i)
				}
			}
			if _, err := decodeResult(append(data, 0)); err == nil {
				t.Error("with a byte more it was believed")
			}
		})
	}
}

// A float64 that JSON writes like an int64 stays one.
func TestNumbersStayApart(t *testing.T) {
	data, err := encodeResult(&result{objects: []model.Object{everyKind()}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeResult(data)
	if err != nil {
		t.Fatal(err)
	}
	f := got.objects[0].Fields
	if f["int"] != int64(3) || f["float"] != float64(3) || !math.Signbit(f["minus zero"].(float64)) {
		t.Errorf("%T %T %v", f["int"], f["float"], f["minus zero"])
	}
}

func TestWhatHasNoFormIsNotKept(t *testing.T) {
	deep := any("x")
	for range maxDepth {
		deep = []any{deep}
	}
	for name, v := range map[string]any{"int": 1, "uint64": uint64(1), "too deep": deep, "bytes": []byte("x"), "inside": []any{map[string]any{"a": int32(1)}}} {
		if _, err := encodeResult(&result{objects: []model.Object{{Fields: map[string]any{"f": v}}}}); !errors.Is(err, errNotKept) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzDecodeResult(f *testing.F) {
	for _, res := range []*result{{objects: []model.Object{everyKind()}, files: []string{"a"}}, {missing: true}, {problem: contentf("x")}} {
		data, err := encodeResult(res)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte{resultObjects, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte(strings.Repeat("\x06\x01", 3000)))
	f.Fuzz(func(t *testing.T, data []byte) {
		res, err := decodeResult(data)
		if err != nil {
			return
		}
		// What is believed is a render: it has a form of its own.
		form, err := encodeResult(res)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeResult(form)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := encodeResult(again); err != nil || !bytes.Equal(second, form) {
			t.Errorf("%q became %q, %v", form, second, err)
		}
	})
}

func TestInputsSurviveTheCache(t *testing.T) {
	in := &inputs{}
	in.at(".").read = true
	in.at("a/b/c.yaml").read = true
	in.at("a/b").all = true
	in.at("a/x/a").read = true
	in.at("a/x").whole = true
	text := encodeInputs(in)
	got, err := decodeInputs(text)
	if err != nil || !reflect.DeepEqual(got, in) {
		t.Errorf("got %+v, %v", got, err)
	}
	for i := range text {
		if _, err := decodeInputs(text[:i]); err == nil {
			t.Errorf("cut to %d bytes it was believed", i)
		}
	}
	// A field more has to be written, read, and answered for.
	if n := reflect.TypeFor[inputs]().NumField(); n != 4 {
		t.Errorf("inputs has %d fields; those that encoder.inputs and answering.node know are 4", n)
	}
}
