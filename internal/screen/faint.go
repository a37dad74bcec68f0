package screen

import (
	"bytes"
	"strings"
)

// faintFilter rewrites the SGR parameter for faint text (2) into the one for
// blinking (5), because vt10x knows only the latter and nothing here blinks.
// It holds back an escape sequence that is cut off at the end of a read.
type faintFilter struct{ rest []byte }

func (f *faintFilter) filter(p []byte) []byte {
	in := append(f.rest, p...)
	f.rest = nil
	var out bytes.Buffer
	for len(in) > 0 {
		i := bytes.IndexByte(in, 0x1b)
		if i < 0 {
			out.Write(in)
			break
		}
		out.Write(in[:i])
		in = in[i:]
		n, complete := csi(in)
		if !complete {
			f.rest = bytes.Clone(in)
			break
		}
		if seq := in[:n]; n > 2 && seq[n-1] == 'm' && !bytes.ContainsAny(seq, "<>?=") {
			out.WriteString("\x1b[" + blinkForFaint(string(seq[2:n-1])) + "m")
		} else {
			out.Write(seq)
		}
		in = in[n:]
	}
	return out.Bytes()
}

// csi is the length of the control sequence that p starts with (ECMA-48 5.4);
// for any other escape it is 1, so that the escape passes as it is.
func csi(p []byte) (n int, complete bool) {
	if len(p) < 2 {
		return 0, false
	}
	if p[1] != '[' {
		return 1, true
	}
	for i := 2; i < len(p); i++ {
		if p[i] >= 0x40 && p[i] <= 0x7e {
			return i + 1, true
		}
	}
	return 0, false
}

func blinkForFaint(params string) string {
	in := strings.Split(params, ";")
	var out []string
	for i := 0; i < len(in); i++ {
		switch in[i] {
		case "2":
			out = append(out, "5")
		case "22":
			out = append(out, "22", "25")
		case "38", "48", "58": // a colour's own parameters follow
			n := i + 1
			if n < len(in) && in[n] == "5" {
				n += 2
			} else if n < len(in) && in[n] == "2" {
				n += 4
			}
			n = min(n, len(in))
			if in[i] != "58" { // the underline's colour is not known to vt10x
				out = append(out, in[i:n]...)
			}
			i = n - 1
		default:
			out = append(out, in[i])
		}
	}
	return strings.Join(out, ";")
}
