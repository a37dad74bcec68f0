package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/fairtide-dev/fairtide/model"
)

// A record that one ConfigMap does not hold is split: its own ConfigMap keeps
// what is short, and names the parts that together are the rest.
//
// Parts never change. A write makes new ones, then has the record name them in
// one step under its resourceVersion, then deletes those that nothing names any
// more. So whenever a writer dies, the record and the parts it names are one
// whole truth: the one before, or the one after.
const (
	partsKey = "parts.json"
	partKey  = "part"
	// labelPartOf is the UID of the record a part belongs to. The record owns it
	// too, so that Kubernetes deletes both together.
	labelPartOf = "fairtide.dev/part-of"
	// splitReads bounds how often a record may change while its parts are read.
	splitReads = 5
)

// parts says what ConfigMaps hold a piece of a record's body, in their order.
type parts struct {
	Names []string `json:"names"`
	Sum   string   `json:"sha256"` // of the whole, compressed
	// Begun is set in a record that was just created: its parts do not exist yet.
	Begun bool `json:"begun,omitempty"`
}

// split is where the large pieces of a body are, by their keys.
type split map[string]parts

// errPartGone says that a part is not there, or not whole.
var errPartGone = errors.New("a part of it is missing")

// splitOf is where a record says that its large pieces are.
func (b recordBody) splitOf() (split, error) {
	var s split
	if raw, ok := b.data[partsKey]; ok {
		if err := json.Unmarshal([]byte(raw), &s); err != nil {
			return nil, fmt.Errorf("%s: %w", partsKey, err)
		}
	}
	return s, nil
}

// begun is the body for the moment before the parts exist.
func (b recordBody) begun() (recordBody, error) {
	s := split{}
	for key := range b.large {
		s[key] = parts{Begun: true}
	}
	return b.with(s)
}

// with is the body with where its large pieces are.
func (b recordBody) with(s split) (recordBody, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return b, fmt.Errorf("encode %s: %w", partsKey, err)
	}
	b.data = maps.Clone(b.data)
	b.data[partsKey], b.data[recordFormatKey] = string(raw), splitFormat
	return b, nil
}

// placed writes the large pieces of a body into parts of their own, and returns
// the body that names them. A body without is returned as it is.
func (c *Client) placed(ctx context.Context, env string, owner metav1.Object, b recordBody) (recordBody, error) {
	if len(b.large) == 0 {
		return b, nil
	}
	s, write := split{}, strings.ToLower(nonce())
	for _, key := range slices.Sorted(maps.Keys(b.large)) {
		packed := b.large[key]
		sum := sha256.Sum256(packed)
		p := parts{Sum: hex.EncodeToString(sum[:])}
		for piece := range slices.Chunk(packed, packedMost) {
			name := owner.GetName() + ".part-" + write + "-" + strconv.Itoa(len(s)*1000+len(p.Names))
			if err := c.createPart(ctx, env, owner, name, piece); err != nil {
				return b, err
			}
			p.Names = append(p.Names, name)
		}
		s[key] = p
	}
	return b.with(s)
}

// place makes a body ready to be written over a record: its large pieces are in
// parts, and listed are those of which some may have to go afterwards.
func (c *Client) place(ctx context.Context, env, name string, b recordBody) (placed recordBody, listed []string, err error) {
	if len(b.large) == 0 && !c.runs.isSplit(name) {
		return b, nil, nil
	}
	in := c.short.Resource(configMapGVR).Namespace(c.cfg.StateNamespace)
	owner, err := in.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return b, nil, err
	}
	// Should that not work, they are listed again by the next write, and go with
	// the record.
	if list, err := in.List(ctx, metav1.ListOptions{LabelSelector: labelPartOf + "=" + string(owner.GetUID())}); err == nil {
		for i := range list.Items {
			listed = append(listed, list.Items[i].Name)
		}
	}
	placed, err = c.placed(ctx, env, owner, b)
	return placed, listed, err
}

func (c *Client) createPart(ctx context.Context, env string, owner metav1.Object, name string, piece []byte) error {
	body := newRecordBody()
	body.binary[partKey] = piece
	u, err := body.object(name, map[string]string{
		labelManagedBy: FieldManager, labelEnvironment: env, labelRecord: "part", labelPartOf: string(owner.GetUID()),
	}, nil)
	if err != nil {
		return err
	}
	u.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: "v1", Kind: "ConfigMap", Name: owner.GetName(), UID: owner.GetUID(),
	}})
	if err := unstructured.SetNestedField(u.Object, true, "immutable"); err != nil {
		return err
	}
	for t := newTries(ctx, mostLost); ; {
		_, err := c.configMaps().Create(ctx, u, metav1.CreateOptions{FieldManager: FieldManager})
		if err == nil || t.n > 0 && apierrors.IsAlreadyExists(err) { // nobody else has the name
			return nil
		}
		if !mayResend(err) || !t.again(ctx, err) {
			return c.recordError(env, "create", "configmaps", name, err)
		}
	}
}

// sweep deletes those of the parts that were listed before a write which the
// record does not name after it. The write was bound to the reading before it:
// whoever made such a part for that reading can no longer have it named. Not
// being able to is no reason to stop a deployment.
func (c *Client) sweep(ctx context.Context, listed []string, now recordBody) {
	s, err := now.splitOf()
	if err != nil {
		return
	}
	named := map[string]bool{}
	for _, p := range s {
		for _, name := range p.Names {
			named[name] = true
		}
	}
	for _, name := range listed {
		if !named[name] {
			_ = c.configMaps().Delete(ctx, name, metav1.DeleteOptions{})
		}
	}
}

// loadBody is readBody with what is in parts. It reads the record again when
// that was written meanwhile; the reading it returns is the one the body is of.
func (c *Client) loadBody(ctx context.Context, u *unstructured.Unstructured) (recordBody, *unstructured.Unstructured, error) {
	for try := 0; ; try++ {
		b, err := readBody(u)
		if err != nil {
			return b, u, err
		}
		s, err := b.splitOf()
		if err == nil {
			err = c.loadParts(ctx, b, s)
		}
		if err == nil || !errors.Is(err, errPartGone) || try >= splitReads {
			return b, u, err
		}
		again, getErr := c.configMaps().Get(ctx, u.GetName(), metav1.GetOptions{})
		if getErr != nil || again.GetResourceVersion() == u.GetResourceVersion() {
			return b, u, err
		}
		u = again
	}
}

// loadParts reads the large pieces of a body and checks that they are whole.
func (c *Client) loadParts(ctx context.Context, b recordBody, s split) error {
	for key, p := range s {
		if p.Begun {
			continue
		}
		pieces := make([][]byte, len(p.Names))
		err := eachBounded(ctx, len(p.Names), readers, func(ctx context.Context, i int) error {
			u, err := c.configMaps().Get(ctx, p.Names[i], metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return fmt.Errorf("%w: ConfigMap %s", errPartGone, plainLine(p.Names[i], 300))
			}
			if err != nil {
				return c.recordError("its parts", "get", "configmaps", p.Names[i], err)
			}
			part, err := readBody(u)
			pieces[i] = part.binary[partKey]
			return err
		})
		if err != nil {
			return err
		}
		whole := slices.Concat(pieces...)
		if sum := sha256.Sum256(whole); hex.EncodeToString(sum[:]) != p.Sum {
			return fmt.Errorf("%w: its parts for %s are not those it was written with", errPartGone, key)
		}
		b.large[key] = whole
	}
	return nil
}

// isBegun reports whether a piece of the body was announced, and never written.
func (b recordBody) isBegun(key string) bool {
	s, err := b.splitOf()
	return err == nil && s[key].Begun
}

// Bounds of the texts in a record. The more objects have a message, the shorter
// each may be; what is cut is the middle, as the deepest cause is at the end.
const (
	reasonText   = 8 << 10
	messageMost  = 2000
	messageLeast = 120
	messagesMost = 1 << 20 // of all objects together, where each keeps messageLeast
	logMost      = 256 << 10
)

// bounded is a run as it is recorded.
func bounded(run model.Run) model.Run {
	run.Reason, run.Override = middleCut(run.Reason, reasonText), middleCut(run.Override, reasonText)
	messages := 0
	for _, o := range run.Objects {
		if o.Message != "" {
			messages++
		}
	}
	most := max(messageLeast, min(messageMost, messagesMost/max(messages, 1)))
	run.Objects = slices.Clone(run.Objects)
	for i := range run.Objects {
		run.Objects[i].Message = middleCut(run.Objects[i].Message, most)
	}
	run.Tests = slices.Clone(run.Tests)
	left := logMost
	for i := range run.Tests {
		test := &run.Tests[i]
		test.Message = middleCut(test.Message, reasonText)
		room := left / (len(run.Tests) - i)
		kept := len(test.Log)
		for kept > 0 && room >= len(test.Log[kept-1]) {
			kept--
			room -= len(test.Log[kept])
			left -= len(test.Log[kept])
		}
		if kept > 0 { // the last lines say how it ended
			test.Log, test.Truncated = test.Log[kept:], true
		}
	}
	return run
}

// middleCut shortens a text to at most a number of bytes, by its middle.
func middleCut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const mark = " … "
	head := (most - len(mark)) * 2 / 3
	tail := most - len(mark) - head
	return strings.ToValidUTF8(s[:head], "") + mark + strings.ToValidUTF8(s[len(s)-tail:], "")
}
