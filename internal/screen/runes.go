package screen

import "unicode/utf8"

// Whole is how many bytes of what was read from a terminal are whole
// characters: a reading can end inside of one, which the emulator would lose.
func Whole(b []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		at := len(b) - back
		if utf8.RuneStart(b[at]) {
			if utf8.FullRune(b[at:]) {
				return len(b)
			}
			return at
		}
	}
	return len(b)
}
