package sample

import (
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/model"
)

func TestPipeline(t *testing.T) {
	r := build(t, Options{Pipeline: true, Slack: "http://127.0.0.1:4000/api", Suffix: "7"})
	cfg, err := config.Parse(configFile, []byte(output(t, r.Dir, "show", "HEAD:"+configFile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, env := range cfg.Environments {
		var want model.Requirements
		tests := 0
		if env.Name != "dev" {
			want, tests = model.Requirements{Approvals: 1, Checks: true}, 2
		}
		if env.Requires != want || len(env.Tests) != tests {
			t.Errorf("%s requires %+v and has %d tests", env.Name, env.Requires, len(env.Tests))
		}
		for _, test := range env.Tests {
			if test.HTTP != nil && !strings.HasPrefix(test.HTTP.Service, env.Namespace+"/") {
				t.Errorf("%s asks %s, which is not in %s", env.Name, test.HTTP.Service, env.Namespace)
			}
			if test.Job != nil {
				output(t, r.Dir, "cat-file", "-e", r.Base+":"+test.Job.Path)
			}
		}
	}
	if cfg.Notify.Slack == nil || cfg.Notify.Slack.Channel != "#deploys" || cfg.Notify.Slack.APIURL != "http://127.0.0.1:4000/api" {
		t.Errorf("notify: %+v", cfg.Notify.Slack)
	}
	if len(cfg.Images) != 2 {
		t.Errorf("images: %+v", cfg.Images)
	}
	plain := output(t, build(t, Options{}).Dir, "show", "HEAD:"+configFile)
	for _, key := range []string{"requires", "tests", "notify", "images"} {
		if strings.Contains(plain, key+":") {
			t.Errorf("%s is there although nobody asked for it", key)
		}
	}
}
