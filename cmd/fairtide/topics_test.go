package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/fairtide-dev/fairtide/internal/config"
)

// commandLine is fairtide with its arguments, in text or in a block of code.
var commandLine = regexp.MustCompile("(?m)(?:^ {4}|`)fairtide((?: [^`#\n]+)?)")

// Every topic is listed by the help, can be read there, and names only
// commands, flags and topics that exist.
func TestTopics(t *testing.T) {
	root := (&program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}).rootCommand()
	root.InitDefaultHelpCmd() // otherwise done when a command is executed
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		t.Fatal(err)
	}
	names := topicNames()
	if len(names) < 3 {
		t.Fatalf("topics: %v", names)
	}
	for _, name := range names {
		if !strings.Contains(help.Short, name) {
			t.Errorf("topic %s is not listed: %s", name, help.Short)
		}
		text, err := topics.ReadFile("topics/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# ") || len(text) < 500 {
			t.Errorf("topic %s has no title or says nothing: %q", name, text)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if n := len([]rune(line)); n > 100 {
				t.Errorf("topic %s, line %d is %d characters wide: %s", name, i+1, n, line)
			}
		}
		found := commandLine.FindAllStringSubmatch(string(text), -1)
		if len(found) < 3 {
			t.Errorf("topic %s names %d commands; the check has seen nothing", name, len(found))
		}
		for _, m := range found {
			checkCommandLine(t, name, strings.Fields(m[1]))
		}
	}
}

func checkCommandLine(t *testing.T, topic string, words []string) {
	t.Helper()
	if len(words) == 0 {
		return // the UI
	}
	root := (&program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}).rootCommand()
	root.InitDefaultHelpCmd()
	c, _, err := root.Find(words[:1])
	if err != nil || c == root {
		t.Errorf("topic %s: `fairtide %s`: there is no such command", topic, strings.Join(words, " "))
		return
	}
	if c.Name() == "help" && len(words) > 1 {
		if _, err := topics.ReadFile("topics/" + words[1] + ".md"); err != nil {
			t.Errorf("topic %s: there is no topic %s", topic, words[1])
		}
		return
	}
	for _, w := range words[1:] {
		name, ok := strings.CutPrefix(w, "--")
		if !ok {
			if name, ok = strings.CutPrefix(w, "-"); !ok {
				continue
			}
		}
		name, _, _ = strings.Cut(name, "=")
		var f *pflag.Flag
		for _, set := range []*pflag.FlagSet{c.Flags(), root.PersistentFlags()} {
			if f == nil && len(name) == 1 {
				f = set.ShorthandLookup(name)
			} else if f == nil {
				f = set.Lookup(name)
			}
		}
		if f == nil {
			t.Errorf("topic %s: `fairtide %s`: there is no flag %s", topic, strings.Join(words, " "), w)
		}
	}
}

// The configuration that the README shows is one.
func TestREADMEConfiguration(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(data), "```yaml\n")
	block, _, ok2 := strings.Cut(block, "```\n")
	if !ok || !ok2 {
		t.Fatal("the README shows no configuration")
	}
	cfg, err := config.Parse(".fairtide.yaml", []byte(block))
	if err != nil {
		t.Fatal(err)
	}
	env := cfg.Environments[0]
	if len(env.Tests) != 3 || env.Requires.Approvals != 1 || cfg.Notify.Slack == nil || len(cfg.Images) == 0 || env.Sandbox.Namespace == "" {
		t.Errorf("it does not show everything: %+v", cfg)
	}
}
