package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/internal/sanitize"
	"github.com/fairtide-dev/fairtide/internal/when"
	"github.com/fairtide-dev/fairtide/model"
)

// windowAsk is what `window` is asked.
type windowAsk struct {
	at    string
	next  int
	kinds []string
	in    string
	risks []string
}

// maxNext is how many openings anybody reads.
const maxNext = 1000

func (p *program) windowCommand() *cobra.Command {
	var ask windowAsk
	c := &cobra.Command{
		Use:   "window -e ENV",
		Short: "Say whether applying is allowed now, by which rule, until when",
		Long: `Judge the environment's windows at the cluster's clock, or with --at at another
time: "tomorrow 9:30", "thu 14:00", "24 dec", "+3h", or RFC 3339. What names no
offset is by the clock in the zone of the windows.

Rules may be about some objects only. Those count with --kind, --in and --risk,
which say what is to be changed; without, they are left out.

Exits 0 when the window is open and 3 when it is closed. With --next it exits 0,
and 3 where a calendar cannot be read: then nobody can say when it opens.
How windows are written: fairtide help windows.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.window(cmd.Context(), ask) },
	}
	f := c.Flags()
	f.StringVar(&ask.at, "at", "", `judge this time instead of now: "thu 9:30", 2026-12-24T09:30:00+01:00`)
	f.IntVar(&ask.next, "next", 0, "list this many openings instead, from that time on")
	f.StringSliceVar(&ask.kinds, "kind", nil, "judge it for objects of this kind: StatefulSet or StatefulSet.apps")
	f.StringVar(&ask.in, "in", "", "judge it for objects in this namespace (default with --kind: the environment's)")
	f.StringSliceVar(&ask.risks, "risk", nil, "judge it for a change with this risk: restarts-pods")
	return c
}

// windowDocument is what `window -o json` writes.
type windowDocument struct {
	Environment string `json:"environment"`
	model.WindowState
	At   time.Time `json:"at,omitzero"`    // that was asked about; none: now, by the cluster's clock
	Note string    `json:"note,omitempty"` // what there is to know of how At was read
	Zone string    `json:"zone"`           // of the rules, if they share one
}

// openingsDocument is what `window --next N -o json` writes.
type openingsDocument struct {
	Environment string            `json:"environment"`
	Zone        string            `json:"zone"`
	Openings    []openingDocument `json:"openings"`
	Unknown     string            `json:"unknown,omitempty"` // why nobody can say when it opens
}

type openingDocument struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to,omitzero"`       // none: not within a year
	Seconds int64     `json:"seconds,omitempty"` // from From to To
	Rules   []string  `json:"rules"`
}

func (p *program) window(ctx context.Context, ask windowAsk) error {
	format, name, e, err := p.begin(ctx, p.engine)
	if err != nil {
		return err
	}
	if ask.next < 0 || ask.next > maxNext {
		return model.Errorf(model.ExitUsage, "--next %d: ask for 1 to %d openings", ask.next, maxNext)
	}
	env, err := find(ctx, e, name)
	if err != nil {
		return err
	}
	zone := zoneOf(env.Windows)
	var at when.Time
	if ask.at != "" {
		if at, err = when.Parse(ask.at, p.now(), zone); err != nil {
			return model.Errorf(model.ExitUsage, "--at: %w", err)
		}
	}
	if err := ask.known(); err != nil {
		return err
	}
	subjects := ask.subjects(env)
	if ask.next > 0 {
		return p.openings(ctx, e, ask.next, at, subjects, openingsDocument{Environment: name, Zone: zone.String()}, zone, format)
	}
	w, err := e.Window(ctx, name, at.At, subjects)
	if err != nil {
		return err
	}
	if format == "json" {
		err = p.writeJSON(windowDocument{Environment: name, WindowState: w, At: at.At.UTC(), Note: at.Note, Zone: zone.String()})
	} else {
		err = p.printWindow(name, w, at, zone)
	}
	if err == nil && !w.Open {
		return exitStatus(model.ExitWindowClosed)
	}
	return err
}

// find is an environment as the configuration has it; of one that does not
// exist the engine says so when it is asked.
func find(ctx context.Context, e *rollout.Engine, name string) (model.Environment, error) {
	all, err := e.Environments(ctx)
	if err != nil {
		return model.Environment{}, err
	}
	env, _ := model.Config{Environments: all}.Environment(name)
	return env, nil
}

// zoneOf is the zone that rules share; UTC if they have none or several.
func zoneOf(rules []model.WindowRule) *time.Location {
	zone := time.UTC
	for i, r := range rules {
		if i > 0 && r.Location.String() != zone.String() {
			return time.UTC
		}
		zone = r.Location
	}
	return zone
}

// subjects are what it is judged for; none: nothing is known of it.
func (a windowAsk) subjects(env model.Environment) []model.WindowSubject {
	if len(a.kinds) == 0 && a.in == "" && len(a.risks) == 0 {
		return nil
	}
	s := model.WindowSubject{Namespace: a.in, Risks: a.risks}
	if len(a.kinds) == 0 {
		return []model.WindowSubject{s}
	}
	if s.Namespace == "" {
		if s.Namespace = env.Namespace; s.Namespace == "" {
			s.Namespace = "default"
		}
	}
	var out []model.WindowSubject
	for _, kind := range a.kinds {
		var grouped bool
		if s.Kind, s.Group, grouped = strings.Cut(kind, "."); grouped {
			out = append(out, s)
			continue
		}
		for _, s.Group = range groupsOf(kind, env.Windows) {
			out = append(out, s)
		}
	}
	return out
}

// groupsOf are the groups that a kind may be of whose group is not said: those
// that rules name with it, or else none, which only rules without group name.
func groupsOf(kind string, rules []model.WindowRule) []string {
	var groups []string
	for _, r := range rules {
		for _, k := range r.Scope.Kinds {
			if named, group, ok := strings.Cut(k, "."); ok && strings.EqualFold(named, kind) && !slices.Contains(groups, group) {
				groups = append(groups, group)
			}
		}
	}
	if len(groups) == 0 {
		return []string{""}
	}
	return groups
}

// known refuses a risk that no plan has: no rule is about it, and the answer
// would be to another question.
func (a windowAsk) known() error {
	names := model.RiskNames()
	for _, r := range a.risks {
		if slices.Contains(names, r) {
			continue
		}
		hint := "`fairtide diff -o json` tells those of a plan"
		if s := config.Suggest(r, names); s != "" {
			hint = fmt.Sprintf("did you mean %q?", s)
		}
		return model.Errorf(model.ExitUsage, "--risk: no risk is called %q; %s", r, hint)
	}
	return nil
}

func (p *program) printWindow(name string, w model.WindowState, at when.Time, zone *time.Location) error {
	t := newTable(p.stdout)
	line := func(what, text string) {
		if text != "" {
			t.row("  "+what, text)
		}
	}
	if _, err := fmt.Fprintf(p.stdout, "%s: %s\n", name, sanitize.Line(w.Reason)); err != nil {
		return err
	}
	line("at", bothClocks(at.At, zone))
	switch {
	case w.Open && w.Until.IsZero():
		line("until", "it does not close within a year")
	case w.Open:
		line("until", bothClocks(w.Until, zone))
		line("opens", bothClocks(w.NextOpen, zone))
	case w.Unknown:
		line("opens", "nobody can say before that is mended")
	case w.NextOpen.IsZero():
		line("opens", "not within a year")
	default:
		line("opens", bothClocks(w.NextOpen, zone))
	}
	line("note", at.Note)
	line("note", w.Aside)
	return t.flush()
}

// bothClocks writes an instant by the clock in a zone and by UTC's.
func bothClocks(at time.Time, zone *time.Location) string {
	const day, clock = "Mon 2006-01-02 ", "15:04 MST"
	if at.IsZero() {
		return ""
	}
	local, utc := at.In(zone), at.UTC()
	text := local.Format(day + clock)
	switch {
	case zone == time.UTC || zone.String() == "UTC":
		return text
	case local.Day() == utc.Day():
		return text + " (" + utc.Format(clock) + ")"
	}
	return text + " (" + utc.Format("Mon "+clock) + ")"
}

// openings lists when it is open.
func (p *program) openings(ctx context.Context, e *rollout.Engine, n int, at when.Time, subjects []model.WindowSubject,
	d openingsDocument, zone *time.Location, format string,
) error {
	next, _, err := e.Openings(ctx, d.Environment, at.At, n, subjects)
	if err != nil {
		return err
	}
	d.Openings = []openingDocument{}
	for _, o := range next {
		doc := openingDocument{From: o.From.UTC(), To: o.To.UTC(), Rules: orEmpty(o.Rules)}
		if !o.To.IsZero() {
			doc.Seconds = int64(o.To.Sub(o.From) / time.Second)
		}
		d.Openings = append(d.Openings, doc)
	}
	var w model.WindowState
	if len(d.Openings) == 0 {
		if w, err = e.Window(ctx, d.Environment, at.At, subjects); err != nil {
			return err
		}
		if w.Unknown {
			d.Unknown = w.Reason
		}
	}
	switch {
	case format == "json":
		err = p.writeJSON(d)
	case w.Unknown:
		_, err = fmt.Fprintf(p.stdout, "nobody can say when %s opens: %s\n", d.Environment, sanitize.Line(w.Reason))
	case len(d.Openings) == 0:
		_, err = fmt.Fprintf(p.stdout, "%s does not open within a year: %s\n", d.Environment, sanitize.Line(w.Reason))
	default:
		return p.printOpenings(d, zone)
	}
	if err == nil && w.Unknown {
		return exitStatus(model.ExitWindowClosed)
	}
	return err
}

func (p *program) printOpenings(d openingsDocument, zone *time.Location) error {
	t := newTable(p.stdout)
	t.row("OPENS", "CLOSES", "OPEN FOR", "BY")
	for _, o := range d.Openings {
		closes, took := "not within a year", "-"
		if !o.To.IsZero() {
			closes, took = bothClocks(o.To, zone), openFor(o.To.Sub(o.From))
		}
		t.row(bothClocks(o.From, zone), closes, took, dash(strings.Join(o.Rules, ", ")))
	}
	return t.flush()
}

// openFor writes how long it is open: "3 h", "2 d 4 h", "45 min".
func openFor(span time.Duration) string {
	var parts []string
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}} {
		if n := span / unit.is; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
			span -= n * unit.is
		}
	}
	return strings.Join(parts, " ")
}
