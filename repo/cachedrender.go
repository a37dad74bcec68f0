package repo

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/fairtide-dev/fairtide/internal/diskcache"
)

const (
	keptBytes = 16 << 20 // of one render, before it is compressed
	keptAsked = 8        // how many ways to ask are remembered for each recipe
)

// diskRenders is the part of the render cache that outlives the process. A
// render is found by its recipe, by what it asked of the tree, and by what the
// tree answers: so one that was made of another commit, or by another process,
// is found for each tree that gives the same answers. What was asked is not
// known beforehand; the ways in which a recipe asked lately are kept, too.
type diskRenders struct {
	cache  *diskcache.Cache
	store  *store
	origin string  // tells repositories apart, which ask in different ways
	limits *limits // of the repository; those of the environment are in the recipe

	mu    sync.Mutex
	asked map[string][]string // by recipe, newest use first
}

// find returns a render whose recorded questions the root tree answers alike.
func (d *diskRenders) find(recipe string, root plumbing.Hash) (*result, error) {
	for _, text := range d.known(recipe) {
		asked, err := decodeInputs(text)
		if err != nil {
			continue
		}
		key, err := d.key(recipe, text, asked, root)
		if err != nil {
			return nil, err
		}
		data, ok := d.cache.Get(key)
		if !ok {
			continue
		}
		res, err := decodeResult(data)
		if err != nil {
			continue // of no form that this program writes: as if it was not there
		}
		res.root, res.asked = root, asked
		d.note(recipe, text)
		return res, nil
	}
	return nil, nil
}

// add keeps a render. What cannot be kept is made again the next time.
func (d *diskRenders) add(recipe string, root plumbing.Hash, res *result) {
	data, err := encodeResult(res)
	if err != nil || len(data) > keptBytes {
		return
	}
	text := encodeInputs(res.asked)
	key, err := d.key(recipe, text, res.asked, root)
	if err == nil && d.cache.Put(key, data) == nil {
		d.note(recipe, text)
	}
}

func (d *diskRenders) key(recipe, text string, asked *inputs, root plumbing.Hash) ([]byte, error) {
	answers, err := asked.answers(d.store, root)
	return keyOf("render", recipe, fmt.Sprintf("%+v", *d.limits), text, string(answers)), err
}

func (d *diskRenders) askedKey(recipe string) []byte {
	return keyOf("asked", d.origin, recipe, fmt.Sprintf("%+v", *d.limits))
}

// known lists the ways in which a recipe asked, as read once from the disk.
func (d *diskRenders) known(recipe string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, ok := d.asked[recipe]
	if !ok {
		list = d.load(recipe)
		d.asked[recipe] = list
	}
	return list
}

func (d *diskRenders) load(recipe string) []string {
	data, ok := d.cache.Get(d.askedKey(recipe))
	if !ok {
		return nil
	}
	r := &decoder{rest: string(data)}
	list := r.texts()
	if r.finish() != nil {
		return nil
	}
	return list
}

// note puts a way to ask at the front, and writes the list when it is new.
func (d *diskRenders) note(recipe, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.asked[recipe]
	if len(old) > 0 && old[0] == text {
		return
	}
	known := slices.Contains(old, text)
	if !known {
		// Other processes may have found others meanwhile. Of two that write at
		// the same time one is lost, which costs a render.
		for _, other := range d.load(recipe) {
			if !slices.Contains(old, other) {
				old = append(slices.Clip(old), other)
			}
		}
	}
	list := slices.DeleteFunc(slices.Clone(old), func(s string) bool { return s == text })
	list = slices.Insert(list, 0, text)
	list = list[:min(len(list), keptAsked)]
	d.asked[recipe] = list
	if !known {
		e := newEncoder()
		e.texts(list)
		_ = d.cache.Put(d.askedKey(recipe), e.buf) // without it there is a render more
	}
}

// answers is a hash of what a root tree has where the inputs ask: two trees
// with the same answers render the same. It tells apart at least what compare
// does.
func (in *inputs) answers(s *store, root plumbing.Hash) ([]byte, error) {
	a := &answering{store: s, sum: sha256.New()}
	err := a.node(in, entry{directory, root})
	return a.sum.Sum(nil), err
}

type answering struct {
	store   *store
	sum     hash.Hash
	visited int
}

func (a *answering) text(s string) {
	var n [binary.MaxVarintLen64]byte
	_, _ = a.sum.Write(n[:binary.PutUvarint(n[:], uint64(len(s)))]) // a hash takes all
	_, _ = io.WriteString(a.sum, s)
}

func (a *answering) entry(e entry) { a.text(string(byte(e.kind)) + string(e.hash[:])) }

func (a *answering) node(n *inputs, e entry) error {
	switch {
	case n.whole:
		a.entry(e)
		return nil // the hash of a directory is of all that is in it
	case n.read && e.kind == directory:
		a.text("directory") // what is in it counts where it was asked for
	case n.read || e.kind == symlink || e.kind == submodule:
		a.entry(e)
	default:
		a.text("") // whether a path leads through it is for the nodes below
	}
	dir, err := a.store.sub(e)
	if err != nil {
		return err
	}
	if n.all {
		if err := a.manifests(".", dir); err != nil {
			return err
		}
		a.text("") // no name is
	}
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		// The names are in what was asked.
		if err := a.node(n.children[name], dir.find(name)); err != nil {
			return err
		}
	}
	return nil
}

// manifests answers for every manifest in a directory and below.
func (a *answering) manifests(at string, dir tree) error {
	return dir.each(func(name string, e entry) error {
		a.visited++
		p := path.Join(at, name)
		switch {
		case name == "." || name == ".." || strings.Contains(name, "/"):
			p = at + "/" + name // refused wherever it is
		case hidden(name):
			return nil
		case e.kind == directory && a.visited < mostCompared:
			sub, err := a.store.sub(e)
			if err != nil {
				return err
			}
			return a.manifests(p, sub)
		case e.kind == directory:
			// Beyond what anybody can look through, its hash answers for it.
		case !matters(name, e):
			return nil
		}
		a.text(p)
		a.entry(e)
		return nil
	})
}
