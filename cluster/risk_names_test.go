package cluster

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// A rule about a risk is refused when no plan has such a risk, so all names have
// to be known.
func TestAllRiskNamesAreKnown(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.ValueSpec); ok && len(s.Values) == 1 && strings.HasPrefix(s.Names[0].Name, "risk") {
				if text, ok := s.Values[0].(*ast.BasicLit); ok && text.Kind == token.STRING && text.Value[0] == '"' {
					name, _ := strconv.Unquote(text.Value)
					used = append(used, name)
				}
			}
			return true
		})
	}
	slices.Sort(used)
	if known := model.RiskNames(); len(used) < 50 || !slices.Equal(used, known) {
		t.Errorf("the risks here are\n%q, model.RiskNames\n%q", used, known)
	}
}
