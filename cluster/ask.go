package cluster

import (
	"context"
	"regexp"
	"slices"
	"sync"

	"github.com/fairtide-dev/fairtide/model"
)

const (
	riskDeprecatedVersion = "deprecated-version"
	riskServerWarns       = "server-warns"
	riskWebhookNotAsked   = "webhook-not-asked"
)

// warningCollector takes the warnings that the server adds to an answer to
// whoever asked; those that nobody asked for are dropped.
type warningCollector struct{}

type warningsKey struct{}

// serverWarnings are the warnings that came with the answers to one question.
type serverWarnings struct {
	mu    sync.Mutex
	texts []string
}

func collectWarnings(ctx context.Context) (context.Context, *serverWarnings) {
	w := &serverWarnings{}
	return context.WithValue(ctx, warningsKey{}, w), w
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (warningCollector) HandleWarningHeaderWithContext(ctx context.Context, code int, _, text string) {
	w, ok := ctx.Value(warningsKey{}).(*serverWarnings)
	if !ok || code != 299 || text == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.texts, text) {
		w.texts = append(w.texts, text)
	}
}

// "policy/v1beta1 PodSecurityPolicy is deprecated in v1.21+, unavailable in
// v1.25+", and for custom resources what their definition says.
var deprecatedText = regexp.MustCompile(`^\S+ \S+ is deprecated\b`)

// risks are the warnings as marks of an object. Those about a Secret may quote
// it, so of them only deprecations are kept; of others marked values are taken
// out.
func (w *serverWarnings) risks(it *planItem) []model.Risk {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.texts) == 0 {
		return nil
	}
	id, marked := it.object.ID, markedValues(it)
	var out []model.Risk
	for _, text := range w.texts {
		text = withoutValues(text, marked)
		risk := model.Risk{Name: riskServerWarns, Severity: model.SeverityInfo, Message: "the server warns: " + plainLine(text, reasonMost)}
		switch {
		case deprecatedText.MatchString(text):
			risk.Name, risk.Severity, risk.Message = riskDeprecatedVersion, model.SeverityWarning, plainLine(text, reasonMost)
			risk.Reference = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"
		case id.Group == "" && id.Kind == "Secret":
			risk.Message = "the server warns about it; its words are withheld, as they may quote the Secret"
		}
		if !slices.Contains(out, risk) {
			out = append(out, risk)
		}
	}
	return out
}

// dryRun asks the server what applying an object would make of it. A question
// alters nothing, so it is asked again when the answer gets lost.
func (p *predictor) dryRun(ctx context.Context, it *planItem) (map[string]any, error) {
	for lost := 0; ; {
		asking, warnings := collectWarnings(ctx)
		reply, err := p.c.tryApply(asking, it)
		if err == nil {
			it.noted = warnings.risks(it)
			return reply, nil
		}
		if lost++; ctx.Err() != nil || !answerLost(err) || lost > mostLost {
			return nil, err
		}
		if err := pause(ctx, retryPause<<lost); err != nil {
			return nil, err
		}
	}
}

// unanswered decides about a question whose answer does not arrive: it concerns
// this object alone when the server answers others.
func (p *predictor) unanswered(ctx context.Context, it *planItem, err error) error {
	if _, answered := serverStatus(err); answered || ctx.Err() != nil {
		return err
	}
	if _, away := p.c.Info(ctx); away != nil {
		return err
	}
	p.unpredictable(it, "the connection is lost each time the server is asked about it: "+plainLine(err.Error(), reasonMost)+"; try again")
	return nil
}

// note adds to an object's risks what came up on the way to its verdict.
func (p *predictor) note(it *planItem) {
	if len(it.noted) == 0 || it.planned.Verdict == model.VerdictUnchanged {
		return
	}
	for _, r := range it.noted {
		if !slices.Contains(it.planned.Risks, r) {
			it.planned.Risks = append(it.planned.Risks, r)
		}
	}
	sortRisks(it.planned.Risks)
}
