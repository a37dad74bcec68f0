// Package marks keeps which objects' diffs an operator has read. The marks of
// an environment are one small file; in it are keyed hashes only, from which
// neither an object nor what changed in it can be read.
package marks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/model"
)

const (
	// most bounds the marks of an environment; the oldest go first.
	most = 20_000
	// perObject is how many diffs of one object are remembered: those of a few
	// commits that one goes back and forth between.
	perObject = 4

	keyBytes  = 32
	hashBytes = 12 // of a hash: enough that two diffs do not meet by chance
)

// Store keeps the marks of a repository's environments. It is safe for
// concurrent use, also by several processes.
type Store struct {
	dir, repository string
	now             func() time.Time

	mu     sync.Mutex
	memory map[string]*book // by environment, when there is no directory
}

// Open makes a Store of files in a directory, which need not exist: the first
// mark makes it. With no directory the marks are kept in memory.
func Open(dir, repository string, now func() time.Time) *Store {
	return &Store{dir: dir, repository: repository, now: now, memory: map[string]*book{}}
}

// book is the marks of an environment, the oldest first.
type book struct {
	Version int    `json:"version"`
	Key     string `json:"key"`
	Marks   []mark `json:"marks"`
}

// mark is one diff that was read.
type mark struct {
	Object string `json:"object"`
	Diff   string `json:"diff"`
	At     int64  `json:"at"` // Unix seconds
}

const version = 1

// errDamaged is a file that cannot be believed.
var errDamaged = errors.New("it is damaged")

// Reviewed says of each object how its diff, given by its digest, stands.
// Objects that were never marked are left out. With an error none are marked.
func (s *Store) Reviewed(env string, digests map[model.ObjectID]string) (map[model.ObjectID]model.Reviewed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.load(env)
	if err != nil {
		return nil, fmt.Errorf("what you reviewed before is not known: %s: %w; it is written anew with the next mark", s.file(env), err)
	}
	if b == nil {
		return nil, nil
	}
	known := make(map[string]map[string]bool, len(b.Marks))
	for _, m := range b.Marks {
		if known[m.Object] == nil {
			known[m.Object] = map[string]bool{}
		}
		known[m.Object][m.Diff] = true
	}
	h := newHasher(b.Key)
	out := map[model.ObjectID]model.Reviewed{}
	for id, digest := range digests {
		object := h.object(id)
		switch diffs := known[object]; {
		case diffs == nil:
		case diffs[h.diff(object, digest)]:
			out[id] = model.ReviewedAlready
		default:
			out[id] = model.ReviewedBefore
		}
	}
	return out, nil
}

// Mark keeps marks, and takes those away that are gone: of such an object
// nothing stays known. A damaged file is replaced.
func (s *Store) Mark(env string, changes []model.DiffMark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	unlock, err := s.lock(env)
	if err != nil {
		return s.failed(env, err)
	}
	defer unlock()
	b, err := s.load(env)
	if err != nil && !errors.Is(err, errDamaged) {
		return s.failed(env, err)
	}
	if b == nil {
		if b, err = newBook(); err != nil {
			return s.failed(env, err)
		}
	}
	b.apply(changes, s.now().Unix())
	if err := s.save(env, b); err != nil {
		return s.failed(env, err)
	}
	return nil
}

func (s *Store) failed(env string, err error) error {
	return fmt.Errorf("what you marked as reviewed in %s is forgotten when fairtide ends: %w", sanitize.Line(env), err)
}

// Close waits for a mark that is being written.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
}

func newBook() (*book, error) {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return &book{Version: version, Key: hex.EncodeToString(key)}, nil
}

// apply puts changes into a book, and the oldest marks out.
func (b *book) apply(changes []model.DiffMark, at int64) {
	h := newHasher(b.Key)
	fresh := make([]mark, 0, len(changes))
	again, gone := map[mark]bool{}, map[string]bool{}
	for _, c := range changes {
		object := h.object(c.ID)
		if c.Gone {
			gone[object] = true
			continue
		}
		m := mark{Object: object, Diff: h.diff(object, c.Digest)}
		again[m] = true
		m.At = at
		fresh = append(fresh, m)
	}
	var kept []mark
	for _, m := range b.Marks {
		if !gone[m.Object] && !again[mark{Object: m.Object, Diff: m.Diff}] {
			kept = append(kept, m)
		}
	}
	b.Marks = newest(append(kept, fresh...))
}

// newest leaves out what is too old.
func newest(all []mark) []mark {
	count := map[string]int{}
	keep := make([]bool, len(all))
	n := 0
	for i := len(all) - 1; i >= 0 && n < most; i-- {
		if count[all[i].Object]++; count[all[i].Object] <= perObject {
			keep[i] = true
			n++
		}
	}
	out := make([]mark, 0, n)
	for i, m := range all {
		if keep[i] {
			out = append(out, m)
		}
	}
	return out
}

// hasher makes the keyed hashes of a book.
type hasher struct{ key []byte }

func newHasher(key string) hasher { return hasher{[]byte(key)} }

func (h hasher) sum(parts ...string) string {
	m := hmac.New(sha256.New, h.key)
	for _, p := range parts {
		_, _ = m.Write([]byte(strconv.Itoa(len(p)) + ":" + p + ",")) // a hash never fails to write
	}
	return hex.EncodeToString(m.Sum(nil)[:hashBytes])
}

func (h hasher) object(id model.ObjectID) string {
	return h.sum("object", id.Group, id.Kind, id.Namespace, id.Name)
}

func (h hasher) diff(object, digest string) string { return h.sum("diff", object, digest) }

// file is where the marks of an environment are.
func (s *Store) file(env string) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(len(s.repository)) + ":" + s.repository + "," + env))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+".json")
}

func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
