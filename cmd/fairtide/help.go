package main

import (
	"embed"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/internal/config"
	"github.com/fairtide-dev/fairtide/model"
)

//go:embed topics/*.md
var topics embed.FS

// helpCommand shows a command's help or a topic's text.
func (p *program) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "Help for a command, or a topic: " + strings.Join(topicNames(), ", "),
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			if text, err := topics.ReadFile("topics/" + args[0] + ".md"); err == nil {
				_, err = p.stdout.Write(text)
				if err != nil || args[0] != keysTopic {
					return err
				}
				return p.printKeys()
			}
			if c, _, err := root.Find(args); err == nil && c != root {
				return c.Help()
			}
			return model.Errorf(model.ExitUsage, "no command and no topic is called %q%s; the topics are %s",
				args[0], didYouMean(args[0], root), strings.Join(topicNames(), ", "))
		},
	}
}

// keysTopic is the topic that ends with the keys as they are configured.
const keysTopic = "keys"

func topicNames() []string {
	entries, err := topics.ReadDir("topics")
	if err != nil {
		return nil // the files are part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".md"))
	}
	return names
}

func didYouMean(word string, root *cobra.Command) string {
	known := topicNames()
	for _, c := range root.Commands() {
		known = append(known, c.Name())
	}
	if s := config.Suggest(word, known); s != "" {
		return fmt.Sprintf(" (did you mean %s?)", s)
	}
	return ""
}
