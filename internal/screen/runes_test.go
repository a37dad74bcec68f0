package screen

import "testing"

func TestWhole(t *testing.T) {
	const text = "a─é日👍z"
	for end := range len(text) + 1 {
		var got []byte
		var rest []byte
		for _, part := range []string{text[:end], text[end:]} {
			rest = append(rest, part...)
			n := Whole(rest)
			got = append(got, rest[:n]...)
			for i, r := range string(rest[:n]) {
				if r == '\uFFFD' {
					t.Errorf("cut at %d: byte %d of %q is no character", end, i, rest[:n])
				}
			}
			rest = append([]byte(nil), rest[n:]...)
		}
		if string(got) != text || len(rest) > 0 {
			t.Errorf("cut at %d: got %q, and %q is left", end, got, rest)
		}
	}
	if n := Whole([]byte("\xff\x80\x80\x80")); n != 4 {
		t.Errorf("of what is no text %d bytes are taken, want all", n)
	}
}
