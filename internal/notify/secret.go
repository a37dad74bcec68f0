package notify

import (
	"os"
	"regexp"
	"strings"

	"github.com/fairtide-dev/fairtide/model"
)

// Secret is a token or an address that carries one. It prints as "[secret]",
// also as a part of something that is printed.
type Secret struct {
	// A function: package fmt would print a string that is an unexported
	// field of an unexported field.
	reveal func() string
}

// NewSecret makes a Secret of a value that the program was given at run time.
func NewSecret(value string) Secret { return Secret{reveal: func() string { return value }} }

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.value() == "" }

// Reveal is the value, for whoever has to be shown it. It must not be printed.
func (s Secret) Reveal() string { return s.value() }

func (s Secret) value() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

func (Secret) String() string { return hidden }

// GoString is what %#v prints.
func (Secret) GoString() string { return hidden }

// MarshalText is what encoding/json and log/slog write.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

const hidden = "[secret]"

// scrub removes the secret from a text of someone who was told it.
func (s Secret) scrub(text string) string {
	if s.Empty() {
		return text
	}
	return strings.ReplaceAll(text, s.value(), hidden)
}

// Lookup is where references to secrets lead: os.LookupEnv and os.ReadFile, or
// a test's own.
type Lookup struct {
	Env  func(name string) (string, bool)
	File func(path string) ([]byte, error)
}

var reference = regexp.MustCompile(`^\$\{(env|file):([^{}]+)\}$`)

// Resolve follows a reference to a secret, "${env:NAME}" or "${file:PATH}".
// what names the setting in errors. A literal value is refused, and no error
// repeats it: configuration is in Git, and Git forgets nothing.
func (l Lookup) Resolve(what, ref string) (Secret, error) {
	m := reference.FindStringSubmatch(ref)
	if m == nil {
		return Secret{}, model.Errorf(model.ExitUsage,
			"%s: is not a reference to a secret; write ${env:NAME} or ${file:PATH}, and revoke the value if it was a real one", what)
	}
	value := ""
	if m[1] == "env" {
		v, ok := l.Env(m[2])
		if !ok {
			return Secret{}, model.Errorf(model.ExitUsage, "%s: environment variable %s is not set", what, m[2])
		}
		value = v
	} else {
		data, err := l.File(m[2])
		if err != nil {
			return Secret{}, model.Errorf(model.ExitUsage, "%s: cannot read file %s: %w", what, m[2], causeOf(err))
		}
		value = string(data)
	}
	if value = strings.TrimSpace(value); value == "" {
		return Secret{}, model.Errorf(model.ExitUsage, "%s: %s %s is empty", what, sourceNames[m[1]], m[2])
	}
	return NewSecret(value), nil
}

var sourceNames = map[string]string{"env": "environment variable", "file": "file"}

// causeOf drops the path that is named already.
func causeOf(err error) error {
	if pe, ok := err.(*os.PathError); ok { //nolint:errorlint // only the outermost is repeated by the caller
		return pe.Err
	}
	return err
}
