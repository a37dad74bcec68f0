package sample

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
)

// tree is a state of the repository: contents by path.
type tree map[string]string

// edit is one thing a commit does to a tree.
type edit struct {
	commit int // which commit of the change, from 1
	verb   string
	path   string
	text   string
}

// change is a change as it is written down in a txtar archive: header lines
// "Key: value", an empty line and a body before the first file; the files are
// edits, named "COMMIT VERB PATH". The verbs are "write" (the whole file),
// "remove", and "edit" (hunks of lines that begin with a space, - or +, with
// a line "@@" between them, as in a unified diff without numbers).
type change struct {
	name, title, body string
	pr                int
	author, coauthor  string
	mergedBy          string
	ago               time.Duration // before the end of the history
	style             string        // squash, merge or direct
	branch            string        // of a merge
	commits           []string      // titles of a merge's commits
	live              []string      // environments in which it is the deployed commit
	edits             []edit
}

func parseChange(file string, data []byte) (change, error) {
	archive := txtar.Parse(data)
	header, body, _ := strings.Cut(string(archive.Comment), "\n\n")
	c := change{body: strings.TrimSpace(body)}
	for line := range strings.Lines(header) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if err := c.set(key, value); err != nil {
			return change{}, fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, f := range archive.Files {
		parts := strings.Fields(f.Name)
		if len(parts) != 3 {
			return change{}, fmt.Errorf("%s: %q is not COMMIT VERB PATH", file, f.Name)
		}
		n, err := strconv.Atoi(parts[0])
		if err != nil || n < 1 || n > max(1, len(c.commits)) {
			return change{}, fmt.Errorf("%s: %q names no commit of the change", file, f.Name)
		}
		c.edits = append(c.edits, edit{commit: n, verb: parts[1], path: parts[2], text: string(f.Data)})
	}
	if c.name == "" || c.title == "" || c.author == "" || len(c.edits) == 0 {
		return change{}, fmt.Errorf("%s: Name, Title, Author and an edit are needed", file)
	}
	if (c.style == "merge") != (len(c.commits) > 0) || (c.style == "direct") != (c.pr == 0) {
		return change{}, fmt.Errorf("%s: Style %q does not go with its commits or its PR", file, c.style)
	}
	return c, nil
}

func (c *change) set(key, value string) (err error) {
	switch key {
	case "Name":
		c.name = value
	case "Title":
		c.title = value
	case "PR":
		c.pr, err = strconv.Atoi(value)
	case "Author":
		c.author = value
	case "Co-Author":
		c.coauthor = value
	case "Merged-By":
		c.mergedBy = value
	case "Ago":
		c.ago, err = time.ParseDuration(value)
	case "Style":
		c.style = value
	case "Branch":
		c.branch = value
	case "Commit":
		c.commits = append(c.commits, value)
	case "Live":
		c.live = strings.Fields(value)
	default:
		err = fmt.Errorf("unknown header %q", key)
	}
	return err
}

// message is the commit's message as a forge writes it.
func (c *change) message() string {
	var paragraphs []string
	if c.style == "merge" {
		paragraphs = append(paragraphs, fmt.Sprintf("Merge pull request #%d from petstore/%s", c.pr, c.branch), c.title)
	} else if c.pr > 0 {
		paragraphs = append(paragraphs, fmt.Sprintf("%s (#%d)", c.title, c.pr))
	} else {
		paragraphs = append(paragraphs, c.title)
	}
	if c.body != "" {
		paragraphs = append(paragraphs, c.body)
	}
	if c.coauthor != "" {
		paragraphs = append(paragraphs, "Co-authored-by: "+identity(c.coauthor))
	}
	return strings.Join(paragraphs, "\n\n") + "\n"
}

// apply does the edits of one commit, or of all if it is 0, to a copy of t.
func (c *change) apply(t tree, commit int) (tree, error) {
	t = maps.Clone(t)
	for _, e := range c.edits {
		if commit != 0 && e.commit != commit {
			continue
		}
		old, exists := t[e.path]
		switch {
		case e.verb == "write" && !exists:
			t[e.path] = e.text
		case e.verb == "remove" && exists:
			delete(t, e.path)
		case e.verb == "edit" && exists:
			text, err := patch(old, e.text)
			if err != nil {
				return nil, fmt.Errorf("change %s: %s: %w", c.name, e.path, err)
			}
			t[e.path] = text
		default:
			return nil, fmt.Errorf("change %s: cannot %s %s (exists: %t)", c.name, e.verb, e.path, exists)
		}
	}
	return t, nil
}

// patch does the hunks to a text. The lines a hunk replaces must occur exactly once.
func patch(text, hunks string) (string, error) {
	for _, hunk := range strings.Split("\n"+hunks, "\n@@\n") {
		var from, to strings.Builder
		for line := range strings.Lines(strings.TrimPrefix(hunk, "\n")) {
			line = strings.TrimSuffix(line, "\n") + "\n"
			switch line[0] {
			case ' ':
				from.WriteString(line[1:])
				to.WriteString(line[1:])
			case '-':
				from.WriteString(line[1:])
			case '+':
				to.WriteString(line[1:])
			default:
				return "", fmt.Errorf("hunk line %q begins with none of space, - and +", line)
			}
		}
		// Whole lines only: a line must not match the end of a longer one.
		before, after, found := strings.Cut("\n"+text, "\n"+from.String())
		if from.Len() == 0 || !found || strings.Contains("\n"+after, "\n"+from.String()) {
			return "", fmt.Errorf("hunk does not match exactly once:\n%s", hunk)
		}
		text = strings.TrimPrefix(before+"\n"+to.String()+after, "\n")
	}
	return text, nil
}

// identity is a name and address in Git's form.
func identity(name string) string { return name + " <" + name + "@petstore.example>" }
