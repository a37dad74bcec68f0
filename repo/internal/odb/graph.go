package odb

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	graphHead   = 8
	graphRow    = hashSize + 16
	noParent    = 0x70000000
	moreParents = 1 << 31 // of the second parent: the others are in a list of their own
	lastParent  = 1 << 31 // of that list

	// A graph is believed only when its checksum is right, which means to read
	// all of it. Beyond this (about 400,000 commits) that costs more than it saves.
	maxGraph       = 32 << 20
	maxGraphLayers = 256
)

// graph is what git keeps of commits beside the objects: for each its tree and
// its parents. It is a help that may be old, damaged or not there; what it
// cannot answer is read from the objects.
type graph struct {
	layers []*graphLayer // each refers to commits of its own and of those before
}

// graphLayer is one file of a graph.
type graphLayer struct {
	file   *file
	fanout [256]uint32
	first  int64 // how many commits the layers before have
	names  int64 // where the tables are
	rows   int64
	edges  int64
	nEdges int64
}

func (l *graphLayer) count() int64 { return int64(l.fanout[255]) }

var errGraph = errors.New("the commit-graph cannot be used")

// openGraphs opens the graphs of the object directories. Those that are not
// right are left out: nothing depends on them.
func openGraphs(dirs []string, mapped bool) []*graph {
	var all []*graph
	for _, dir := range dirs {
		info := filepath.Join(dir, "info")
		g := new(graph)
		if g.add(filepath.Join(info, "commit-graph"), nil, mapped) == nil || g.chain(info, dirs, mapped) == nil {
			all = append(all, g)
			continue
		}
		g.close()
	}
	return all
}

func (g *graph) close() {
	for _, l := range g.layers {
		_ = l.file.close() // it was only read
	}
	g.layers = nil
}

// chain opens a graph that is split into files. A file may lie in any of the
// object directories.
func (g *graph) chain(info string, dirs []string, mapped bool) error {
	f, err := os.Open(filepath.Join(info, "commit-graphs", "commit-graph-chain"))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxGraphLayers*(2*hashSize+2)))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(text)) {
		sum, err := hex.DecodeString(name)
		if err != nil || len(sum) != hashSize {
			return errGraph
		}
		err = errGraph
		for _, dir := range dirs {
			if err = g.add(filepath.Join(dir, "info", "commit-graphs", "graph-"+name+".graph"), sum, mapped); err == nil {
				break
			}
		}
		if err != nil {
			return err
		}
	}
	if len(g.layers) == 0 {
		return errGraph
	}
	return nil
}

// add opens one file. sum is what its checksum has to be; nil: the one it has.
func (g *graph) add(name string, sum []byte, mapped bool) error {
	f, err := openFile(name, mapped)
	if err != nil {
		return err
	}
	l, err := newGraphLayer(f, sum, g.layers)
	if err != nil {
		return errors.Join(err, f.close())
	}
	g.layers = append(g.layers, l)
	return nil
}

func newGraphLayer(f *file, sum []byte, before []*graphLayer) (*graphLayer, error) {
	end, err := checkSum(f)
	if err != nil || sum != nil && !bytes.Equal(end, sum) {
		return nil, errGraph
	}
	return readGraphLayer(f, before)
}

// readGraphLayer finds the tables of a file and checks that they fit.
func readGraphLayer(f *file, before []*graphLayer) (*graphLayer, error) {
	head, err := f.bytes(0, graphHead, nil)
	if err != nil || string(head[:4]) != "CGPH" || head[4] != 1 || head[5] != 1 || int(head[7]) != len(before) {
		return nil, errGraph // of another version, of another hash, or of another chain
	}
	chunks, err := graphChunks(f, int(head[6]))
	if err != nil {
		return nil, err
	}
	l := &graphLayer{file: f}
	fan, names, rows := chunks["OIDF"], chunks["OIDL"], chunks["CDAT"]
	table, err := f.bytes(fan.at, fanoutSize, nil)
	if err != nil || fan.size != fanoutSize || readFanout(table, &l.fanout) != nil {
		return nil, errGraph
	}
	if names.size != l.count()*hashSize || rows.size != l.count()*graphRow {
		return nil, errGraph
	}
	l.names, l.rows = names.at, rows.at
	l.edges, l.nEdges = chunks["EDGE"].at, chunks["EDGE"].size/4
	below := chunks["BASE"]
	if below.size != int64(len(before))*hashSize {
		return nil, errGraph
	}
	for i, b := range before {
		want, err := f.bytes(below.at+int64(i)*hashSize, hashSize, nil)
		has, err2 := b.file.bytes(b.file.size-hashSize, hashSize, nil)
		if err != nil || err2 != nil || !bytes.Equal(want, has) {
			return nil, errGraph
		}
		l.first += b.count()
	}
	return l, nil
}

// checkSum returns the checksum at the end of a file, if it is right.
func checkSum(f *file) ([]byte, error) {
	body := f.size - hashSize
	end, err := f.bytes(body, hashSize, nil)
	if err != nil || f.size > maxGraph {
		return nil, errGraph
	}
	sum := sha1.New()
	if f.f == nil {
		sum.Write(f.data[:body])
	} else if _, err := io.Copy(sum, io.NewSectionReader(f.f, 0, body)); err != nil {
		return nil, err
	}
	if !bytes.Equal(end, sum.Sum(nil)) {
		return nil, errGraph
	}
	return end, nil
}

type chunk struct{ at, size int64 }

// graphChunks reads the table of contents: each row is a name and where its
// part begins, which is where the one before ends.
func graphChunks(f *file, n int) (map[string]chunk, error) {
	const row = 12
	table, err := f.bytes(graphHead, (n+1)*row, nil)
	if err != nil {
		return nil, errGraph
	}
	chunks := make(map[string]chunk, n)
	for i := range n {
		from := binary.BigEndian.Uint64(table[i*row+4:])
		to := binary.BigEndian.Uint64(table[(i+1)*row+4:])
		if from > to || to > uint64(f.size-hashSize) {
			return nil, errGraph
		}
		chunks[string(table[i*row:i*row+4])] = chunk{int64(from), int64(to - from)}
	}
	return chunks, nil
}

// step finds tree and parents of a commit. ok is false when the graph does not
// hold it, or not in a way that makes sense.
func (g *graph) step(h plumbing.Hash) (tree plumbing.Hash, parents []plumbing.Hash, ok bool) {
	for i := len(g.layers) - 1; i >= 0; i-- {
		l := g.layers[i]
		var buf [hashSize]byte
		lo, end := bucket(&l.fanout, h[0])
		at, err := search(l.file, l.names, hashSize, lo, end, h[:], buf[:])
		if err != nil {
			return plumbing.ZeroHash, nil, false
		}
		if at == end {
			continue
		}
		if name, err := l.file.bytes(l.names+at*hashSize, hashSize, buf[:]); err != nil || !bytes.Equal(name, h[:]) {
			continue
		}
		return g.row(l, at)
	}
	return plumbing.ZeroHash, nil, false
}

func (g *graph) row(l *graphLayer, at int64) (tree plumbing.Hash, parents []plumbing.Hash, ok bool) {
	row, err := l.file.bytes(l.rows+at*graphRow, graphRow, nil)
	if err != nil {
		return plumbing.ZeroHash, nil, false
	}
	copy(tree[:], row)
	first, second := binary.BigEndian.Uint32(row[hashSize:]), binary.BigEndian.Uint32(row[hashSize+4:])
	add := func(position uint32) bool {
		h, ok := g.name(int64(position))
		parents = append(parents, h)
		return ok
	}
	switch {
	case first == noParent:
		return tree, nil, second == noParent
	case !add(first):
		return plumbing.ZeroHash, nil, false
	case second == noParent:
		return tree, parents, true
	case second&moreParents == 0:
		return tree, parents, add(second)
	}
	for i := int64(second &^ moreParents); i < l.nEdges; i++ {
		b, err := l.file.bytes(l.edges+i*4, 4, nil)
		if err != nil {
			break
		}
		position := binary.BigEndian.Uint32(b)
		if !add(position &^ lastParent) {
			break
		}
		if position&lastParent != 0 {
			return tree, parents, true
		}
	}
	return plumbing.ZeroHash, nil, false
}

// name is the commit at a position, counted over all layers.
func (g *graph) name(position int64) (h plumbing.Hash, ok bool) {
	for _, l := range g.layers {
		if i := position - l.first; i >= 0 && i < l.count() {
			b, err := l.file.bytes(l.names+i*hashSize, hashSize, nil)
			copy(h[:], b)
			return h, err == nil
		}
	}
	return h, false
}
