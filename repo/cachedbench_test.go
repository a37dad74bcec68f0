package repo

import (
	"fmt"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// BenchmarkKeptRender compares making a render with finding it on disk, and
// says how large it lies there.
func BenchmarkKeptRender(b *testing.B) {
	s := buildSample(b)
	env := model.Environment{Name: "production", Path: "environments/production"}
	cacheDir := b.TempDir()
	r := openKept(b, s.Dir, cacheDir)
	disk := r.cache.disk
	head, err := r.Head(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("made", func(b *testing.B) {
		for b.Loop() {
			r.cache = newRenderCache()
			render(b, r, env)
		}
	})
	r.cache = newRenderCache()
	r.cache.disk = disk
	render(b, r, env)
	b.Run("found", func(b *testing.B) {
		for b.Loop() {
			r.cache = newRenderCache()
			r.cache.disk = disk
			disk.asked = map[string][]string{}
			render(b, r, env)
		}
	})
	if _, err := r.Pending(b.Context(), env, s.Base, head.Hash); err != nil {
		b.Fatal(err)
	}
	b.Run("pending", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Pending(b.Context(), env, s.Base, head.Hash); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDecodeRender reads a render of 1,000 objects.
func BenchmarkDecodeRender(b *testing.B) {
	s := buildSample(b)
	got := render(b, openKept(b, s.Dir, ""), model.Environment{Name: "production", Path: "environments/production"})
	res := &result{files: got.Inputs}
	for i := range 1000 {
		o := cloneObjects(got.Objects[i%len(got.Objects):][:1])[0]
		o.ID.Name += fmt.Sprint(i)
		o.Fields["metadata"].(map[string]any)["name"] = o.ID.Name
		res.objects = append(res.objects, o)
	}
	data, err := encodeResult(res)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			if _, err := encodeResult(res); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(float64(len(data)), "bytes")
		for b.Loop() {
			if _, err := decodeResult(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
