package cluster

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/fairtide-dev/fairtide/model"
)

// RunsKept is how many run records an environment keeps.
const RunsKept = 50

const (
	runKey     = "run.json"
	objectsKey = "objects.json" // only when they make the run too big to read
	// runsPage bounds the size of one answer: records can be large.
	runsPage = 10
	// annotationWriter names the client that keeps a run's record.
	annotationWriter = "fairtide.dev/writer"
	// annotationRunState is how a run stands, for who reads no more of its record
	// than the metadata.
	annotationRunState = "fairtide.dev/run-state"
	// runAttempts bounds how often a sequence number may be snatched away.
	runAttempts = 20
	// annotationFence names who took over the lock from a holder that let it
	// expire. Writing it makes every reading of that holder an old one.
	annotationFence = "fairtide.dev/fenced-by"
)

// runWriters remembers, for the runs this client writes, the reading its next
// write must find. A reading made to look at a run does not enter it: another
// client that took the run over is noticed by the write that is refused.
type runWriters struct {
	mu   sync.Mutex
	runs map[string]runWriting // by ID
	// split are the records, by name, that were seen to have parts.
	split map[string]bool
}

// runWriting is how this client writes a run.
type runWriting struct {
	token   string // names this writer in the record
	reading string // resourceVersion
}

func (w *runWriters) get(id string) runWriting {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.runs[id]
}

func (w *runWriters) set(id string, writing runWriting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs == nil {
		w.runs = map[string]runWriting{}
	}
	w.runs[id] = writing
}

func (w *runWriters) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.runs, id)
}

// noteSplit remembers whether a record has parts.
func (w *runWriters) noteSplit(name string, b recordBody) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := b.data[partsKey]; !ok {
		delete(w.split, name)
		return
	}
	if w.split == nil {
		w.split = map[string]bool{}
	}
	w.split[name] = true
}

func (w *runWriters) isSplit(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.split[name]
}

func runName(id string) string { return "fairtide-run-" + id }

func runSelector(env string) string {
	return labelManagedBy + "=" + FieldManager + "," + labelEnvironment + "=" + env + "," + labelRecord + "=run"
}

// runSequence is the number in a run's ID; false when the ID is none of env's.
func runSequence(env, id string) (int, bool) {
	digits, ok := strings.CutPrefix(id, env+"-")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 0 && strconv.Itoa(n) == digits
}

// runRecord is a record as its metadata tells.
type runRecord struct {
	sequence int
	name     string
	uid      string
	state    model.RunState // empty: it is not said there
}

// runRecords lists the records of an environment by their metadata, highest
// sequence number first: the bodies can be large.
func (c *Client) runRecords(ctx context.Context, env string) ([]runRecord, error) {
	out, err := c.listRuns(ctx, env)
	if err != nil {
		return nil, c.recordError(env, "list", "configmaps", runName(env+"-*"), err)
	}
	return out, nil
}

// listRuns is runRecords with the API's error.
func (c *Client) listRuns(ctx context.Context, env string) ([]runRecord, error) {
	list, err := c.short.Resource(configMapGVR).Namespace(c.cfg.StateNamespace).
		List(ctx, metav1.ListOptions{LabelSelector: runSelector(env)})
	if err != nil {
		return nil, err
	}
	var out []runRecord
	for _, item := range list.Items {
		if n, ok := runSequence(env, strings.TrimPrefix(item.Name, runName(""))); ok {
			out = append(out, runRecord{n, item.Name, string(item.UID), model.RunState(item.Annotations[annotationRunState])})
		}
	}
	slices.SortFunc(out, func(a, b runRecord) int { return b.sequence - a.sequence })
	return out, nil
}

// NextRunID is the ID that the next run of an environment gets, unless another
// one is started first.
func (c *Client) NextRunID(ctx context.Context, env string) (string, error) {
	records, err := c.runRecords(ctx, env)
	if err != nil {
		return "", err
	}
	return runID(env, records), nil
}

func runID(env string, newestFirst []runRecord) string {
	next := 1
	if len(newestFirst) > 0 {
		next = newestFirst[0].sequence + 1
	}
	return env + "-" + strconv.Itoa(next)
}

// NewRun gives the run the next ID of its environment and creates its record,
// which this client writes from then on: see SaveRun. The RunsKept newest
// records stay, older ones are deleted with their parts.
func (c *Client) NewRun(ctx context.Context, run model.Run) (model.Run, error) {
	env := run.Environment
	for range runAttempts {
		records, err := c.runRecords(ctx, env)
		if err != nil {
			return run, err
		}
		run.ID = runID(env, records)
		writing := runWriting{token: nonce()}
		u, err := c.createRun(ctx, run, writing.token)
		if apierrors.IsAlreadyExists(err) {
			continue
		}
		if err != nil {
			if model.CodeOf(err, model.ExitOK) != model.ExitOK {
				return run, err
			}
			return run, c.recordError(env, "create", "configmaps", runName(run.ID), err)
		}
		writing.reading = u.GetResourceVersion()
		c.runs.set(run.ID, writing)
		if c.runs.isSplit(runName(run.ID)) { // what was created only announces its parts
			if err := c.SaveRun(ctx, run); err != nil {
				return run, err
			}
		}
		c.pruneRuns(ctx, records)
		return run, nil
	}
	return run, model.Errorf(model.ExitLocked,
		"%s: others started %d runs while this one was looking for a number; look at the environment again", env, runAttempts)
}

func (c *Client) createRun(ctx context.Context, run model.Run, writer string) (*unstructured.Unstructured, error) {
	body, err := runBody(run)
	if err == nil && len(body.large) > 0 {
		body, err = body.begun()
	}
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "%s: the record of run %s cannot be written: %w", run.Environment, run.ID, err)
	}
	write := nonce()
	u, err := body.object(runName(run.ID), map[string]string{
		labelManagedBy: FieldManager, labelEnvironment: run.Environment, labelRecord: "run",
	}, map[string]string{annotationWriter: writer, annotationWrite: write, annotationRunState: string(run.State)})
	if err != nil {
		return nil, err
	}
	var out *unstructured.Unstructured
	for t := newTries(ctx, mostLost); ; {
		if out, err = c.createRecord(ctx, run.Environment, configMapGVR, u); err == nil {
			break
		}
		// Ours, if only the answer got lost.
		now, getErr := c.configMaps().Get(ctx, runName(run.ID), metav1.GetOptions{})
		if getErr == nil && now.GetAnnotations()[annotationWrite] == write {
			out, err = now, nil
		}
		if err == nil || !mayResend(err) || !t.again(ctx, err) {
			break
		}
	}
	if err == nil {
		c.runs.noteSplit(runName(run.ID), body)
	}
	return out, err
}

// pruneRuns deletes what is too old to keep. Not being able to is no reason to
// stop a deployment, and the next run tries again.
func (c *Client) pruneRuns(ctx context.Context, newestFirst []runRecord) {
	for i := RunsKept - 1; i < len(newestFirst); i++ { // one less: the new run is not among them
		r := newestFirst[i]
		_ = c.configMaps().Delete(ctx, r.name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(r.uid)})
	}
}

// SaveRun writes the record of a run that NewRun created or TakeRun took. A run
// that has ended is closed: its record cannot change again. A write is refused
// with ExitLocked when another client has taken the record over since.
func (c *Client) SaveRun(ctx context.Context, run model.Run) error {
	writing := c.runs.get(run.ID)
	if writing.reading == "" {
		return c.notOurs(ctx, run)
	}
	return c.writeRun(ctx, run, writing, true)
}

// notOurs says why a run that this client does not write is not recorded.
func (c *Client) notOurs(ctx context.Context, run model.Run) error {
	now, err := c.Run(ctx, run.Environment, run.ID)
	switch {
	case err != nil:
		return err
	case closed(now.State):
		return model.Errorf(model.ExitUsage, "%s: run %s cannot be recorded: it is %s, and a closed record does not change", run.Environment, run.ID, now.State)
	}
	return model.Errorf(model.ExitLocked,
		"%s: run %s is not recorded further: another program writes its record; look at the environment again", run.Environment, run.ID)
}

// closed reports whether the record of a run in this state is final. That of
// an interrupted one is not: it may be resumed.
func closed(s model.RunState) bool { return s.Final() && s != model.RunInterrupted }

// writeRun writes a record at the reading that writing has. again lets it be
// tried once more where only our own earlier write, or a label of somebody,
// stands in between.
func (c *Client) writeRun(ctx context.Context, run model.Run, writing runWriting, again bool) error {
	body, err := runBody(run)
	if err != nil {
		return model.Errorf(model.ExitUsage, "%s: the record of run %s cannot be written: %w", run.Environment, run.ID, err)
	}
	name := runName(run.ID)
	body, listed, err := c.place(ctx, run.Environment, name, body)
	if err != nil {
		return c.runError(run, err)
	}
	var p recordPatch
	p.set(body, runKey, objectsKey)
	if closed(run.State) {
		p.Immutable = new(true)
	}
	write, state, t := nonce(), string(run.State), newTries(ctx, mostLost)
	for {
		p.Metadata.ResourceVersion = writing.reading
		p.Metadata.Annotations = map[string]*string{
			annotationWriter: &writing.token, annotationWrite: &write, annotationRunState: &state, annotationFence: nil,
		}
		u, err := c.patchRecord(ctx, name, p)
		if err != nil {
			now, getErr := c.configMaps().Get(ctx, name, metav1.GetOptions{})
			switch {
			case getErr == nil && now.GetAnnotations()[annotationWrite] == write:
				u, err = now, nil
			case getErr == nil && apierrors.IsConflict(err) && again && now.GetAnnotations()[annotationWriter] == writing.token:
				// An earlier write of ours whose answer got lost, or
				// someone's label: nobody took the run over.
				writing.reading, again = now.GetResourceVersion(), false
				continue
			}
		}
		if err != nil && mayResend(err) && t.again(ctx, err) {
			continue // bound to the same reading: it takes effect once at most
		}
		if err != nil {
			return c.runError(run, err)
		}
		writing.reading = u.GetResourceVersion()
		c.runs.set(run.ID, writing)
		c.runs.noteSplit(name, body)
		if closed(run.State) {
			c.runs.forget(run.ID)
		}
		c.sweep(ctx, listed, body)
		return nil
	}
}

func (c *Client) runError(run model.Run, err error) error {
	if model.CodeOf(err, model.ExitOK) != model.ExitOK { // it already says what is wrong
		return err
	}
	switch {
	case apierrors.IsConflict(err):
		return model.Errorf(model.ExitLocked,
			"%s: run %s is not recorded further: someone else has taken it over; look at the environment again", run.Environment, run.ID)
	case apierrors.IsNotFound(err):
		return model.Errorf(model.ExitLocked,
			"%s: run %s is not recorded further: its record, ConfigMap %s/%s, was deleted; look at the environment again",
			run.Environment, run.ID, c.cfg.StateNamespace, runName(run.ID))
	case apierrors.IsInvalid(err):
		return model.Errorf(model.ExitUsage, "%s: run %s cannot be recorded; a closed record does not change: %w", run.Environment, run.ID, err)
	}
	return c.recordError(run.Environment, "patch", "configmaps", runName(run.ID), err)
}

// Runs returns the recorded runs of an environment, newest first. When some
// records cannot be read, the others are returned along with the error.
func (c *Client) Runs(ctx context.Context, env string) ([]model.Run, error) {
	var runs []model.Run
	var unreadable []error
	opts := metav1.ListOptions{LabelSelector: runSelector(env), Limit: runsPage}
	for {
		list, err := c.configMaps().List(ctx, opts)
		if apierrors.IsResourceExpired(err) && opts.Continue != "" { // begin again, in one go
			runs, unreadable = nil, nil
			opts.Continue, opts.Limit = "", 0
			continue
		}
		if err != nil {
			return nil, c.recordError(env, "list", "configmaps", runName(env+"-*"), err)
		}
		for i := range list.Items {
			u := &list.Items[i]
			if _, ok := runSequence(env, strings.TrimPrefix(u.GetName(), runName(""))); !ok {
				continue
			}
			run, err := c.decodeRun(ctx, env, u)
			if err != nil {
				unreadable = append(unreadable, err)
				continue
			}
			runs = append(runs, run)
		}
		if opts.Continue = list.GetContinue(); opts.Continue == "" {
			break
		}
	}
	slices.SortFunc(runs, func(a, b model.Run) int {
		x, _ := runSequence(env, a.ID)
		y, _ := runSequence(env, b.ID)
		return y - x
	})
	return runs, errors.Join(unreadable...)
}

// Run returns one recorded run of an environment.
func (c *Client) Run(ctx context.Context, env, id string) (model.Run, error) {
	u, err := c.getRun(ctx, env, id)
	if err != nil {
		return model.Run{}, err
	}
	return c.decodeRun(ctx, env, u)
}

func (c *Client) getRun(ctx context.Context, env, id string) (*unstructured.Unstructured, error) {
	missing := model.Errorf(model.ExitUsage, "%s: there is no run %q; fairtide history lists the last %d", env, id, RunsKept)
	if _, ok := runSequence(env, id); !ok {
		return nil, missing
	}
	u, err := c.configMaps().Get(ctx, runName(id), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, missing
	case err != nil:
		return nil, c.recordError(env, "get", "configmaps", runName(id), err)
	}
	return u, nil
}
