package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairtide-dev/fairtide/model"
)

// reasonMost is how long a reason in the server's words may be, in runes.
const reasonMost = 300

// serverStatus is the API server's own answer in an error; ok is false when
// the error did not come from it, so that nothing is known about the request.
func serverStatus(err error) (metav1.Status, bool) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return metav1.Status{}, false
	}
	return status.Status(), true
}

// serverError words an error that is about the connection or the credentials,
// not about one object.
func (c *Client) serverError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("context %q: %w", c.context, ctx.Err())
	}
	if apierrors.IsUnauthorized(err) {
		return model.Errorf(model.ExitUnreachable,
			"context %q: the API server at %s does not accept the credentials; log in again, or check the kubeconfig's user", c.context, c.rest.Host)
	}
	if status, ok := serverStatus(err); ok {
		return model.Errorf(model.ExitUnreachable, "context %q: the API server at %s answers: %s",
			c.context, c.rest.Host, plainLine(status.Message, reasonMost))
	}
	return c.unreachable(err)
}

// concernsAll reports whether an error would befall every object alike.
func concernsAll(ctx context.Context, err error) bool {
	_, answered := serverStatus(err)
	return ctx.Err() != nil || !answered || apierrors.IsUnauthorized(err)
}

// refusalCase sorts the server's refusals by what follows from them.
type refusalCase int

const (
	refusedOther     refusalCase = iota
	refusedNamespace             // the object's namespace does not exist
	refusedImmutable             // only fields that can not change would have to
	refusedSchema                // the schema does not have a field, or has another type for it
	refusedInvalid               // a field's value is not allowed
	refusedRights                // we may not
	refusedDryRun                // an admission webhook does not support dry-run
	refusedWebhook               // an admission webhook does not answer
)

// serverRefusal is why the server does not do, or predict, a write.
type serverRefusal struct {
	kind    refusalCase
	reason  string   // one line, without a Secret's values
	fields  []string // the immutable ones
	webhook string   // that stood in the way
}

var (
	// 500 without a reason, from the typed conversion before an apply.
	schemaError = regexp.MustCompile(`\): (\.[^:]*): (field not declared in schema|duplicate entries for key|expected [a-z]+|element \d+: associative list)`)
	// 403 from the authorizer; other 403s come from admission.
	forbiddenVerb = regexp.MustCompile(`cannot ([a-z]+) resource`)
	dryRunWebhook = regexp.MustCompile(`admission webhook "([^"]{1,253})" does not support dry run`)
	// 500, and the network's error with it.
	deadWebhook = regexp.MustCompile(`failed calling webhook "([^"]{1,253})"`)
	// 422 of built-in kinds and of CEL transition rules.
	immutableText = regexp.MustCompile(`(?i)immutable|may not (be )?change|can ?not be (changed|unset)|cannot change|updates to \S+ spec for fields other than|updates to \S+ are forbidden`)
)

// readRefusal classifies an error of the server about a write of one object.
// exists says whether there is a live object. The server quotes the values it
// rejects; for Secrets nothing of its text is kept but names of fields.
func readRefusal(err error, id model.ObjectID, m *meta.RESTMapping, exists bool) serverRefusal {
	status, _ := serverStatus(err)
	secret := id.Group == "" && id.Kind == "Secret"
	switch {
	case apierrors.IsNotFound(err) && status.Details != nil && status.Details.Kind == "namespaces":
		return serverRefusal{kind: refusedNamespace, reason: fmt.Sprintf("namespace %q does not exist", id.Namespace)}
	case apierrors.IsForbidden(err):
		if verb := forbiddenVerb.FindStringSubmatch(status.Message); verb != nil {
			return serverRefusal{kind: refusedRights, reason: forbidden(verb[1], m.Resource, id.Namespace)}
		}
	case apierrors.IsInvalid(err) && status.Details != nil:
		return readInvalid(status.Details.Causes, secret, exists)
	}
	if r, ok := readSchemaText(status.Message, id); ok {
		return r
	}
	if hit := dryRunWebhook.FindStringSubmatch(status.Message); hit != nil {
		return serverRefusal{kind: refusedDryRun, webhook: hit[1],
			reason: "admission webhook " + plainLine(hit[1], reasonMost) + " does not support dry-run"}
	}
	if hit := deadWebhook.FindStringSubmatch(status.Message); hit != nil {
		return serverRefusal{kind: refusedWebhook, webhook: hit[1],
			reason: "admission webhook " + plainLine(hit[1], reasonMost) + " does not answer"}
	}
	if secret {
		return serverRefusal{reason: fmt.Sprintf("the server refuses it (%s); its words are withheld, as they may quote the Secret", statusWords(status))}
	}
	return serverRefusal{reason: fmt.Sprintf("the server refuses it (%s): %s", statusWords(status), plainLine(status.Message, reasonMost))}
}

// readSchemaText reads the error of the typed conversion before an apply.
func readSchemaText(text string, id model.ObjectID) (serverRefusal, bool) {
	hit := schemaError.FindStringSubmatch(text)
	if hit == nil {
		return serverRefusal{}, false
	}
	field := plainLine(strings.TrimPrefix(hit[1], "."), reasonMost)
	switch {
	case strings.HasPrefix(hit[2], "field not"):
		return serverRefusal{kind: refusedSchema, reason: fmt.Sprintf("%s: the schema of %s has no such field", field, id.Kind)}, true
	case strings.HasPrefix(hit[2], "duplicate"):
		return serverRefusal{kind: refusedInvalid, reason: field + ": the list names an entry twice"}, true
	}
	if element, ok := strings.CutSuffix(hit[2], ": associative list"); ok {
		return serverRefusal{kind: refusedInvalid, reason: field + ": " + element + " of the list lacks what tells it from others"}, true
	}
	return serverRefusal{kind: refusedSchema, reason: field + ": wrong type, " + hit[2]}, true
}

func readInvalid(causes []metav1.StatusCause, secret, exists bool) serverRefusal {
	var fields, words []string
	named := len(causes) > 0 // policies refuse without naming a field
	immutable := exists && len(causes) > 0
	for _, cause := range causes {
		field := plainLine(cause.Field, pathPartMost)
		if field == "" || field == "<nil>" {
			field, named = "the object", false
		}
		if !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
		if !immutableText.MatchString(cause.Message) {
			immutable = false
		}
		if secret {
			words = append(words, fmt.Sprintf("%s (%s)", field, cause.Type))
		} else {
			words = append(words, field+": "+plainLine(cause.Message, reasonMost))
		}
	}
	if immutable {
		verb := " is immutable"
		if len(fields) > 1 {
			verb = " are immutable"
		}
		return serverRefusal{kind: refusedImmutable, fields: fields, reason: strings.Join(fields, ", ") + verb}
	}
	kind := refusedOther
	if named {
		kind = refusedInvalid
	}
	return serverRefusal{kind: kind, reason: "invalid: " + plainLine(strings.Join(words, "; "), reasonMost)}
}

func statusWords(s metav1.Status) string {
	if s.Reason == "" {
		return fmt.Sprintf("%d %s", s.Code, http.StatusText(int(s.Code)))
	}
	return fmt.Sprintf("%d %s", s.Code, s.Reason)
}

// forbidden names the permission that is missing.
func forbidden(verb string, resource schema.GroupVersionResource, namespace string) string {
	need := verb + " " + resource.Resource
	if namespace == "" {
		return fmt.Sprintf("forbidden (needs %q)", need)
	}
	return fmt.Sprintf("forbidden (needs %q in %q)", need, namespace)
}
