package odb

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// packEntry is what writePack writes, as wrong as the test wants it.
type packEntry struct {
	typ     plumbing.ObjectType
	name    plumbing.Hash
	base    plumbing.Hash // REFDeltaObject
	back    int           // OFSDeltaObject: how many entries before
	content []byte        // or the delta
	size    int64         // instead of the content's
	place   int64         // instead of where it is
}

func deflated(data []byte) []byte { return deflate(zlib.NewWriter(nil), data) }

func deflate(w *zlib.Writer, data []byte) []byte {
	var b bytes.Buffer
	w.Reset(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func varint(n int64) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func deltaOf(base, result int, ops ...byte) []byte {
	return slices.Concat(varint(int64(base)), varint(int64(result)), ops)
}

func (e packEntry) head(back int64) []byte {
	size := e.size
	if size == 0 {
		size = int64(len(e.content))
	}
	b := []byte{byte(e.typ)<<4 | byte(size&15)}
	if size >>= 4; size > 0 {
		b[0] |= 0x80
		b = append(b, varint(size)...)
	}
	switch e.typ {
	case plumbing.OFSDeltaObject:
		far := []byte{byte(back & 0x7f)}
		for back >>= 7; back > 0; back >>= 7 {
			back--
			far = slices.Insert(far, 0, byte(back&0x7f)|0x80)
		}
		b = append(b, far...)
	case plumbing.REFDeltaObject:
		b = append(b, e.base[:]...)
	}
	return b
}

// writePack writes a pack and an index of version 2, in which every second
// place is in the table of large ones.
func writePack(t testing.TB, objects, name string, entries ...packEntry) {
	t.Helper()
	pack := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("PACK"), 2), uint32(len(entries)))
	places := make([]int64, len(entries))
	sums := make([]uint32, len(entries))
	w := zlib.NewWriter(nil)
	for i, e := range entries {
		places[i] = int64(len(pack))
		back := int64(e.back)
		if e.back > 0 && e.back <= i {
			back = places[i] - places[i-e.back]
		}
		raw := append(e.head(back), deflate(w, e.content)...)
		sums[i] = crc32.ChecksumIEEE(raw)
		pack = append(pack, raw...)
	}
	sum := sha1.Sum(pack)
	pack = append(pack, sum[:]...)

	order := slices.SortedFunc(func(yield func(int) bool) {
		for i := range entries {
			if !yield(i) {
				return
			}
		}
	}, func(a, b int) int { return bytes.Compare(entries[a].name[:], entries[b].name[:]) })
	idx := bytes.Clone(indexMagic)
	for first := range 256 {
		n := 0
		for _, e := range entries {
			if int(e.name[0]) <= first {
				n++
			}
		}
		idx = binary.BigEndian.AppendUint32(idx, uint32(n))
	}
	for _, i := range order {
		idx = append(idx, entries[i].name[:]...)
	}
	for _, i := range order {
		idx = binary.BigEndian.AppendUint32(idx, sums[i])
	}
	var large []byte
	for n, i := range order {
		at := places[i]
		if entries[i].place != 0 {
			at = entries[i].place
		}
		if n%2 == 1 || at >= 1<<31 {
			idx = binary.BigEndian.AppendUint32(idx, 1<<31|uint32(len(large)/8))
			large = binary.BigEndian.AppendUint64(large, uint64(at))
		} else {
			idx = binary.BigEndian.AppendUint32(idx, uint32(at))
		}
	}
	idx = append(append(idx, large...), sum[:]...)
	sum = sha1.Sum(idx)
	writeFile(t, filepath.Join(objects, "pack", name+".pack"), pack)
	writeFile(t, filepath.Join(objects, "pack", name+".idx"), append(idx, sum[:]...))
}

func writeFile(t testing.TB, name string, data []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o700)
	if err == nil {
		err = os.WriteFile(name, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func blobName(content string) plumbing.Hash {
	return plumbing.ComputeHash(plumbing.BlobObject, []byte(content))
}

// TestDeltasAcrossFiles reads deltas whose base is in another pack, or loose,
// through places in the table of large ones.
func TestDeltasAcrossFiles(t *testing.T) {
	for _, mapped := range []bool{canMap, false} {
		dir := t.TempDir()
		writePack(t, dir, "pack-a",
			packEntry{typ: plumbing.BlobObject, name: blobName("base"), content: []byte("base")},
			packEntry{typ: plumbing.REFDeltaObject, name: blobName("seas"), base: blobName("loose"), content: deltaOf(5, 4, 0x91, 3, 2, 2, 'a', 's')})
		writePack(t, dir, "pack-b",
			packEntry{typ: plumbing.REFDeltaObject, name: blobName("basebase"), base: blobName("base"), content: deltaOf(4, 8, 0x90, 4, 0x90, 4)},
			packEntry{typ: plumbing.OFSDeltaObject, name: blobName("se!"), back: 1, content: deltaOf(8, 3, 0x91, 6, 2, 1, '!')})
		writeFile(t, loosePath(dir, blobName("loose")), deflated([]byte("blob 5\x00loose")))
		db := open(t, mapped, dir)
		for _, want := range []string{"se!", "seas", "basebase", "base", "loose"} {
			if typ, size, err := db.Header(blobName(want)); err != nil || typ != plumbing.BlobObject || size != int64(len(want)) {
				t.Errorf("%s is a %s of %d, %v", want, typ, size, err)
			}
			if typ, data, err := db.Read(blobName(want), noLimit); err != nil || typ != plumbing.BlobObject || string(data) != want {
				t.Errorf("%s is %q, a %s, %v", want, data, typ, err)
			}
		}
	}
}

// TestHostilePacks reads what git would not write. Every error names the file
// and the object, and no size that is claimed is believed.
func TestHostilePacks(t *testing.T) {
	x, y := blobName("x"), blobName("y")
	base := packEntry{typ: plumbing.BlobObject, name: blobName("base"), content: []byte("base")}
	ofs := func(delta []byte) []packEntry {
		return []packEntry{base, {typ: plumbing.OFSDeltaObject, name: x, back: 1, content: delta}}
	}
	one := func(e packEntry) []packEntry {
		e.name = x
		return []packEntry{base, e}
	}
	chain := []packEntry{base}
	for i := range maxDepth + 2 {
		var name plumbing.Hash
		binary.BigEndian.PutUint32(name[1:], uint32(i))
		chain = append(chain, packEntry{typ: plumbing.OFSDeltaObject, name: name, back: 1, content: deltaOf(4, 4, 0x90, 4)})
	}
	chain[len(chain)-1].name = x
	tests := map[string]struct {
		entries []packEntry
		want    string
	}{
		"bases in a circle": {[]packEntry{
			{typ: plumbing.REFDeltaObject, name: x, base: y, content: deltaOf(4, 4, 0x90, 4)},
			{typ: plumbing.REFDeltaObject, name: y, base: x, content: deltaOf(4, 4, 0x90, 4)},
		}, "more than 4096"},
		"its own base":         {one(packEntry{typ: plumbing.REFDeltaObject, base: x, content: deltaOf(4, 4, 0x90, 4)}), "more than 4096"},
		"too deep":             {chain, "more than 4096"},
		"no base":              {one(packEntry{typ: plumbing.REFDeltaObject, base: y, content: deltaOf(4, 4, 0x90, 4)}), y.String() + " is missing"},
		"base before the pack": {one(packEntry{typ: plumbing.OFSDeltaObject, back: 100, content: deltaOf(4, 4, 0x90, 4)}), "outside of the pack"},
		"base is itself":       {one(packEntry{typ: plumbing.OFSDeltaObject, back: 0, content: deltaOf(4, 4, 0x90, 4)}), "outside of the pack"},
		"base within an entry": {one(packEntry{typ: plumbing.OFSDeltaObject, back: 3, content: deltaOf(4, 4, 0x90, 4)}), ""},
		"unknown type 0":       {one(packEntry{typ: 0, content: []byte("x")}), "unknown type 0"},
		"unknown type 5":       {one(packEntry{typ: 5, content: []byte("x")}), "unknown type 5"},
		"a size of exabytes":   {one(packEntry{typ: plumbing.BlobObject, content: []byte("x"), size: 1 << 50}), "more than the pack can hold"},
		"a size past counting": {one(packEntry{typ: plumbing.BlobObject, content: []byte("x"), size: 1 << 62}), "too large"},
		"too large a size":     {one(packEntry{typ: plumbing.BlobObject, content: []byte("x"), size: 2}), "ends early"},
		"too small a size":     {one(packEntry{typ: plumbing.BlobObject, content: []byte("xyz"), size: 2}), "longer than it says"},
		"another's content":    {one(packEntry{typ: plumbing.BlobObject, content: []byte("y")}), "content is that of " + y.String()},
		"another's commit":     {one(packEntry{typ: plumbing.CommitObject, content: []byte("y")}), "content is that of"},
		"copy from outside":    {ofs(deltaOf(4, 4, 0x91, 1, 4)), "outside of the base"},
		"copy from far":        {ofs(deltaOf(4, 4, 0x9f, 255, 255, 255, 255, 4)), "outside of the base"},
		"more than it says":    {ofs(deltaOf(4, 3, 0x90, 4)), "more than the 3 bytes"},
		"less than it says":    {ofs(deltaOf(4, 5, 0x90, 4)), "makes 4 bytes"},
		"another base":         {ofs(deltaOf(5, 4, 0x90, 4)), "for a base of 5"},
		"cut off insert":       {ofs(deltaOf(4, 4, 9, 'x')), "cut off"},
		"cut off copy":         {ofs(deltaOf(4, 4, 0xff, 1)), "outside of the base"},
		"reserved instruction": {ofs(deltaOf(4, 4, 0)), "unknown form"},
		"no sizes":             {ofs([]byte{0x80}), "ends within a size"},
		"a size without end":   {ofs(bytes.Repeat([]byte{0xff}, 30)), "too large"},
		"outside of the pack":  {one(packEntry{typ: plumbing.BlobObject, content: []byte("x"), place: 1 << 20}), "outside of the file"},
		"far outside":          {one(packEntry{typ: plumbing.BlobObject, content: []byte("x"), place: 1 << 60}), "outside of the file"},
		"in the pack's head":   {one(packEntry{typ: plumbing.BlobObject, content: []byte("x"), place: 4}), "outside of the file"},
		"in the pack's end":    {one(packEntry{typ: plumbing.BlobObject, content: []byte("x"), place: 60}), "outside of the file"},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt := tests[name]
		t.Run(name, func(t *testing.T) {
			for _, mapped := range []bool{canMap, false} {
				dir := t.TempDir()
				writePack(t, dir, "pack-evil", tt.entries...)
				db := open(t, mapped, dir)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, data, err := db.Read(x, noLimit)
				_, _, _ = db.Header(x) // it may see nothing wrong, but must return
				runtime.ReadMemStats(&after)
				if err == nil || !errors.Is(err, ErrDamaged) || errors.Is(err, plumbing.ErrObjectNotFound) {
					t.Fatalf("%q, %v", data, err)
				}
				for _, part := range []string{tt.want, x.String(), filepath.Join(dir, "pack", "pack-evil.pack")} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%v does not say %q", err, part)
					}
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
					t.Errorf("took %d bytes", n)
				}
				if ok, err := db.Has(x); !ok || err != nil {
					t.Errorf("has it: %v, %v", ok, err)
				}
			}
		})
	}
}

// TestBombs reads what is small and unpacks to a lot.
func TestBombs(t *testing.T) {
	x, y := blobName("x"), blobName("y")
	base := make([]byte, 1<<20)
	var ops []byte
	for range 1000 {
		ops = append(ops, 0xf0, 0, 0, 16) // all of the base
	}
	dir := t.TempDir()
	writePack(t, dir, "pack-bomb",
		packEntry{typ: plumbing.BlobObject, name: y, content: base},
		packEntry{typ: plumbing.OFSDeltaObject, name: x, back: 1, content: deltaOf(len(base), 1000<<20, ops...)})
	writeFile(t, loosePath(dir, blobName("z")), deflated(append([]byte("blob 1048576\x00"), base...)))
	db := open(t, canMap, dir)
	if typ, size, err := db.Header(x); typ != plumbing.BlobObject || size != 1000<<20 || err != nil {
		t.Errorf("a %s of %d, %v", typ, size, err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, h := range []plumbing.Hash{x, y, blobName("z")} {
		if _, _, err := db.Read(h, 1000); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", h, err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("took %d bytes to refuse", n)
	}
}

// TestFlippedBytes damages repositories of git's at random. What is read is
// right or an error. Only trees, which are not checked against their names, may
// be wrong.
func TestFlippedBytes(t *testing.T) {
	rng := random(t)
	origin := repository(t, rng, 25)
	git(t, origin, "repack", "-adfq")
	git(t, origin, "commit-graph", "write", "--reachable")
	want := everything(t, origin)
	files, err := filepath.Glob(filepath.Join(origin, "objects/pack/*"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(origin, "objects/info/commit-graph"))
	objects := filepath.Join(t.TempDir(), "objects")
	failed := 0
	for round := range 60 {
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for range 1 + rng.IntN(3) {
				at := rng.IntN(len(data))
				if rng.IntN(2) == 0 {
					at = rng.IntN(min(len(data), 9000)) // heads and tables are at the beginning
				}
				data[at] ^= 1 << rng.IntN(8)
			}
			if rng.IntN(10) == 0 {
				data = data[:rng.IntN(len(data))]
			}
			to := filepath.Join(objects, "pack", filepath.Base(f))
			if filepath.Base(f) == "commit-graph" {
				to = filepath.Join(objects, "info", "commit-graph")
			}
			if strings.HasSuffix(f, ".pack") && rng.IntN(2) == 0 {
				data, _ = os.ReadFile(f) // the damage is in the index only
			}
			writeFile(t, to, data)
		}
		db := newDB([]string{objects}, canMap && round%2 == 0)
		for h, o := range want {
			typ, data, err := db.Read(h, 4<<20)
			if err != nil {
				failed++
				continue
			}
			if typ != plumbing.TreeObject && (typ != o.typ || !bytes.Equal(data, o.data)) {
				t.Fatalf("%s is a %s of %d bytes", h, typ, len(data))
			}
			if tree, parents, err := db.Step(h); err == nil {
				wantTree, wantParents, err := links(o.data)
				if err != nil || tree != wantTree || !slices.Equal(parents, wantParents) {
					t.Fatalf("step from %s: %s %v, %v", h, tree, parents, err)
				}
			}
			if _, _, err := db.Header(h); err != nil {
				failed++
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if failed == 0 {
		t.Error("nothing was damaged")
	}
}

// TestCutOffWhileOpen shortens files that are in use.
func TestCutOffWhileOpen(t *testing.T) {
	for _, mapped := range []bool{canMap, false} {
		dir := repository(t, rand.New(rand.NewPCG(1, 1)), 12)
		git(t, dir, "repack", "-adfq")
		want := everything(t, dir)
		db := open(t, mapped, filepath.Join(dir, "objects"))
		head := plumbing.NewHash(strings.TrimSpace(git(t, dir, "rev-parse", "main")))
		if _, _, err := db.Read(head, noLimit); err != nil {
			t.Fatal(err)
		}
		packs, err := filepath.Glob(filepath.Join(dir, "objects/pack/*.pack"))
		if err == nil {
			err = os.Chmod(packs[0], 0o600)
		}
		if err == nil {
			err = os.Truncate(packs[0], 100)
		}
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		for h := range want {
			if _, _, err := db.Read(h, noLimit); err != nil {
				failed++
				if !strings.Contains(err.Error(), h.String()) {
					t.Errorf("%v does not name %s", err, h)
				}
			}
		}
		if failed < len(want)-2 {
			t.Errorf("%d of %d objects were still read", len(want)-failed, len(want))
		}
	}
}

// TestAnotherCopy reads an object that is damaged in one place from another.
func TestAnotherCopy(t *testing.T) {
	dir := t.TempDir()
	x := blobName("x")
	writePack(t, dir, "pack-a", packEntry{typ: plumbing.BlobObject, name: x, content: []byte("y")})
	writeFile(t, filepath.Join(dir, "pack", "pack-b.idx"), []byte("nonsense"))
	writeFile(t, filepath.Join(dir, "pack", "pack-b.pack"), nil)
	db := open(t, canMap, dir)
	if _, _, err := db.Read(x, noLimit); !errors.Is(err, ErrDamaged) {
		t.Errorf("without another copy: %v", err)
	}
	writePack(t, dir, "pack-c", packEntry{typ: plumbing.BlobObject, name: x, content: []byte("x")})
	if _, data, err := db.Read(x, noLimit); err != nil || string(data) != "x" {
		t.Errorf("%q, %v", data, err)
	}
	dir = t.TempDir()
	db = open(t, canMap, dir)
	for i, bad := range []string{"", "blob 1\x00y", "blob 2\x00x", "blob 1\x00xx", "blob x\x00x", "blob", "x 1\x00x", "ofs-delta 1\x00x", strings.Repeat("b", 100)} {
		h := blobName(fmt.Sprint("bad", i))
		writeFile(t, loosePath(dir, h), deflated([]byte(bad)))
		if _, _, err := db.Read(h, noLimit); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), loosePath(dir, h)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
