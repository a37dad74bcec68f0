package kustworker

import (
	"bytes"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kustomize can note in an annotation where an object came from, but does so
// at a price: it decodes and writes the note of every object at every
// transformation, which is up to half of a build. A comment is carried along
// for nothing.

const markPrefix = "#fairtide:"

// Split cuts a resource file into its documents, where and how kustomize does
// it: empty ones and comments included. ok is false for what it does not cut.
func Split(data []byte) (docs []string, ok bool) {
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	prev := 0
	for _, loc := range separator.FindAllStringIndex(text, -1) {
		rest := strings.TrimSpace(text[loc[0]+4 : loc[1]])
		if rest != "" && rest[0] != '#' {
			return nil, false
		}
		docs = append(docs, text[prev:loc[0]]+"\n")
		prev = loc[1]
	}
	docs = append(docs, text[prev:])
	for _, d := range docs {
		// Directives, byte order marks and documents that end in the middle.
		if strings.HasPrefix(d, "%") || strings.Contains(d, "\n%") || strings.HasPrefix(d, "\ufeff") || strings.Contains("\n"+d, "\n...") {
			return nil, false
		}
	}
	return docs, true
}

var separator = regexp.MustCompile(`\n---.*\n`)

// Filled reports whether a document holds more than comments.
func Filled(doc string) bool { return start(doc) >= 0 }

// start is where the content of a document begins: behind comments, empty
// lines and a first separator. -1: it has none.
func start(doc string) int {
	at := 0
	for line := range strings.Lines(doc) {
		t := strings.TrimSpace(line)
		if t != "" && t[0] != '#' && (at > 0 || !strings.HasPrefix(line, "---")) && t != "---" {
			return at
		}
		if strings.HasPrefix(line, "---") && t != "---" && !strings.HasPrefix(strings.TrimSpace(t[3:]), "#") {
			return at // content behind the separator
		}
		at += len(line)
	}
	return -1
}

// mark writes a comment before the content of each document.
func mark(data []byte, marks []string) []byte {
	docs, ok := Split(data)
	if !ok {
		return data
	}
	var out bytes.Buffer
	n := 0
	for i, d := range docs {
		if i > 0 {
			out.WriteString("---\n")
		}
		at := start(d)
		if at < 0 {
			out.WriteString(d)
			continue
		}
		if n == len(marks) || strings.HasPrefix(d[at:], "---") {
			return data
		}
		out.WriteString(d[:at])
		if line, _, _ := strings.Cut(d[at:], "\n"); line == strings.TrimLeft(line, " \t") {
			out.WriteString(markPrefix + marks[n] + "\n")
		}
		out.WriteString(d[at:])
		n++
	}
	if n != len(marks) {
		return data
	}
	return out.Bytes()
}

// markOf finds the mark in the comments at the top of an object.
func markOf(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	comments := []string{n.HeadComment}
	for _, c := range n.Content {
		comments = append(comments, c.HeadComment, c.FootComment)
	}
	for _, c := range comments {
		if _, m, ok := strings.Cut(c, markPrefix); ok {
			m, _, _ = strings.Cut(m, "\n")
			return m
		}
	}
	return ""
}
