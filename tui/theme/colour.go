package theme

import (
	"image/color"
	"math"
	"strconv"

	"charm.land/lipgloss/v2"
)

// colour reads "#rrggbb" or the number of one of the 256 colours.
func colour(s string) color.Color { return lipgloss.Color(s) }

// IsColour reports whether s is a colour as the configuration writes it: #rrggbb.
func IsColour(s string) bool {
	const digits = 7
	if len(s) != digits || s[0] != '#' {
		return false
	}
	_, err := strconv.ParseUint(s[1:], 16, 32)
	return err == nil
}

// linear is a channel of sRGB as an amount of light.
func linear(c uint32) float64 {
	v := float64(c) / 0xffff
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// luminance is the relative luminance of WCAG 2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// contrast is the contrast ratio of WCAG 2, from 1 to 21.
func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// inkOn is the text colour that is read best on a background.
func inkOn(background string) string {
	const dark, light = "#101010", "#ffffff"
	if bg := colour(background); contrast(colour(dark), bg) > contrast(colour(light), bg) {
		return dark
	}
	return light
}
