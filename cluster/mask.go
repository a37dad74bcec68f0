package cluster

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fairtide-dev/fairtide/internal/fieldrule"
	"github.com/fairtide-dev/fairtide/internal/mask"
	"github.com/fairtide-dev/fairtide/model"
)

// masker replaces the values of Secrets, and of fields that rules mark, by
// tokens that depend on the cluster, the object and the value.
type masker struct {
	clusterUID string
	rules      []model.FieldRule
}

// object masks in place what must not leave this package and returns the
// object. It expects a normalised copy: stringData is in data already.
func (m masker) object(id model.ObjectID, fields map[string]any) map[string]any {
	return mask.New(m.clusterUID, m.rules...).Object(id, fields)
}

// scrub takes marked values of an object out of what the server says about it:
// its errors quote what they reject. What a Secret's errors may say is decided
// where they are read, as nothing of them is kept.
func scrub(it *planItem, err error) error {
	status, answered := serverStatus(err)
	if !answered || len(it.marks) == 0 {
		return err
	}
	values := markedValues(it)
	status.Message = withoutValues(status.Message, values)
	if status.Details != nil {
		status.Details = status.Details.DeepCopy()
		for i := range status.Details.Causes {
			status.Details.Causes[i].Message = withoutValues(status.Details.Causes[i].Message, values)
		}
	}
	return &apierrors.StatusError{ErrStatus: status}
}

// withoutValues takes values out of a text.
func withoutValues(text string, values []string) string {
	for _, v := range values {
		text = replaceWord(text, v, "<masked>")
	}
	return text
}

// markedValues are the values of an item that rules mark, as they can stand in
// a sentence, the longest first.
func markedValues(it *planItem) []string {
	var out []string
	add := func(s string) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, r := range it.marks {
		for _, side := range []map[string]any{it.object.Fields, it.live} {
			clone, _ := cloneValue(side).(map[string]any)
			fieldrule.Rewrite(clone, it.object.ID.Kind, r, func(v any) any {
				text := scalarText(v)
				quoted := strconv.Quote(text)
				add(text)
				add(quoted[1 : len(quoted)-1])
				if b, err := json.Marshal(text); err == nil {
					add(strings.Trim(string(b), `"`))
				}
				add(base64.StdEncoding.EncodeToString([]byte(text)))
				return v
			})
		}
	}
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}

// replaceWord replaces a text where it stands by itself: the value 1 is not the
// 1 in 15.
func replaceWord(text, word, by string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, word)
		if i < 0 {
			return b.String() + text
		}
		rest := text[i+len(word):]
		inWord := len(word) < shortWord && (i > 0 && isWord(text[i-1]) || rest != "" && isWord(rest[0]))
		b.WriteString(text[:i])
		if inWord {
			b.WriteString(word)
		} else {
			b.WriteString(by)
		}
		text = rest
	}
}

// shortWord is from how long on a text is not part of another by chance.
const shortWord = 6

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
