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
	return c.decodeState(env, u)
}

func (c *Client) decodeState(env string, u *unstructured.Unstructured) (model.State, error) {
	doc, err := readStateDoc(u)
	if err != nil {
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

func readStateDoc(u *unstructured.Unstructured) (stateDoc, error) {
	var doc stateDoc
	body, err := readBody(u)
	if err != nil {
		return doc, err
	}
	found, err := body.get(stateKey, &doc)
	if err != nil {
		return doc, err
	}
	if !found {
		return doc, fmt.Errorf("%s is missing", stateKey)
	}
	if _, err := body.get(inventoryKey, &doc.Inventory); err != nil {
		return doc, err
	}
	return doc, nil
}

func stateBody(env string, s model.State) (recordBody, error) {
	doc := stateDoc{Environment: env, Deployed: s.Deployed, LastRun: s.LastRun, Inventory: slices.Clone(s.Inventory)}
	slices.SortFunc(doc.Inventory, func(a, b model.InventoryEntry) int { return a.ID.Compare(b.ID) })
	body := newRecordBody()
	if err := body.put(stateKey, doc); err != nil {
		return body, err
	}
	if _, packed := body.binary[stateKey+".gz"]; !packed {
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
	write := nonce()
	labels, annotations := c.stateMetadata(env, s.Inventory)
	annotations[annotationWrite] = write
	verb := "patch"
	var u *unstructured.Unstructured
	if s.ResourceVersion == "" {
		verb = "create"
		u, err = body.object(stateName(env), labels, annotations)
		if err != nil {
			return model.State{}, err
		}
		u, err = c.createRecord(ctx, env, configMapGVR, u)
	} else {
		var p recordPatch
		p.set(body, stateKey, inventoryKey)
		p.Metadata.ResourceVersion, p.Metadata.Labels, p.Metadata.Annotations = s.ResourceVersion, labels, annotations
		u, err = c.patchRecord(ctx, stateName(env), p)
	}
	switch {
	case err == nil:
		return c.decodeState(env, u)
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err) && verb == "patch":
		return c.stateMoved(ctx, env, write)
	case outcomeUnknown(err):
		now, getErr := c.configMaps().Get(ctx, stateName(env), metav1.GetOptions{})
		if getErr == nil && now.GetAnnotations()[annotationWrite] == write {
			return c.decodeState(env, now)
		}
	}
	if model.CodeOf(err, model.ExitOK) != model.ExitOK { // it already says what is wrong
		return model.State{}, err
	}
	return model.State{}, c.recordError(env, verb, "configmaps", stateName(env), err)
}

// stateMoved explains a lost race, unless it was won: the client may have sent
// the write twice when the first answer got lost.
func (c *Client) stateMoved(ctx context.Context, env, write string) (model.State, error) {
	u, err := c.configMaps().Get(ctx, stateName(env), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return model.State{}, model.Errorf(model.ExitLocked,
			"%s: nothing was recorded: the record was deleted by someone else in the meantime; look at the environment again", env)
	}
	if err != nil {
		return model.State{}, c.recordError(env, "get", "configmaps", stateName(env), err)
	}
	if u.GetAnnotations()[annotationWrite] == write {
		return c.decodeState(env, u)
	}
	who := "someone else wrote it"
	if doc, err := readStateDoc(u); err == nil {
		who = c.lastWriter(doc)
	}
	return model.State{}, model.Errorf(model.ExitLocked,
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
