package kustworker

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime/metrics"
	"time"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/fairtide-dev/fairtide/repo/internal/bound"
)

const (
	maxMemory   = 3 << 30 // of a child, whatever the limits of the environment are
	checkMemory = 200 * time.Millisecond
)

func init() {
	if os.Getenv(variable) == "" {
		return
	}
	bound.Memory(2 * maxMemory)
	go watchMemory()
	c := &child{in: gob.NewDecoder(bufio.NewReader(os.Stdin)), buf: bufio.NewWriter(os.Stdout)}
	c.out = gob.NewEncoder(c.buf)
	code := 0
	if err := c.serve(); err != nil && !errors.Is(err, io.EOF) {
		code = 1
	}
	os.Exit(code) //nolint:forbidigo // this is the child's main
}

// watchMemory ends a child that a kustomization makes too large.
func watchMemory() {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	for range time.Tick(checkMemory) {
		if metrics.Read(sample); sample[0].Value.Uint64() > maxMemory {
			exitLarge()
		}
	}
}

func exitLarge() {
	_, _ = io.WriteString(os.Stderr, outOfMemory+"\n") // the exit code says that it ended
	os.Exit(1)                                         //nolint:forbidigo // no other way to free it
}

// child answers the parent's jobs one by one until its input ends.
type child struct {
	in  *gob.Decoder
	buf *bufio.Writer
	out *gob.Encoder
}

func (c *child) serve() error {
	for {
		var r request
		if err := c.in.Decode(&r); err != nil {
			return err
		}
		if r.Job == nil {
			return errors.New("not a job")
		}
		// The parent ends a child that takes too long. This is for one whose
		// parent is gone.
		end := time.AfterFunc(r.Job.Limit+time.Second, func() {
			os.Exit(1) //nolint:forbidigo // as above
		})
		t := &askedFS{child: c, job: r.Job}
		objects, err := t.build()
		if t.broken != nil {
			return t.broken
		}
		end.Stop()
		done := reply{Done: true, Objects: objects}
		if err != nil {
			done.Objects, done.Text = nil, err.Error()
		}
		if err := c.send(done); err != nil {
			return err
		}
	}
}

func (c *child) send(r reply) error {
	if err := c.out.Encode(r); err != nil {
		return err
	}
	return c.buf.Flush()
}

// build runs kustomize. A panic in it is an error about the kustomization.
func (t *askedFS) build() (objects []Object, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kustomize cannot cope with it: %v", p)
		}
	}()
	k := krusty.MakeKustomizer(&krusty.Options{
		Reorder: krusty.ReorderOptionNone,
		// The file system ends at the repository; overlays that share files
		// outside of their own directory are common.
		LoadRestrictions: types.LoadRestrictionsNone,
		PluginConfig:     types.DisabledPluginConfig(),
	})
	set, err := k.Run(t, path.Join("/", t.job.Dir))
	if err != nil {
		return nil, err
	}
	objects = make([]Object, 0, set.Size())
	for _, res := range set.Resources() {
		data, err := res.MarshalJSON()
		if err != nil {
			return nil, err
		}
		objects = append(objects, Object{JSON: data, Mark: markOf(res.YNode())})
	}
	return objects, nil
}

// askedFS is the file system kustomize reads: what the job says is known, and
// the parent's answers for the rest.
type askedFS struct {
	*child
	job    *Job
	broken error // the parent cannot be understood any more
}

// at says what is at a path.
func (t *askedFS) at(p string, content bool) Fact {
	p = path.Clean("/" + filepath.ToSlash(p))[1:]
	if p == "" {
		p = "."
	}
	f, ok := t.job.Known[p]
	if ok && (f.State != File || f.Read || !content) {
		return f
	}
	if t.broken != nil {
		return Fact{State: Failed, Text: t.broken.Error()}
	}
	var answer request
	if t.broken = t.send(reply{Ask: p, Content: content}); t.broken == nil {
		t.broken = t.in.Decode(&answer)
	}
	if t.broken == nil && answer.Fact == nil {
		t.broken = errors.New("not a fact")
	}
	if t.broken != nil {
		return Fact{State: Failed, Text: t.broken.Error()}
	}
	if t.job.Known == nil {
		t.job.Known = map[string]Fact{}
	}
	t.job.Known[p] = *answer.Fact
	return *answer.Fact
}

func (f Fact) err(op, p string) error {
	switch f.State {
	case Absent:
		return &os.PathError{Op: op, Path: p, Err: os.ErrNotExist}
	case Directory:
		return &os.PathError{Op: op, Path: p, Err: errors.New("is a directory")}
	case Failed:
		return errors.New(f.Text)
	}
	return nil
}

// ReadFile implements filesys.FileSystem.
func (t *askedFS) ReadFile(p string) ([]byte, error) {
	f := t.at(p, true)
	if err := f.err("read", p); err != nil {
		return nil, err
	}
	if marks := t.job.Marks[f.Real]; marks != nil {
		return mark(f.Data, marks), nil
	}
	return f.Data, nil
}

// Exists implements filesys.FileSystem.
func (t *askedFS) Exists(p string) bool {
	f := t.at(p, false)
	return f.State == File || f.State == Directory
}

// IsDir implements filesys.FileSystem.
func (t *askedFS) IsDir(p string) bool { return t.at(p, false).State == Directory }

// CleanedAbs implements filesys.FileSystem.
func (t *askedFS) CleanedAbs(p string) (filesys.ConfirmedDir, string, error) {
	f := t.at(p, false)
	switch f.State {
	case Directory:
		return filesys.ConfirmedDir(path.Join("/", f.Real)), "", nil
	case File:
		return filesys.ConfirmedDir(path.Join("/", path.Dir(f.Real))), path.Base(f.Real), nil
	}
	return "", "", f.err("open", p)
}

var errUnsupported = errors.New("not possible on a Git tree")

// The rest of filesys.FileSystem is writing and searching, which a build has
// no use for.

// Create implements filesys.FileSystem.
func (t *askedFS) Create(string) (filesys.File, error) { return nil, errUnsupported }

// Mkdir implements filesys.FileSystem.
func (t *askedFS) Mkdir(string) error { return errUnsupported }

// MkdirAll implements filesys.FileSystem.
func (t *askedFS) MkdirAll(string) error { return errUnsupported }

// RemoveAll implements filesys.FileSystem.
func (t *askedFS) RemoveAll(string) error { return errUnsupported }

// Open implements filesys.FileSystem.
func (t *askedFS) Open(string) (filesys.File, error) { return nil, errUnsupported }

// ReadDir implements filesys.FileSystem.
func (t *askedFS) ReadDir(string) ([]string, error) { return nil, errUnsupported }

// Glob implements filesys.FileSystem.
func (t *askedFS) Glob(string) ([]string, error) { return nil, errUnsupported }

// WriteFile implements filesys.FileSystem.
func (t *askedFS) WriteFile(string, []byte) error { return errUnsupported }

// Walk implements filesys.FileSystem.
func (t *askedFS) Walk(string, filepath.WalkFunc) error { return errUnsupported }
