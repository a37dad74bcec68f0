package cluster

import (
	"bufio"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestLabelValue(t *testing.T) {
	for text, want := range map[string]string{
		"smoke": "smoke", "front page": "front-page", "-a-": "a", "é": "", "": "", strings.Repeat("a", 80): strings.Repeat("a", 63),
		strings.Repeat("a", 62) + "..b": strings.Repeat("a", 62),
	} {
		if got := labelValue(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestLastFailure(t *testing.T) {
	end := func(minute int, code int32, message string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: code, Message: message, FinishedAt: metav1.NewTime(time.Date(2026, 5, 4, 10, minute, 0, 0, time.UTC)),
		}}
	}
	pod := func(name string, status corev1.PodStatus) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Status: status,
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}, {Name: "side"}}},
		}
	}
	ended := func(name string, main, side corev1.ContainerState) *corev1.Pod {
		return pod(name, corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{
			{Name: "main", State: main}, {Name: "side", State: side},
		}})
	}
	for _, c := range []struct {
		name string
		pods []*corev1.Pod
		want string
	}{
		{"none", nil, ""},
		{"good", []*corev1.Pod{ended("a", end(1, 0, "all is well"), end(2, 0, ""))}, ""},
		{"one of two containers", []*corev1.Pod{ended("a", end(1, 3, ""), end(2, 0, ""))}, "container main of pod a: exit code 3"},
		{"the last one counts", []*corev1.Pod{ended("b", end(5, 1, ""), end(2, 0, "")), ended("a", end(1, 3, ""), end(6, 137, ""))}, "container side of pod a: exit code 137 (SIGKILL)"},
		{"with its words", []*corev1.Pod{ended("a", end(1, 3, "cart\x1b[2J is\nempty "), end(2, 0, ""))}, "container main of pod a: exit code 3, and says: cart is empty"},
		{"evicted", []*corev1.Pod{pod("a", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "no disk"})}, "pod a failed: Evicted: no disk; see to the node, or set requests for what it ran out of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lastFailure(c.pods); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestReadLine(t *testing.T) {
	in := bufio.NewReaderSize(strings.NewReader("one\n"+strings.Repeat("x", 100)+"\ntwo\nhalf"), 16)
	var got []string
	for {
		line, err := readLine(in)
		if len(line) > 0 {
			got = append(got, string(line))
		}
		if err != nil {
			break
		}
	}
	if want := []string{"one\n", strings.Repeat("x", 16), "two\n", "half"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// However a log is cut and read again from the second of the last line on, each
// line is told once.
func FuzzLogIsToldOnce(f *testing.F) {
	f.Add([]byte{0, 0, 1, 9, 0, 200, 0}, []byte{3, 5})
	f.Add([]byte{0, 0, 0, 0}, []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, steps, cuts []byte) {
		steps, cuts = steps[:min(len(steps), 60)], cuts[:min(len(cuts), 20)]
		at := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
		type written struct {
			at   time.Time
			text string
		}
		var all []written
		for i, s := range steps {
			at = at.Add(time.Duration(s) * 10 * time.Millisecond)
			all = append(all, written{at, strings.Repeat("x", i+1)})
		}
		var got []string
		follower := &logFollower{j: &jobRun{log: func(_, _, line string) { got = append(got, line) }}}
		for i := 0; i <= len(cuts); i++ {
			end := len(all)
			if i < len(cuts) {
				end = min(int(cuts[i]), len(all))
			}
			again := resumption{last: follower.last, same: follower.same}
			for _, l := range all[:end] {
				if !l.at.Before(follower.last.Truncate(time.Second)) {
					follower.take(&again, []byte(l.at.Format(time.RFC3339Nano)+" "+l.text))
				}
			}
		}
		if len(got) != len(all) {
			t.Fatalf("%d of %d lines", len(got), len(all))
		}
		for i, l := range all {
			if got[i] != l.text {
				t.Fatalf("line %d has %d characters", i, len(got[i]))
			}
		}
	})
}
