package sim

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"
)

// rule is the behaviour of the images whose names match.
type rule struct {
	image  *regexp.Regexp
	fields map[string]string
}

// Rules is a file with rules for images. It is read again when it changes.
type Rules struct {
	path string

	mu    sync.Mutex
	seen  os.FileInfo
	rules []rule
	err   error
}

// NewRules returns the rules in a file. The file may come later.
func NewRules(path string) *Rules { return &Rules{path: path} }

// Behaviour returns what a container does: what the first rule matching its
// image says, changed by the annotations of its pod. If either is wrong the
// behaviour is what could be understood.
func (r *Rules) Behaviour(annotations map[string]string, container, image string) (Behaviour, error) {
	rules, err := r.current()
	var b Behaviour
	for _, rule := range rules {
		if !rule.image.MatchString(image) {
			continue
		}
		for name, value := range rule.fields {
			// Values were checked when the file was read.
			err = errors.Join(err, b.set(name, value, image))
		}
		break
	}
	return b, errors.Join(err, b.annotate(annotations, container, image))
}

// current returns the rules, reading the file if it is not the one seen last.
// Of a file that is wrong, the rules read before stay.
func (r *Rules) current() ([]rule, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := os.Stat(r.path)
	if errors.Is(err, os.ErrNotExist) {
		r.seen, r.rules, r.err = nil, nil, nil
		return nil, nil
	}
	if err != nil {
		return r.rules, err
	}
	if r.seen != nil && os.SameFile(r.seen, info) && r.seen.ModTime().Equal(info.ModTime()) && r.seen.Size() == info.Size() {
		return r.rules, r.err
	}
	data, err := os.ReadFile(r.path)
	if err != nil {
		return r.rules, err
	}
	r.seen = info
	rules, err := parseRules(data)
	if r.err = err; err != nil {
		r.err = fmt.Errorf("%s: %w", r.path, err)
		return r.rules, r.err
	}
	r.rules = rules
	return rules, nil
}

func parseRules(data []byte) ([]rule, error) {
	var file struct {
		Rules []map[string]any `json:"rules"`
	}
	if err := yaml.UnmarshalStrict(data, &file); err != nil {
		return nil, err
	}
	var rules []rule
	for i, raw := range file.Rules {
		parsed, err := parseRule(raw)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		rules = append(rules, parsed)
	}
	return rules, nil
}

func parseRule(raw map[string]any) (rule, error) {
	pattern, ok := raw["image"].(string)
	if !ok || pattern == "" {
		return rule{}, errors.New(`"image" is missing`)
	}
	image, err := glob(pattern)
	if err != nil {
		return rule{}, err
	}
	parsed := rule{image: image, fields: map[string]string{}}
	for name, value := range raw {
		if name == "image" {
			continue
		}
		text, err := scalar(value)
		if err != nil {
			return rule{}, fmt.Errorf("field %q: %w", name, err)
		}
		var check Behaviour
		if err := check.set(name, text, pattern); err != nil {
			return rule{}, err
		}
		parsed.fields[name] = text
	}
	return parsed, nil
}

func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	default:
		return "", fmt.Errorf("expected a text or a number, not %v", value)
	}
}

// glob translates a pattern in which * stands for any characters, slashes
// included, and ? for one.
func glob(pattern string) (*regexp.Regexp, error) {
	var out strings.Builder
	out.WriteString("^")
	for _, c := range pattern {
		switch c {
		case '*':
			out.WriteString(".*")
		case '?':
			out.WriteString(".")
		default:
			out.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	out.WriteString("$")
	return regexp.Compile(out.String())
}
