package screen

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"unicode/utf8"

	"github.com/hinshun/vt10x"
)

// Cell geometry of a picture, in pixels. The font is whatever monospaced one
// the viewer has; every run of text is stretched to the cells it covers.
const (
	cellWidth  = 8.4
	cellHeight = 18
	fontSize   = 14
	margin     = 12
)

// The first 16 colours, and those of text and background that set none.
var (
	palette = [16]string{
		"#1d1f21", "#e06c75", "#8fae3f", "#d7a650", "#6a9fd4", "#b294bb", "#5fb3b3", "#c5c8c6",
		"#7f868e", "#ff7b72", "#a8cc4f", "#f0c674", "#81b8f0", "#d2a8ff", "#70d0d0", "#ffffff",
	}
	foreground, background = "#d4d7d9", "#16181a"
)

// Attribute bits of a vt10x glyph, which the package does not export.
const (
	attrUnderline = 1 << 1
	attrBold      = 1 << 2
	attrItalic    = 1 << 4
	attrFaint     = 1 << 5 // blink, which faintFilter puts in faint's place
)

// SVG is a picture of the screen.
func (t *Terminal) SVG() []byte {
	t.vt.Lock()
	defer t.vt.Unlock()
	cols, rows := t.size.cols, t.size.rows
	w, h := float64(cols)*cellWidth+2*margin, float64(rows)*cellHeight+2*margin
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %[1]f %[2]f">`+"\n", w, h)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", background)
	fmt.Fprintf(&out, `<g font-family="ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',monospace" font-size="%d" xml:space="preserve">`+"\n", fontSize)
	for y := range rows {
		for x := 0; x < cols; {
			x = drawRun(&out, t.vt, x, y, cols)
		}
	}
	out.WriteString("</g>\n</svg>\n")
	return out.Bytes()
}

// drawRun draws the cells from x on that look alike, and returns the next x.
func drawRun(out *bytes.Buffer, vt vt10x.View, x, y, cols int) int {
	first := vt.Cell(x, y)
	var text strings.Builder
	end := x
	for ; end < cols; end++ {
		c := vt.Cell(end, y)
		if c.FG != first.FG || c.BG != first.BG || c.Mode != first.Mode {
			break
		}
		r := c.Char
		if r == 0 {
			r = ' '
		}
		text.WriteRune(r)
	}
	left, top := margin+float64(x)*cellWidth, margin+float64(y)*cellHeight
	width := float64(end-x) * cellWidth
	if bg := colour(first.BG, background); bg != background {
		fmt.Fprintf(out, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>`+"\n", left, top, width, cellHeight, bg)
	}
	s := text.String()
	if trimmed := strings.TrimRight(s, " "); trimmed != "" {
		n := utf8.RuneCountInString(trimmed)
		fmt.Fprintf(out, `<text x="%.1f" y="%.1f" textLength="%.1f" fill="%s"%s>%s</text>`+"\n",
			left, top+cellHeight*0.74, float64(n)*cellWidth, colour(first.FG, foreground), style(first.Mode), html.EscapeString(trimmed))
	}
	return end
}

func style(mode int16) string {
	var s string
	if mode&attrBold != 0 {
		s += ` font-weight="bold"`
	}
	if mode&attrItalic != 0 {
		s += ` font-style="italic"`
	}
	if mode&attrUnderline != 0 {
		s += ` text-decoration="underline"`
	}
	if mode&attrFaint != 0 {
		s += ` opacity="0.6"`
	}
	return s
}

// colour turns a vt10x colour into a hex one. vt10x keeps the 256 indexed
// colours and 24-bit ones in the same number; below 256 it is an index.
func colour(c vt10x.Color, otherwise string) string {
	switch {
	case c == vt10x.DefaultFG:
		return foreground
	case c == vt10x.DefaultBG:
		return background
	case c < 16:
		return palette[c]
	case c < 232:
		level := func(v vt10x.Color) int {
			if v == 0 {
				return 0
			}
			return 55 + 40*int(v)
		}
		c -= 16
		return fmt.Sprintf("#%02x%02x%02x", level(c/36), level(c/6%6), level(c%6))
	case c < 256:
		v := 8 + 10*int(c-232)
		return fmt.Sprintf("#%02x%02x%02x", v, v, v)
	case c < 1<<24:
		return fmt.Sprintf("#%06x", uint32(c))
	}
	return otherwise
}
