package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/fairtide-dev/fairtide/model"
)

// The metadata of an ApplySet's parent (KEP-3659). The environment's record
// carries it, so that other tools see what belongs together.
const (
	labelApplySetID           = "applyset.kubernetes.io/id"
	annotationApplySetTooling = "applyset.kubernetes.io/tooling"
	annotationApplySetKinds   = "applyset.kubernetes.io/contains-group-kinds"
	annotationApplySetSpaces  = "applyset.kubernetes.io/additional-namespaces"
)

const (
	stateKey     = "state.json"
	inventoryKey = "inventory.json" // only when it makes the state too big to read
)

// stateDoc is the JSON of an environment's record.
type stateDoc struct {
	Environment string          `json:"environment"`
	Deployed    *model.Deployed `json:"deployed"`
	LastRun     *model.RunRef   `json:"lastRun"`
	Inventory   inventory       `json:"inventory,omitempty"`
}

func stateName(env string) string { return "fairtide-env-" + env }

// ReadState reads what the cluster records about an environment. Without a
// record it is the zero State.
func (c *Client) ReadState(ctx context.Context, env string) (model.State, error) {
	u, err := c.configMaps().Get(ctx, stateName(env), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return model.State{}, nil
	}
	if err != nil {
		return model.State{}, c.recordError(env, "get", "configmaps", stateName(env), err)
	}
	return c.decodeState(ctx, env, u)
}

func (c *Client) decodeState(ctx context.Context, env string, u *unstructured.Unstructured) (model.State, error) {
	doc, u, err := c.readStateDoc(ctx, u)
	if err != nil {
		if ctx.Err() != nil || model.CodeOf(err, model.ExitOK) == model.ExitUnreachable {
			return model.State{}, fmt.Errorf("%s: the record cannot be read: %w", env, err)
		}
		return model.State{}, c.damaged(env, err)
	}
	if doc.Environment != env {
		return model.State{}, c.damaged(env, fmt.Errorf("it is the record of environment %q", plainLine(doc.Environment, 60)))
	}
	return model.State{
		Deployed: doc.Deployed, Inventory: doc.Inventory, LastRun: doc.LastRun,
		ResourceVersion: u.GetResourceVersion(),
	}, nil
}

// damaged is the error for a record that cannot be believed. Without it nothing
// may be planned: what to prune would be a guess.
func (c *Client) damaged(env string, err error) error {
	return model.Errorf(model.ExitUsage,
		"%s: the record in ConfigMap %s/%s cannot be read: %w; restore it, or delete it to start anew: then nothing that left Git so far is pruned",
		env, c.cfg.StateNamespace, stateName(env), err)
}

// readStateDoc reads a record with its parts, and returns the reading that it is
// of.
func (c *Client) readStateDoc(ctx context.Context, u *unstructured.Unstructured) (stateDoc, *unstructured.Unstructured, error) {
	var doc stateDoc
	body, u, err := c.loadBody(ctx, u)
	if err != nil {
		return doc, u, err
	}
	c.runs.noteSplit(u.GetName(), body)
	found, err := body.get(stateKey, &doc)
	if err == nil && !found {
		err = fmt.Errorf("%s is missing", stateKey)
	}
	if err == nil {
		_, err = body.get(inventoryKey, &doc.Inventory)
	}
	return doc, u, err
}

func stateBody(env string, s model.State) (recordBody, error) {
	doc := stateDoc{Environment: env, Deployed: s.Deployed, LastRun: s.LastRun, Inventory: slices.Clone(s.Inventory)}
	slices.SortFunc(doc.Inventory, func(a, b model.InventoryEntry) int { return a.ID.Compare(b.ID) })
	body := newRecordBody()
	if err := body.put(stateKey, doc); err != nil {
		return body, err
	}
	if _, plain := body.data[stateKey]; plain {
		return body, nil
	}
	// What is deployed stays legible; only the long list is packed.
	inventory := doc.Inventory
	doc.Inventory, body = nil, newRecordBody()
	if err := body.put(stateKey, doc); err != nil {
		return body, err
	}
	return body, body.put(inventoryKey, inventory)
}

// WriteState replaces the record of an environment and returns the new
// reading. The write is refused with ExitLocked unless the record still is as
// s.ResourceVersion says; empty means that there must be none yet.
func (c *Client) WriteState(ctx context.Context, env string, s model.State) (model.State, error) {
	body, err := stateBody(env, s)
	if err != nil {
		return model.State{}, model.Errorf(model.ExitUsage, "%s: the record cannot be written: %w", env, err)
	}
	if s.ResourceVersion == "" && len(body.large) > 0 {
		// Parts need a record to belong to. Should we end in between, it says
		// what is true: nothing is deployed yet.
		first, err := c.WriteState(ctx, env, model.State{})
		if err != nil {
			return model.State{}, err
		}
		s.ResourceVersion = first.ResourceVersion
	}
	var listed []string
	if s.ResourceVersion != "" {
		if body, listed, err = c.place(ctx, env, stateName(env), body); err != nil {
			return model.State{}, c.stateError(ctx, env, "get", err)
		}
	}
	write := nonce()
	var u *unstructured.Unstructured
	for t := newTries(ctx, mostLost); ; {
		var verb string
		if u, verb, err = c.sendState(ctx, env, s, body, write); err != nil {
			u, err = c.lostAnswer(ctx, env, write, err)
		}
		if err == nil {
			break
		}
		if !mayResend(err) || !t.again(ctx, err) { // bound to the same reading: it takes effect once at most
			return model.State{}, c.stateError(ctx, env, verb, err)
		}
	}
	c.runs.noteSplit(stateName(env), body)
	c.sweep(ctx, listed, body)
	// What the answer says, but for the parts, which are as they were sent.
	doc := stateDoc{}
	if _, err := body.get(stateKey, &doc); err != nil {
		return model.State{}, c.damaged(env, err)
	}
	if _, err := body.get(inventoryKey, &doc.Inventory); err != nil {
		return model.State{}, c.damaged(env, err)
	}
	return model.State{Deployed: doc.Deployed, Inventory: doc.Inventory, LastRun: doc.LastRun, ResourceVersion: u.GetResourceVersion()}, nil
}

// sendState creates or patches the record, and says which.
func (c *Client) sendState(ctx context.Context, env string, s model.State, body recordBody, write string) (*unstructured.Unstructured, string, error) {
	labels, annotations := c.stateMetadata(env, s.Inventory)
	annotations[annotationWrite] = write
	if s.ResourceVersion == "" {
		u, err := body.object(stateName(env), labels, annotations)
		if err == nil {
			u, err = c.createRecord(ctx, env, configMapGVR, u)
		}
		return u, "create", err
	}
	var p recordPatch
	p.set(body, stateKey, inventoryKey)
	p.Metadata.ResourceVersion, p.Metadata.Labels = s.ResourceVersion, labels
	p.Metadata.Annotations = map[string]*string{annotationFence: nil}
	for k, v := range annotations {
		p.Metadata.Annotations[k] = &v
	}
	u, err := c.patchRecord(ctx, stateName(env), p)
	return u, "patch", err
}

// lostAnswer is the record when a write was done although it failed: the client
// may have sent it twice when the first answer got lost. Else it is the error.
func (c *Client) lostAnswer(ctx context.Context, env, write string, err error) (*unstructured.Unstructured, error) {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || mayResend(err) {
		now, getErr := c.configMaps().Get(ctx, stateName(env), metav1.GetOptions{})
		if getErr == nil && now.GetAnnotations()[annotationWrite] == write {
			return now, nil
		}
	}
	return nil, err
}

// stateError words why the record was not written.
func (c *Client) stateError(ctx context.Context, env, verb string, err error) error {
	switch {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err) && verb != "create":
		return c.stateMoved(ctx, env)
	case model.CodeOf(err, model.ExitOK) != model.ExitOK: // it already says what is wrong
		return err
	}
	return c.recordError(env, verb, "configmaps", stateName(env), err)
}

// stateMoved explains a lost race.
func (c *Client) stateMoved(ctx context.Context, env string) error {
	u, err := c.configMaps().Get(ctx, stateName(env), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return model.Errorf(model.ExitLocked,
			"%s: nothing was recorded: the record was deleted by someone else in the meantime; look at the environment again", env)
	}
	if err != nil {
		return c.recordError(env, "get", "configmaps", stateName(env), err)
	}
	who := "someone else wrote it"
	if by := u.GetAnnotations()[annotationFence]; by != "" {
		who = plainLine(by, 120) + " took over the lock"
	} else if doc, _, err := c.readStateDoc(ctx, u); err == nil {
		who = c.lastWriter(doc)
	}
	return model.Errorf(model.ExitLocked,
		"%s: nothing was recorded: the record changed in the meantime: %s; look at the environment again", env, who)
}

func (c *Client) lastWriter(doc stateDoc) string {
	var parts []string
	if d := doc.Deployed; d != nil {
		parts = append(parts, fmt.Sprintf("%s deployed %s in run %s at %s", plainLine(d.By, 80),
			plainLine(model.Short(d.Commit), 40), plainLine(d.Run, 80), c.clockTime(d.At)))
	}
	if r := doc.LastRun; r != nil && (doc.Deployed == nil || r.ID != doc.Deployed.Run) {
		parts = append(parts, fmt.Sprintf("run %s is %s", plainLine(r.ID, 80), plainLine(string(r.State), 20)))
	}
	if len(parts) == 0 {
		return "someone else wrote it"
	}
	return strings.Join(parts, ", ")
}

// clockTime writes a time in the operator's zone, with the date unless it is
// today's.
func (c *Client) clockTime(t time.Time) string {
	now := c.cfg.Now()
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04:05")
}

func (c *Client) stateMetadata(env string, inventory []model.InventoryEntry) (labels, annotations map[string]string) {
	kinds, spaces := map[string]bool{}, map[string]bool{}
	for _, e := range inventory {
		kinds[groupKind(e.ID).String()] = true
		if e.ID.Namespace != "" && e.ID.Namespace != c.cfg.StateNamespace {
			spaces[e.ID.Namespace] = true
		}
	}
	tool, _, _ := strings.Cut(c.cfg.UserAgent, " ")
	return map[string]string{
			labelManagedBy:   FieldManager,
			labelEnvironment: env,
			labelRecord:      "environment",
			labelApplySetID:  applySetID(stateName(env), c.cfg.StateNamespace),
		}, map[string]string{
			annotationApplySetTooling: tool,
			annotationApplySetKinds:   joinKeys(kinds),
			annotationApplySetSpaces:  joinKeys(spaces),
		}
}

func joinKeys(set map[string]bool) string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	return strings.Join(sortedStrings(keys), ",")
}

// applySetID is the identity KEP-3659 gives to a parent that is a ConfigMap.
func applySetID(name, namespace string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{name, namespace, "ConfigMap", ""}, ".")))
	return "applyset-" + base64.RawURLEncoding.EncodeToString(sum[:]) + "-v1"
}
