package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/calendars"
	"github.com/fairtide-dev/fairtide/internal/notify"
	"github.com/fairtide-dev/fairtide/model"
)

// almanac reads calendars, whose addresses may be references to secrets.
type almanac struct {
	reader *calendars.Reader
	lookup notify.Lookup
}

// calendars reads the calendars of windows, and keeps what it has fetched where
// there is a place for it.
func (p *program) calendars() (almanac, error) {
	c := calendars.Config{Now: p.now}
	if dir := p.cacheDir(); dir != "" {
		var err error
		if c.Cache, err = calendars.OpenCache(dir, p.now); err != nil {
			return almanac{}, err
		}
	}
	return almanac{calendars.New(c), notify.Lookup{Env: p.lookupEnv, File: os.ReadFile}}, nil
}

func (a almanac) Read(ctx context.Context, rules []model.WindowRule, file calendars.File) []model.WindowRule {
	return a.resolved(rules, func(rules []model.WindowRule) []model.WindowRule { return a.reader.Read(ctx, rules, file) })
}

func (a almanac) Cached(ctx context.Context, rules []model.WindowRule, file calendars.File) []model.WindowRule {
	return a.resolved(rules, func(rules []model.WindowRule) []model.WindowRule { return a.reader.Cached(ctx, rules, file) })
}

// resolved reads rules with the addresses that they refer to. What comes out has
// the references again.
func (a almanac) resolved(rules []model.WindowRule, read func([]model.WindowRule) []model.WindowRule) []model.WindowRule {
	known := slices.Clone(rules)
	wrong := map[int]string{}
	for i := range known {
		s := known[i].Source
		if s == nil || !strings.HasPrefix(s.URL, "${") {
			continue
		}
		address, err := a.lookup.Resolve("the address of the calendar", s.URL)
		if err != nil {
			wrong[i], known[i].Source = err.Error()+"; it has to be set where fairtide runs", nil
			continue
		}
		with := *s
		with.URL = address.Reveal()
		known[i].Source = &with
	}
	out := read(known)
	for i := range out {
		out[i].Source = rules[i].Source
		if w, ok := wrong[i]; ok {
			out[i].Unreadable = w
		}
	}
	return out
}
