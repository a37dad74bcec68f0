package kustworker

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// job is a kustomization with one file.
func job(kustomization string) Job {
	return Job{Dir: ".", Limit: time.Minute, Known: map[string]Fact{
		".":                  {State: Directory, Real: "."},
		"kustomization.yaml": {State: File, Real: "kustomization.yaml", Data: []byte(kustomization), Read: true},
		"a.yaml":             {State: File, Real: "a.yaml", Data: []byte("# of a\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"), Read: true},
	}, Marks: map[string][]string{"a.yaml": {"7"}}}
}

func nothing(string, bool) Fact { return Fact{} }

// turn reserves a child of a pool that is closed at the end of the test.
func turn(t *testing.T) *Turn {
	t.Helper()
	p := new(Pool)
	t.Cleanup(p.Close)
	w, err := p.Reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Release)
	return w
}

func TestRun(t *testing.T) {
	w := turn(t)
	for range 3 {
		got, err := w.Run(t.Context(), job("resources: [a.yaml]\nnamePrefix: p-\n"), nothing)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].Mark != "7" || !strings.Contains(string(got[0].JSON), `"name":"p-a"`) {
			t.Errorf("got %+v", got)
		}
	}
}

func TestRunAsks(t *testing.T) {
	w := turn(t)
	var asked []string
	got, err := w.Run(t.Context(), job("resources: [b.yaml]\n"), func(p string, _ bool) Fact {
		asked = append(asked, p)
		if p == "b.yaml" {
			return Fact{State: File, Real: p, Data: []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: b}\n"), Read: true}
		}
		return Fact{}
	})
	if err != nil || len(got) != 1 {
		t.Fatalf("%v %v", got, err)
	}
	if !strings.Contains(strings.Join(asked, " "), "b.yaml") {
		t.Errorf("asked for %q", asked)
	}
}

func TestRunSaysWhatKustomizeSays(t *testing.T) {
	var build *BuildError
	if _, err := turn(t).Run(t.Context(), job("resources: [missing.yaml]\n"), nothing); !errors.As(err, &build) || !strings.Contains(build.Text, "missing.yaml") {
		t.Errorf("error %v", err)
	}
}

func TestRunEndsInTime(t *testing.T) {
	w := turn(t)
	j := job("resources: [a.yaml]\n")
	j.Limit = time.Nanosecond
	if _, err := w.Run(t.Context(), j, nothing); !errors.Is(err, ErrTimeout) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.Run(ctx, job("resources: [b.yaml]\n"), func(string, bool) Fact {
		cancel()
		return Fact{}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got, err := w.Run(t.Context(), job("resources: [a.yaml]\n"), nothing); err != nil || len(got) != 1 {
		t.Errorf("after that: %v %v", got, err)
	}
}

func TestRunSurvivesTheDeathOfAChild(t *testing.T) {
	w := turn(t)
	var death *DeathError
	_, err := w.Run(t.Context(), job("resources: [b.yaml]\n"), func(string, bool) Fact {
		for _, p := range children(t) {
			if err := p.Kill(); err != nil {
				t.Error(err)
			}
		}
		return Fact{}
	})
	if runtime.GOOS == "linux" && !errors.As(err, &death) {
		t.Errorf("error %v", err)
	}
	for range 2 { // the second finds a child that died while it was idle
		if got, err := w.Run(t.Context(), job("resources: [a.yaml]\n"), nothing); err != nil || len(got) != 1 {
			t.Errorf("%v %v", got, err)
		}
		w.process.kill()
	}
}

// children are the child processes of this one.
func children(t *testing.T) []*os.Process {
	t.Helper()
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []*os.Process
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + d.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			p, err := os.FindProcess(pid)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, p)
		}
	}
	return found
}

// TestChildReachesNothing gives the child what the scan would never let through.
func TestChildReachesNothing(t *testing.T) {
	t.Setenv("TOKEN_OF_OURS", "secret")
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	w := turn(t)
	for _, far := range []string{server.URL + "/a.yaml", "https://example.com/a.yaml", "git::https://example.com/a.git", "git@example.com:a/b.git"} {
		start := time.Now()
		if _, err := w.Run(t.Context(), job("resources: ["+far+"]\n"), nothing); err == nil {
			t.Errorf("%s was built", far)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s took %s", far, took)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	pid := strconv.Itoa(w.process.cmd.Process.Pid)
	environ, err := os.ReadFile("/proc/" + pid + "/environ")
	if err != nil || strings.Contains(string(environ), "secret") || !strings.Contains(string(environ), "PATH=\x00") {
		t.Errorf("the child's environment is %q, %v", environ, err)
	}
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.Readlink("/proc/" + pid + "/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if w.pool.alone {
		t.Log("this system lets no child have a network of its own")
	} else if own == theirs || requests.Load() != 0 {
		t.Errorf("the child has our network, %d requests", requests.Load())
	}
}

func TestPoolKeepsAndEndsChildren(t *testing.T) {
	p := new(Pool)
	defer p.Close()
	p.Warm()
	if len(p.idle) == 0 {
		t.Fatal("no child is warm")
	}
	w := p.idle[0]
	p.expire(w)
	if w.cmd.ProcessState == nil {
		t.Error("an idle child lives on")
	}
	p.Close()
	if len(p.idle) != 0 {
		t.Errorf("%d children after Close", len(p.idle))
	}
	a, err := p.Reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range runtime.NumCPU() - 1 {
		if s := p.Spare(); s == nil {
			t.Error("no spare turn")
		} else {
			defer s.Release()
		}
	}
	if p.Spare() != nil {
		t.Error("more turns than processors")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Reserve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	a.Release()
}

func TestMark(t *testing.T) {
	for _, tt := range []struct{ name, in, out string }{
		{"two", "a: 1\n---\nb: 2\n", "#fairtide:0\na: 1\n---\n#fairtide:1\nb: 2\n"},
		{"noise", "# x\n---\n\n---\na: 1\n---\n# y\n\nb: 2", "# x\n---\n\n---\n#fairtide:0\na: 1\n---\n# y\n\n#fairtide:1\nb: 2"},
		{"separator first", "---\na: 1\n---\nb: 2\n", "---\n#fairtide:0\na: 1\n---\n#fairtide:1\nb: 2\n"},
		{"lines of Windows", "a: 1\r\n---\r\nb: 2\r\n", "#fairtide:0\na: 1\n---\n#fairtide:1\nb: 2\n"},
		{"not as many", "a: 1\n", "a: 1\n"},
		{"directive", "%YAML 1.2\n---\na: 1\n---\nb: 2\n", "%YAML 1.2\n---\na: 1\n---\nb: 2\n"},
		{"end marker", "a: 1\n...\n---\nb: 2\n", "a: 1\n...\n---\nb: 2\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(mark([]byte(tt.in), []string{"0", "1"})); got != tt.out {
				t.Errorf("got %q, want %q", got, tt.out)
			}
		})
	}
}

// BenchmarkStart is from nothing to the first answer of a child.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p := new(Pool)
		w, err := p.Reserve(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Run(b.Context(), job("resources: [a.yaml]\n"), nothing); err != nil {
			b.Fatal(err)
		}
		w.Release()
		p.Close()
	}
}
