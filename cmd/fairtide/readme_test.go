package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/fairtide-dev/fairtide/tui/action"
)

var update = flag.Bool("update", false, "rewrite the README's key table")

// The key table of the README is the one the action registry prints.
func TestREADMEKeyTable(t *testing.T) {
	const path, begin, end = "../../README.md", "<!-- keys: made by `make readme` -->\n", "<!-- /keys -->"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %s…%s", path, begin, end)
	}
	want := head + begin + "\n" + action.KeyTable() + "\n" + end + tail
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(data) != want {
		t.Error("the key table is not what the program has; run `make readme`")
	}
}

// The commands and flags that the README names exist.
func TestREADMENamesWhatExists(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	root := (&program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}).rootCommand()
	root.InitDefaultHelpCmd() // otherwise done when a command is executed
	known := map[string]bool{}
	for _, c := range root.Commands() {
		known[c.Name()] = true
	}
	named := 0
	for _, part := range strings.Split(string(data), "`fairtide ")[1:] {
		words := strings.Fields(part[:strings.IndexByte(part, '`')])
		if len(words) == 0 || words[0] == "COMMAND" {
			continue
		}
		named++
		if !known[words[0]] {
			t.Errorf("the README names `fairtide %s`, which is no command", words[0])
		}
		c, _, err := root.Find(words[:1])
		if err != nil {
			t.Error(err)
			continue
		}
		for _, w := range words[1:] {
			if name, ok := strings.CutPrefix(w, "--"); ok && c.Flags().Lookup(name) == nil && root.PersistentFlags().Lookup(name) == nil {
				t.Errorf("the README names `fairtide %s`, but --%s is no flag of it", strings.Join(words, " "), name)
			}
		}
	}
	if named < 5 {
		t.Errorf("only %d commands found in the README; the check has seen nothing", named)
	}
}
