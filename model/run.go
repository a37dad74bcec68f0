package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// RunState says how an execution of an approved plan stands.
type RunState string

// The states of a run; the last four are final.
const (
	RunApplying    RunState = "applying"
	RunWatching    RunState = "watching"
	RunTesting     RunState = "testing"
	RunSucceeded   RunState = "succeeded"
	RunFailed      RunState = "failed"
	RunAborted     RunState = "aborted"
	RunInterrupted RunState = "interrupted"
)

// Final reports whether a run in this state has ended.
func (s RunState) Final() bool {
	switch s {
	case RunSucceeded, RunFailed, RunAborted, RunInterrupted:
		return true
	}
	return false
}

// Run is the record of one execution of an approved plan.
type Run struct {
	ID           string       `json:"id"` // environment and sequence number: "production-118"
	Environment  string       `json:"environment"`
	Commit       string       `json:"commit"`
	From         string       `json:"from"`
	Digest       string       `json:"digest"`
	Operator     string       `json:"operator"`
	Reason       string       `json:"reason"` // why it failed or was aborted
	Override     string       `json:"override"`
	Window       string       `json:"window"` // what the window said at the first write
	StartedAt    time.Time    `json:"startedAt"`
	FinishedAt   time.Time    `json:"finishedAt,omitzero"`
	State        RunState     `json:"state"`
	Objects      []RunObject  `json:"objects"`
	Tests        []TestResult `json:"tests"`
	PullRequests []int        `json:"pullRequests"`
	// Requirements are those of the environment, as they stood at the first write.
	Requirements []Requirement `json:"requirements,omitempty"`
	// Exception is what Override overrode; nil: every rule was obeyed.
	Exception *Exception `json:"exception,omitempty"`
	// Kept are the fields whose live values the operator kept.
	Kept []FieldRef `json:"kept,omitempty"`
	// Thread is where the run is told of in Slack: channel and message, so
	// that whoever continues the run continues the message.
	Thread *Thread `json:"thread,omitempty"`
	// Waves are the names of the waves, in their order, and Wave is the one
	// under way or last begun, from 1; 0: none was.
	Waves []string `json:"waves,omitempty"`
	Wave  int      `json:"wave,omitempty"`
	// RollsBack is the failed run whose work this one takes back; empty: none.
	RollsBack string `json:"rollsBack,omitempty"`
	// Attempts are those who continued the run after its first operator had let
	// the lock expire, in their order. Operator stays who started it.
	Attempts []RunAttempt `json:"attempts,omitempty"`
}

// RunAttempt is somebody who continued an interrupted run.
type RunAttempt struct {
	Operator string    `json:"operator"` // user@host
	At       time.Time `json:"at"`
	Reason   string    `json:"reason,omitempty"` // for taking over the lock
}

// Writer is who writes the run's record: the one who continued it last, or who
// started it.
func (r Run) Writer() string {
	if n := len(r.Attempts); n > 0 {
		return r.Attempts[n-1].Operator
	}
	return r.Operator
}

// RunNews is one reading of an environment's newest run and its lock.
type RunNews struct {
	// Run is the newest run; nil: there is none. Its state is what the record
	// says: one that is open and whose lock is not held was interrupted.
	Run *Run `json:"run,omitempty"`
	// Lock is who holds the environment's lock; nil: nobody, or it expired.
	Lock *Lock `json:"lock,omitempty"`
	// Away is since when the API server does not answer; zero: it does. What
	// is told along is what was known then.
	Away   time.Time `json:"away,omitzero"`
	Reason string    `json:"reason,omitempty"` // why it is away, or what may not be watched
}

// Interrupted reports whether the run's record is open although nobody who may
// write it is at work.
func (n RunNews) Interrupted() bool {
	return n.Run != nil && !n.Run.State.Final() && n.Away.IsZero() &&
		(n.Lock == nil || n.Lock.Run != "" && n.Lock.Run != n.Run.ID)
}

// TakeOverError is why a lock is not taken: its holder let it expire, and
// taking it over needs a reason.
type TakeOverError struct {
	Environment string
	Lock        Lock // that expired: by whom, for which run, and at Expires
}

func (e *TakeOverError) Error() string { return e.Told(e.Lock.Expires.UTC().Format(time.RFC3339)) }

// Told is Error with the time of expiry as at has it.
func (e *TakeOverError) Told(at string) string {
	text := fmt.Sprintf("%s: the lock of %s expired at %s", e.Environment, e.Lock.Holder, at)
	if e.Lock.Run != "" {
		text += " in the middle of run " + e.Lock.Run
	}
	return text + "; see whether that run is still under way somewhere, then take the lock over with a reason"
}

// As makes it an *Error of ExitLocked, for CodeOf.
func (e *TakeOverError) As(target any) bool {
	out, ok := target.(**Error)
	if ok {
		*out = &Error{Code: ExitLocked, Err: e}
	}
	return ok
}

// Thread is a message in Slack.
type Thread struct {
	Channel string `json:"channel"`
	Message string `json:"message"` // Slack's ts
}

// RunObject is what a run did to one object.
type RunObject struct {
	ID      ObjectID     `json:"id"`
	Verdict Verdict      `json:"verdict"`
	Result  ObjectResult `json:"result"`
	Message string       `json:"message,omitempty"`
	Version string       `json:"version,omitempty"` // of the API, without the group
	UID     string       `json:"uid,omitempty"`     // of the live object; empty: not known, or there is none yet
	Wave    int          `json:"wave,omitempty"`    // from 1
	// Digest is of the object as it was approved: see PlannedObject.ApprovedDigest.
	Digest string `json:"digest,omitempty"`
	// After is of what it is to become alone, and Migrates is set when fields
	// are taken over from kubectl first: what a run was cut off in the middle
	// of, is known by them.
	After    string `json:"after,omitempty"`
	Migrates bool   `json:"migrates,omitempty"`
	// Before is of what it was alone, when what it becomes was predicted without
	// the server: once what it needs is there, the server says it otherwise.
	Before string `json:"before,omitempty"`
	// Typed is set when its name was typed: what is lost with it was known.
	Typed bool      `json:"typed,omitempty"`
	At    time.Time `json:"at,omitzero"` // of the result
}

// approvedObject is what an approval is about in one object.
type approvedObject struct {
	ID             ObjectID
	Verdict        Verdict
	Reason         string
	TakesOwnership bool
	Migrates       bool
	Before, After  map[string]any
}

// ApprovedDigest is a hash over what an approval of the object's plan is about:
// its verdict, how it is written, and both sides as Approved has them, as they
// enter the plan's own digest. Another reading of the object with the same one
// is as it was approved. Empty: its sides cannot be written as JSON.
func (o PlannedObject) ApprovedDigest() string {
	before, after := o.Approved()
	data, err := json.Marshal(approvedObject{o.ID, o.Verdict, o.Reason, o.TakesOwnership, o.Migrates, before, after})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// AfterDigest is a hash over what applying makes of the object, as Approved has
// it. Empty: nothing, or it cannot be written as JSON.
func (o PlannedObject) AfterDigest() string {
	_, after := o.Approved()
	data, err := json.Marshal(after)
	if err != nil || after == nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// BeforeDigest is AfterDigest of what the object is before.
func (o PlannedObject) BeforeDigest() string {
	before, _ := o.Approved()
	data, err := json.Marshal(before)
	if err != nil || before == nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// ObjectResult says what became of an object in a run.
type ObjectResult string

// The results. An object stays pending when the run ended before its turn.
const (
	ResultPending ObjectResult = "pending"
	ResultApplied ObjectResult = "applied"
	ResultPruned  ObjectResult = "pruned"
	ResultReady   ObjectResult = "ready"
	ResultFailed  ObjectResult = "failed"
)

// EventType names what an Event tells.
type EventType string

// The types of event, in the order in which a run tells them.
const (
	EventArmed     EventType = "armed" // waits for the window, until Until
	EventStarted   EventType = "started"
	EventLocked    EventType = "locked"
	EventRechecked EventType = "rechecked"
	EventWave      EventType = "wave"
	EventApplied   EventType = "applied"
	EventPruned    EventType = "pruned"
	EventProgress  EventType = "progress"
	EventCause     EventType = "cause"
	EventTest      EventType = "test"
	EventLog       EventType = "log"
	EventNote      EventType = "note"
	EventPaused    EventType = "paused"
	EventContinued EventType = "continued"
	EventAway      EventType = "away" // the API server does not answer, since Since; zero: it does again
	EventFinished  EventType = "finished"
)

// Event is one line of a run's story. The last one has type finished.
type Event struct {
	Time     time.Time   `json:"time"`
	Run      string      `json:"run"`
	Type     EventType   `json:"type"`
	Message  string      `json:"message,omitempty"`
	Object   *ObjectID   `json:"object,omitempty"`
	Verdict  Verdict     `json:"verdict,omitempty"`
	Wave     int         `json:"wave,omitempty"`     // 1-based
	Waves    int         `json:"waves,omitempty"`    // how many there are
	Progress *Progress   `json:"progress,omitempty"` // with type progress and cause
	State    RunState    `json:"state,omitempty"`
	Test     *TestResult `json:"test,omitempty"` // with type test, once it has ended
	// Source names what a log line came from: a test, and of a Job its pod.
	Source   string `json:"source,omitempty"`
	ExitCode *int   `json:"exitCode,omitempty"` // with type finished
	// Moved says with type finished what is not as it was approved.
	Moved []Moved `json:"moved,omitempty"`
	// Until is with type armed when the window opens; zero: not known.
	Until time.Time `json:"until,omitzero"`
	// Since is with type away when the API server answered last.
	Since time.Time `json:"since,omitzero"`
}

// ResumeRequest asks for an interrupted run to be continued.
type ResumeRequest struct {
	Environment string
	Run         string // empty: the newest
	Reason      string // for taking over the lock
	Override    string // as of an Approval, like those that follow
	Confirmed   []string
	Reviewed    []ObjectID
	Automatic   bool
	Brake       *Brake
}

// LockAsk is who wants a lock, and what for.
type LockAsk struct {
	Holder string // user@host
	Run    string // empty: not known yet
	Doing  string // in few words
	// TakeOver is why a lock may be taken over that its holder let expire. It is
	// recorded. Empty: such a lock is refused with a *TakeOverError.
	TakeOver string
}

// Readiness says how far an applied object is from being as Git wants it.
type Readiness string

// The readiness values.
const (
	ReadinessWaiting  Readiness = "waiting"  // not applied yet, or not seen yet
	ReadinessProgress Readiness = "progress" // on its way
	ReadinessReady    Readiness = "ready"
	ReadinessFailed   Readiness = "failed" // will not become ready by itself
)

// Progress is one reading of an applied object's state, and for a workload of
// its pods.
type Progress struct {
	ID        ObjectID  `json:"id"`
	Readiness Readiness `json:"readiness"`
	Message   string    `json:"message,omitempty"`
	Ready     int       `json:"ready,omitempty"`   // pods of the new revision that are ready
	Desired   int       `json:"desired,omitempty"` // pods wanted
	Old       int       `json:"old,omitempty"`     // pods of older revisions that are still there
	Since     time.Time `json:"since,omitzero"`    // when it was applied
	Pods      []Pod     `json:"pods,omitempty"`    // of the new revision, worst first
	// Cause is the deepest known reason why the object is not ready: the
	// image that cannot be pulled, the container that crashes. Empty: none.
	Cause string `json:"cause,omitempty"`
	// Doomed is set when Cause will not go away by waiting.
	Doomed bool `json:"doomed,omitempty"`
}

// Pod is one reading of a workload's pod.
type Pod struct {
	Name     string    `json:"name"`
	Phase    string    `json:"phase"`
	Ready    bool      `json:"ready"`
	Reason   string    `json:"reason,omitempty"`  // ImagePullBackOff, CrashLoopBackOff, Unschedulable, …
	Message  string    `json:"message,omitempty"` // in the kubelet's or scheduler's words, with the image
	Image    string    `json:"image,omitempty"`   // of the container the reason is about, else the first
	Restarts int       `json:"restarts,omitempty"`
	Created  time.Time `json:"created,omitzero"`
}
