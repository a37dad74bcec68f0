package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // 1-based
	Column  int    `json:"column"` // 1-based, in characters; 1 if only the line is known
	Message string `json:"message"`
}

func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems is everything that is wrong with a configuration, by line. It is
// found in the error of Parse with errors.As.
type Problems []Problem

// maxShown is how many problems an error's text lists; all are in the value.
const maxShown = 50

func (p Problems) Error() string {
	var lines []string
	for i, problem := range p {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("%s: and %d more", problem.File, len(p)-i))
			break
		}
		lines = append(lines, problem.Error())
	}
	return strings.Join(lines, "\n")
}

// sorted is what was found, by position and each once: what an alias repeats
// is wrong in one place.
func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(p)
}
