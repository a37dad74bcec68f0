package repo

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// The form in which renders lie in the cache: numbers as varints, a string in
// full where it first occurs and by its place after that. It keeps what JSON
// would not: int64 and float64 apart, and bytes that are no UTF-8.

// maxDepth bounds how deep a value may be nested.
const maxDepth = 1000

var (
	errNotKept = errors.New("a value of a kind that renders do not have, or nested too deep")
	errNoValue = errors.New("not the form of a cached value")
)

// The kinds of a value in an object.
const (
	tagNil byte = iota
	tagFalse
	tagTrue
	tagInt
	tagFloat
	tagString
	tagList
	tagMap
	tagNilList
	tagNilMap
)

type encoder struct {
	buf   []byte
	known map[string]uint64
}

func newEncoder() *encoder { return &encoder{known: map[string]uint64{}} }

func (e *encoder) count(n int) { e.buf = binary.AppendUvarint(e.buf, uint64(n)) }

func (e *encoder) text(s string) {
	if i, ok := e.known[s]; ok {
		e.buf = binary.AppendUvarint(e.buf, i)
		return
	}
	e.known[s] = uint64(len(e.known) + 1)
	e.buf = append(e.buf, 0)
	e.count(len(s))
	e.buf = append(e.buf, s...)
}

func (e *encoder) texts(list []string) {
	e.count(len(list))
	for _, s := range list {
		e.text(s)
	}
}

func (e *encoder) value(v any, depth int) error {
	if depth == 0 {
		return errNotKept
	}
	switch v := v.(type) {
	case nil:
		e.buf = append(e.buf, tagNil)
	case bool:
		tag := tagFalse
		if v {
			tag = tagTrue
		}
		e.buf = append(e.buf, tag)
	case int64:
		e.buf = binary.AppendVarint(append(e.buf, tagInt), v)
	case float64:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, tagFloat), math.Float64bits(v))
	case string:
		e.buf = append(e.buf, tagString)
		e.text(v)
	case []any:
		return e.list(v, depth)
	case map[string]any:
		return e.mapping(v, depth)
	default:
		return errNotKept
	}
	return nil
}

func (e *encoder) list(v []any, depth int) error {
	if v == nil {
		e.buf = append(e.buf, tagNilList)
		return nil
	}
	e.buf = append(e.buf, tagList)
	e.count(len(v))
	for _, item := range v {
		if err := e.value(item, depth-1); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) mapping(v map[string]any, depth int) error {
	if v == nil {
		e.buf = append(e.buf, tagNilMap)
		return nil
	}
	e.buf = append(e.buf, tagMap)
	e.count(len(v))
	for _, k := range slices.Sorted(maps.Keys(v)) {
		e.text(k)
		if err := e.value(v[k], depth-1); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) objects(list []model.Object) error {
	e.count(len(list))
	for _, o := range list {
		for _, s := range []string{o.ID.Group, o.ID.Kind, o.ID.Namespace, o.ID.Name, o.Version, o.Source.File} {
			e.text(s)
		}
		e.count(o.Source.Line)
		if err := e.mapping(o.Fields, maxDepth); err != nil {
			return err
		}
	}
	return nil
}

// inputs writes a trie, names in order: the same trie is the same bytes.
func (e *encoder) inputs(in *inputs) {
	var flags byte
	if in.read {
		flags |= 1
	}
	if in.all {
		flags |= 2
	}
	if in.whole {
		flags |= 4
	}
	e.buf = append(e.buf, flags)
	e.count(len(in.children))
	for _, name := range slices.Sorted(maps.Keys(in.children)) {
		e.text(name)
		e.inputs(in.children[name])
	}
}

// decoder reads what an encoder wrote. The first thing that is wrong ends it:
// from then on everything is empty, and err says so.
type decoder struct {
	rest  string
	known []string
	err   error
}

func (d *decoder) fail() {
	d.rest, d.err = "", errNoValue
}

// finish reports whether all was read, and was as it must be.
func (d *decoder) finish() error {
	if d.rest != "" {
		d.fail()
	}
	return d.err
}

func (d *decoder) byte() byte {
	if d.rest == "" {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b := d.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	d.fail()
	return 0
}

// count reads how many things follow. Each of them takes a byte at least.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) take(n int) string {
	if n > len(d.rest) {
		d.fail()
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) text() string {
	i := d.uvarint()
	if i > 0 {
		if i > uint64(len(d.known)) {
			d.fail()
			return ""
		}
		return d.known[i-1]
	}
	s := d.take(d.count())
	d.known = append(d.known, s)
	return s
}

func (d *decoder) texts() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.text()
	}
	return list
}

func (d *decoder) value(depth int) any {
	if depth == 0 {
		d.fail()
		return nil
	}
	switch tag := d.byte(); tag {
	case tagNil:
		return nil
	case tagFalse, tagTrue:
		return tag == tagTrue
	case tagInt:
		u := d.uvarint()
		return int64(u>>1) ^ -int64(u&1)
	case tagFloat:
		b := d.take(8)
		if len(b) < 8 {
			return nil
		}
		return math.Float64frombits(binary.BigEndian.Uint64([]byte(b)))
	case tagString:
		return d.text()
	case tagList:
		list := make([]any, d.count())
		for i := range list {
			list[i] = d.value(depth - 1)
		}
		return list
	case tagNilList:
		return []any(nil)
	case tagMap:
		return d.fields(depth)
	case tagNilMap:
		return map[string]any(nil)
	}
	d.fail()
	return nil
}

func (d *decoder) fields(depth int) map[string]any {
	n := d.count()
	m := make(map[string]any, n)
	for range n {
		k := d.text()
		m[k] = d.value(depth - 1)
	}
	return m
}

func (d *decoder) objects() []model.Object {
	n := d.count()
	if n == 0 {
		return nil
	}
	list := make([]model.Object, n)
	for i := range list {
		o := &list[i]
		for _, s := range []*string{&o.ID.Group, &o.ID.Kind, &o.ID.Namespace, &o.ID.Name, &o.Version, &o.Source.File} {
			*s = d.text()
		}
		o.Source.Line = int(d.uvarint())
		o.Fields, _ = d.value(maxDepth).(map[string]any)
	}
	return list
}

func (d *decoder) inputs(depth int) *inputs {
	flags := d.byte()
	if depth == 0 || flags > 7 {
		d.fail()
		return &inputs{}
	}
	in := &inputs{read: flags&1 != 0, all: flags&2 != 0, whole: flags&4 != 0}
	if n := d.count(); n > 0 {
		in.children = make(map[string]*inputs, n)
		for range n {
			name := d.text()
			in.children[name] = d.inputs(depth - 1)
		}
	}
	return in
}

// encodeResult is a render without the root and what it asked, which are part
// of what it is found by.
func encodeResult(res *result) ([]byte, error) {
	e := newEncoder()
	state, problem := resultObjects, ""
	switch {
	case res.missing:
		state = resultMissing
	case res.problem != nil:
		state, problem = resultProblem, res.problem.Error()
	}
	e.buf = append(e.buf, state)
	e.text(problem)
	e.texts(res.files)
	return e.buf, e.objects(res.objects)
}

// What became of a render.
const (
	resultObjects byte = iota
	resultMissing
	resultProblem
)

func decodeResult(data []byte) (*result, error) {
	d := &decoder{rest: string(data)}
	state, problem := d.byte(), d.text()
	res := &result{files: d.texts(), objects: d.objects(), missing: state == resultMissing}
	if state == resultProblem {
		res.problem = &contentError{text: problem}
	}
	if state > resultProblem {
		d.fail()
	}
	return res, d.finish()
}

func encodeInputs(in *inputs) string {
	e := newEncoder()
	e.inputs(in)
	return string(e.buf)
}

func decodeInputs(text string) (*inputs, error) {
	d := &decoder{rest: strings.Clone(text)}
	in := d.inputs(maxDepth)
	return in, d.finish()
}
