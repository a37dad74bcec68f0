package main

import (
	"reflect"
	"testing"

	"github.com/fairtide-dev/fairtide/model"
)

// A kind without its group is judged by the rules that name it with one, too:
// else a freeze of StatefulSet.apps would not hold --kind StatefulSet.
func TestAKindWithoutGroupIsOfThoseThatRulesName(t *testing.T) {
	t.Parallel()
	env := model.Environment{Namespace: "shop", Windows: []model.WindowRule{{Scope: model.WindowScope{Kinds: []string{"StatefulSet.apps", "Deployment"}}}}}
	got := windowAsk{kinds: []string{"statefulset", "Deployment", "StatefulSet.other"}}.subjects(env)
	want := []model.WindowSubject{
		{Group: "apps", Kind: "statefulset", Namespace: "shop"},
		{Kind: "Deployment", Namespace: "shop"},
		{Group: "other", Kind: "StatefulSet", Namespace: "shop"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if err := (windowAsk{risks: []string{"deletes-data"}}).known(); err != nil {
		t.Error(err)
	}
	err := windowAsk{risks: []string{"delete-data"}}.known()
	if model.CodeOf(err, 0) != model.ExitUsage || err.Error() != `--risk: no risk is called "delete-data"; did you mean "deletes-data"?` {
		t.Error(err)
	}
}
