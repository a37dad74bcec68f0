package repo

import (
	"strings"

	"github.com/fairtide-dev/fairtide/internal/sanitize"
)

// trailer is a line such as "Co-authored-by: NAME <EMAIL>" at the end of a
// commit message.
type trailer struct{ key, value string }

// gitTrailers start lines that git itself writes. Where there is one, the last
// paragraph may hold other lines, too.
var gitTrailers = []string{"Signed-off-by: ", "(cherry picked from commit "}

// trailers reads the trailers of a commit message as `git interpret-trailers
// --parse --no-divider` does: those of the last paragraph, if it is not the
// first and all of its lines are trailers, or a quarter of them, one of which
// git wrote.
func trailers(message string) []trailer {
	lines := strings.Split(strings.TrimRight(message, " \t\r\v\f\n"), "\n")
	var out []trailer
	for _, line := range lines[trailerBlock(lines):] {
		if strings.HasPrefix(line, "#") { // what git takes for a comment
			out = append(out, trailer{}) // what follows it goes on with nothing
			continue
		}
		if line != "" && isSpace(line[0]) {
			if len(out) > 0 {
				last := &out[len(out)-1].value
				*last = strings.TrimSpace(*last + " " + strings.TrimSpace(line))
			}
			continue
		}
		if i := separator(line); i >= 1 {
			out = append(out, trailer{strings.TrimSpace(line[:i]), strings.TrimSpace(line[i+1:])})
		} else {
			out = append(out, trailer{}) // what follows a line that is no trailer does not go on with one before it
		}
	}
	return out
}

// trailerBlock is the index of the first line of the trailers; of the line
// after the last when there are none.
func trailerBlock(lines []string) int {
	title := 0
	for title < len(lines) && (strings.HasPrefix(lines[title], "#") || strings.TrimSpace(lines[title]) != "") {
		title++
	}
	ours, others, goesOn := 0, 0, 0
	recognized, blank := false, true
	for i := len(lines) - 1; i >= title; i-- {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "#"):
			others, goesOn = others+goesOn, 0
		case strings.TrimSpace(line) == "":
			if blank {
				continue
			}
			others += goesOn
			if recognized && ours*3 >= others || ours > 0 && others == 0 {
				return i + 1
			}
			return len(lines)
		case strings.HasPrefix(line, gitTrailers[0]) || strings.HasPrefix(line, gitTrailers[1]):
			ours, goesOn, recognized, blank = ours+1, 0, true, false
		case isSpace(line[0]):
			goesOn, blank = goesOn+1, false
		case separator(line) >= 1:
			ours, goesOn, blank = ours+1, 0, false
		default:
			others, goesOn, blank = others+1+goesOn, 0, false
		}
	}
	return len(lines)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }

// separator is the index of the colon that ends a trailer's key; -1 without one.
func separator(line string) int {
	spaced := false
	for i := range len(line) {
		c := line[i]
		switch {
		case c == ':':
			return i
		case !spaced && (c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'):
		case i > 0 && (c == ' ' || c == '\t'):
			spaced = true
		default:
			return -1
		}
	}
	return -1
}

// coAuthors are those whom a commit message names besides its author, each
// once, as "NAME <EMAIL>".
func coAuthors(message, author string) []string {
	seen := map[string]bool{"": true, identity(author): true}
	var out []string
	for _, t := range trailers(message) {
		if !strings.EqualFold(t.key, "Co-authored-by") {
			continue
		}
		who := strings.Join(strings.Fields(sanitize.Line(t.value)), " ")
		if id := identity(who); !seen[id] {
			seen[id] = true
			out = append(out, who)
		}
	}
	return out
}

// identity tells people apart: by their address where there is one.
func identity(who string) string {
	if i := strings.LastIndexByte(who, '<'); i >= 0 {
		if address, _, ok := strings.Cut(who[i+1:], ">"); ok && strings.TrimSpace(address) != "" {
			who = address
		}
	}
	return strings.ToLower(strings.TrimSpace(who))
}

// person is how somebody is named in full.
func person(name, email string) string {
	return strings.Join(strings.Fields(sanitize.Line(name+" <"+email+">")), " ")
}
