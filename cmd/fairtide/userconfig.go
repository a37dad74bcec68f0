package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/internal/userconfig"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/theme"
)

// settings are an operator's own for the UI, from the configuration on the
// machine. With problems they are the defaults.
type settings struct {
	path     string
	config   userconfig.Config
	actions  []action.Action
	problems []string
}

// settings reads them. A bad file stops nothing: what is wrong is said where
// they would have had an effect.
func (p *program) settings() settings {
	s := settings{path: userconfig.Path(p.env), actions: action.Defaults()}
	c, problems := userconfig.Read(s.path, userconfig.Known{Themes: theme.Names(), Tokens: theme.Tokens(), IsColour: theme.IsColour})
	var binds []action.Bind
	for _, b := range c.Keys {
		binds = append(binds, action.Bind{
			Scope: action.Scope(b.Scope), ID: action.ID(b.Action), Keys: b.Keys, At: fmt.Sprintf("%s:%d", s.path, b.Line),
		})
	}
	actions, collisions := action.Configure(action.Defaults(), binds, config.Suggest)
	if s.problems = append(problems, collisions...); len(s.problems) > 0 {
		return s
	}
	s.config, s.actions = c, actions
	return s
}

// themeName is the theme: as --theme or FAIRTIDE_THEME says, else as configured.
func (p *program) themeName(configured string) (theme.Name, error) {
	name := p.flags.theme
	switch {
	case name == "":
		return theme.Name(configured), nil
	case !slices.Contains(theme.Names(), name):
		return "", model.Errorf(model.ExitUsage, "unknown theme %q; there are %s", name, strings.Join(theme.Names(), ", "))
	}
	return theme.Name(name), nil
}

// printKeys prints every action with the operator's keys, or says why they are
// not in effect.
func (p *program) printKeys() error {
	s := p.settings()
	if _, err := fmt.Fprint(p.stdout, action.List(s.actions)); err != nil {
		return err
	}
	if len(s.problems) > 0 {
		return model.Errorf(model.ExitUsage, "these are the usual keys, as the settings cannot be used:\n%s", strings.Join(s.problems, "\n"))
	}
	return nil
}
