package odb

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

func FuzzPatch(f *testing.F) {
	f.Add([]byte("base"), deltaOf(4, 8, 0x90, 4, 0x90, 4))
	f.Add([]byte("base"), deltaOf(4, 3, 0x91, 2, 2, 1, '!'))
	f.Add([]byte(""), []byte{0x80})
	f.Add([]byte("x"), bytes.Repeat([]byte{0xff}, 20))
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		const limit = 1 << 16
		out, err := patch(base, delta, limit)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		from, size, _, err := deltaSizes(delta)
		if err != nil || from != int64(len(base)) || size != int64(len(out)) || len(out) > limit {
			t.Fatalf("%d bytes of %d, says %d of %d, %v", len(out), len(base), size, from, err)
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add(packEntry{typ: plumbing.BlobObject, content: make([]byte, 5000)}.head(0), int64(12))
	f.Add(packEntry{typ: plumbing.OFSDeltaObject, content: []byte("x")}.head(300), int64(1000))
	f.Add(packEntry{typ: plumbing.REFDeltaObject, content: []byte("x")}.head(0), int64(1<<40))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, int64(12))
	f.Fuzz(func(t *testing.T, head []byte, off int64) {
		if off < packHeader || off > 1<<60 {
			return
		}
		e, err := parseEntry(head, off)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if e.size < 0 || e.data <= off || e.data > off+int64(len(head)) {
			t.Fatalf("%+v at %d", e, off)
		}
		if e.typ == plumbing.OFSDeltaObject && (e.from < packHeader || e.from >= off) {
			t.Fatalf("%+v at %d", e, off)
		}
	})
}

// memory is a file that is not on disk.
func memory(data []byte) *file {
	return &file{name: "memory", size: int64(len(data)), data: data}
}

func FuzzIndex(f *testing.F) {
	dir := f.TempDir()
	writePack(f, dir, "pack-a",
		packEntry{typ: plumbing.BlobObject, name: blobName("x"), content: []byte("x")},
		packEntry{typ: plumbing.BlobObject, name: blobName("y"), content: []byte("y")})
	idx, err := os.ReadFile(filepath.Join(dir, "pack", "pack-a.idx"))
	if err != nil {
		f.Fatal(err)
	}
	x := blobName("x")
	f.Add(idx, x[:])
	f.Add(idx[8:], x[:])
	f.Add(idx[:1100], x[:])
	f.Fuzz(func(t *testing.T, data, name []byte) {
		ix, err := newIndex(memory(data))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		var h plumbing.Hash
		copy(h[:], name)
		if off, ok, err := ix.find(h); off < 0 || ok && err != nil {
			t.Fatal(off, ok, err)
		}
		n := int64(0)
		err = ix.prefixed(h[:1], func(plumbing.Hash) { n++ })
		if n > ix.count() {
			t.Fatal(n, err)
		}
	})
}

// FuzzPack reads from packs of any content, through an index that fits.
func FuzzPack(f *testing.F) {
	head := packEntry{typ: plumbing.OFSDeltaObject, content: deltaOf(4, 8, 0x90, 4, 0x90, 4)}
	f.Add(append(head.head(9), deflated(head.content)...), uint8(9))
	f.Add(append(packEntry{typ: plumbing.TreeObject, content: []byte("x")}.head(0), deflated([]byte("x"))...), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, at uint8) {
		body := append([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00"), data...)
		f := memory(append(body, make([]byte, hashSize)...))
		p := &pack{base: "memory"}
		p.file.Store(f)
		p.idx.Store(&index{file: memory(make([]byte, 2000)), version: 1})
		db := newDB(nil, canMap)
		const limit = 1 << 16
		o, err := db.packed(place{p, packHeader + int64(at)}, limit)
		if err == nil && (int64(len(o.data)) != o.size || o.size > limit) {
			t.Fatalf("%d bytes, says %d", len(o.data), o.size)
		}
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrTooLarge) {
			t.Fatal(err)
		}
		head, headErr := db.packedHead(place{p, packHeader + int64(at)})
		if err == nil && (headErr != nil || head.typ != o.typ || head.size != o.size) {
			t.Fatalf("%+v, %v", head, headErr)
		}
	})
}

// FuzzGraph believes the checksum, so that more than that is looked at.
func FuzzGraph(f *testing.F) {
	dir := f.TempDir()
	git(f, dir, "init", "-q", "--bare", "-b", "main", dir)
	stream := ""
	for _, line := range []string{"a", "b", "c"} {
		stream += "commit refs/heads/" + line + "\nmark :1\ncommitter dev2 <dev2@example.com> 1772500000 +0000\ndata 1\n" + line + "\n"
	}
	stream += "commit refs/heads/main\ncommitter dev2 <dev2@example.com> 1772500000 +0000\ndata 1\nm\nfrom refs/heads/a\nmerge refs/heads/b\nmerge refs/heads/c\n"
	gitIn(f, dir, []byte(stream), "fast-import", "--quiet")
	git(f, dir, "commit-graph", "write", "--reachable")
	data, err := os.ReadFile(filepath.Join(dir, "objects/info/commit-graph"))
	if err != nil {
		f.Fatal(err)
	}
	head := plumbing.NewHash(git(f, dir, "rev-parse", "main")[:40])
	f.Add(data[:len(data)-hashSize], head[:])
	f.Fuzz(func(t *testing.T, data, name []byte) {
		l, err := readGraphLayer(memory(append(data, make([]byte, hashSize)...)), nil)
		if err != nil {
			return
		}
		g := &graph{layers: []*graphLayer{l}}
		var h plumbing.Hash
		copy(h[:], name)
		if _, parents, ok := g.step(h); ok && int64(len(parents)) > l.nEdges+2 {
			t.Fatalf("%d parents", len(parents))
		}
	})
}

func FuzzLooseHead(f *testing.F) {
	f.Add("blob 12")
	f.Add("commit 99999999999999999999")
	f.Fuzz(func(t *testing.T, head string) {
		if o, err := parseLooseHead(head); err == nil && (o.size < 0 || o.typ.IsDelta() || !o.typ.Valid()) {
			t.Fatalf("%q is %+v", head, o)
		}
	})
}

func FuzzLinks(f *testing.F) {
	const h = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	f.Add([]byte("tree " + h + "\nparent " + h + "\nparent " + h + "\nauthor x\n"))
	f.Add([]byte("tree " + h))
	f.Fuzz(func(t *testing.T, commit []byte) {
		_, parents, err := links(commit)
		if err == nil && len(parents) > len(commit)/48 {
			t.Fatalf("%d parents in %d bytes", len(parents), len(commit))
		}
	})
}
