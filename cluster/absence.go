package cluster

import (
	"context"
	"errors"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apiwatch "k8s.io/apimachinery/pkg/watch"
)

// awayAfter is how long a watch has to be cut off before that is told: a
// connection that breaks is made anew at once, most of the time.
const awayAfter = time.Second

// trouble is why a watch does not work, and since when.
type trouble struct {
	since time.Time
	text  string
	// refused is set when the server answers, and says no.
	refused bool
}

// absence is what several watches of one server know about its being away. It
// is not safe for concurrent use.
type absence[K comparable] struct {
	troubles map[K]trouble
}

// note takes in how a request of a watch went; it reports whether that is news.
// What the request was refused for is worded by refusal.
func (a *absence[K]) note(watch K, err error, now time.Time, refusal func(error) string) bool {
	var status apierrors.APIStatus
	switch {
	case errors.Is(err, context.Canceled):
		return false
	case err == nil, apierrors.IsResourceExpired(err), apierrors.IsGone(err), apierrors.IsTooManyRequests(err):
		_, had := a.troubles[watch]
		delete(a.troubles, watch)
		return had
	case errors.As(err, &status) && status.Status().Code < 500 && status.Status().Code > 0:
		return a.add(watch, trouble{since: now, text: refusal(err), refused: true})
	}
	return a.add(watch, trouble{since: now, text: plainLine(err.Error(), reasonMost)})
}

func (a *absence[K]) add(watch K, t trouble) bool {
	if was, had := a.troubles[watch]; had && was.refused == t.refused {
		return false // since when is what counts
	}
	if a.troubles == nil {
		a.troubles = map[K]trouble{}
	}
	a.troubles[watch] = t
	return true
}

// since is when the server answered last, and why it does not; the zero time
// when it does. While it is too early to say, again is how long to wait.
func (a *absence[K]) since(now time.Time) (since time.Time, why string, again time.Duration) {
	for _, t := range a.troubles {
		if !t.refused && (since.IsZero() || t.since.Before(since)) {
			since, why = t.since, t.text
		}
	}
	if gone := now.Sub(since); !since.IsZero() && gone < awayAfter {
		return time.Time{}, "", max(awayAfter-gone, time.Millisecond)
	}
	return since, why, 0
}

// refusal is what the server refuses to have watched; empty: nothing.
func (a *absence[K]) refusal() string {
	text := ""
	for _, t := range a.troubles {
		if t.refused && (text == "" || t.text < text) {
			text = t.text
		}
	}
	return text
}

// errNoStream is what became of a watch that client-go takes for one that has
// ended, and not for an error: nobody answered.
var errNoStream = errors.New("the connection was closed before the API server answered")

// watchError is the error of a watch that was begun. client-go makes a watch of
// which nothing comes of a connection that is closed or times out.
func watchError(w apiwatch.Interface, err error) error {
	if err == nil && reflect.TypeOf(w) == reflect.TypeOf(apiwatch.NewEmptyWatch()) {
		return errNoStream
	}
	return err
}

// sooner is the shorter of two times to wait, of which 0 means for ever.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
