package model

import (
	"fmt"
	"slices"
	"strings"
)

// Ref is how an object is named to a command: KIND/NAME, or
// KIND/NAMESPACE/NAME where it lives in a namespace.
func (id ObjectID) Ref() string {
	if id.Namespace == "" {
		return id.Kind + "/" + id.Name
	}
	return id.Kind + "/" + id.Namespace + "/" + id.Name
}

// typeName is the risk for which the object's name has to be typed; nil: none.
func (o PlannedObject) typeName() *Risk {
	i := slices.IndexFunc(o.Risks, func(r Risk) bool { return r.TypeName })
	if i < 0 || !o.Writes() {
		return nil
	}
	return &o.Risks[i]
}

// ToType lists the objects whose names an operator has to type before the plan
// is applied: what is lost with them does not come back.
func (p *Plan) ToType() []ObjectID {
	var out []ObjectID
	for _, o := range p.Objects {
		if o.typeName() != nil {
			out = append(out, o.ID)
		}
	}
	return out
}

// Phrase is what a person types at a screen to confirm the objects of ToType:
// the name of the only one, or the environment's name and how many they are.
// Empty: there is nothing to type.
func (p *Plan) Phrase() string {
	switch ids := p.ToType(); len(ids) {
	case 0:
		return ""
	case 1:
		return ids[0].Name
	default:
		return fmt.Sprintf("%s %d", p.Environment, len(ids))
	}
}

// Refs names objects as commands do.
func Refs(ids []ObjectID) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, id.Ref())
	}
	return out
}

// Unconfirmed is the error, with ExitRequirements, for a plan with objects whose
// names have to be typed and are not among those given; nil when there is none.
func (p *Plan) Unconfirmed(given []string) error {
	var missing []ObjectID
	var words []string
	for _, o := range p.Objects {
		if r := o.typeName(); r != nil && !slices.Contains(given, o.ID.Ref()) {
			missing = append(missing, o.ID)
			words = append(words, fmt.Sprintf("%s (%s)", o.ID, r.Message))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	const shown = 5
	if more := len(words) - shown; more > 0 {
		words = append(words[:shown], fmt.Sprintf("and %d more", more))
	}
	return Errorf(ExitRequirements, "nothing was written: confirm by name what does not come back: %s; to do it, pass --confirm %s to fairtide apply -e %s",
		strings.Join(words, "; "), strings.Join(Refs(missing), " --confirm "), p.Environment)
}
