package chart

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func request(templates map[string]string, values string) Request {
	q := Request{
		Dir: "charts/x", Release: "r", Namespace: "n", KubeVersion: "v1.37.1",
		Limits: Limits{Bytes: 1 << 20, Entries: 100, Output: 1 << 20},
		Files:  []File{{Name: "Chart.yaml", Path: "charts/x/Chart.yaml", Data: []byte("apiVersion: v2\nname: x\nversion: 1.0.0\n")}},
		Values: []File{{Name: "v.yaml", Path: "v.yaml", Data: []byte(values)}},
	}
	for name, text := range templates {
		q.Files = append(q.Files, File{Name: "templates/" + name, Path: "charts/x/templates/" + name, Data: []byte(text)})
	}
	return q
}

func TestWorkerSurvivesWhatItRenders(t *testing.T) {
	var w Worker
	defer w.Close()
	good := request(map[string]string{"a.yaml": "a: {{ .Values.b }}"}, "b: c\n")
	check := func(when string) {
		t.Helper()
		res, err := w.Render(t.Context(), good)
		if err != nil || res.Problem != "" || len(res.Documents) != 1 || res.Documents[0].Text != "a: c" {
			t.Fatalf("%s: got %+v, %v", when, res, err)
		}
	}
	check("first")
	pid := w.child.cmd.Process.Pid
	check("second")
	if w.child.cmd.Process.Pid != pid {
		t.Error("each render has a process of its own")
	}

	res, err := w.Render(t.Context(), request(map[string]string{"a.yaml": `{{ repeat 5000000000 "x" }}`}, ""))
	if err != nil || !strings.Contains(res.Problem, "needs more memory") {
		t.Errorf("memory: got %+v, %v", res, err)
	}
	check("after memory")

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = w.Render(ctx, request(map[string]string{"a.yaml": `{{ range 100000000000000 }}{{ end }}`}, ""))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("time: got %v", err)
	}
	check("after time")

	var deep strings.Builder // more levels than the stack has room for
	for i := range 2000 {
		fmt.Fprintf(&deep, `{{ define "t%d" }}{{ include "t%d" . }}{{ end }}`, i, (i+1)%2000)
	}
	res, err = w.Render(t.Context(), request(map[string]string{"a.yaml": deep.String() + `{{ include "t0" . }}`}, ""))
	if err != nil || res.Problem == "" {
		t.Errorf("recursion: got %+v, %v", res, err)
	}
	check("after recursion")

	if err := w.child.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if res, err = w.Render(t.Context(), good); err != nil || res.Problem == "" && len(res.Documents) != 1 {
		t.Errorf("killed: got %+v, %v", res, err)
	}
	check("after a kill")
	w.Close()
	check("after closing")

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Render(gone, good); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestLimits(t *testing.T) {
	many := request(nil, "")
	for i := range 101 {
		many.Files = append(many.Files, File{Name: fmt.Sprintf("f%d", i)})
	}
	large := request(nil, "")
	large.Files = append(large.Files, File{Name: "f", Data: make([]byte, 1<<20)})
	for want, q := range map[string]Request{
		"more than the limit of 100 files":             many,
		"larger than the limit of 1048576 bytes":       large,
		"renders more than the limit of 1048576 bytes": request(map[string]string{"a.yaml": `a: {{ repeat 1048576 "x" }}`}, ""),
	} {
		res, err := Render(t.Context(), q)
		if err != nil || !strings.Contains(res.Problem, want) {
			t.Errorf("got %+v, %v, want %q", res.Problem, err, want)
		}
	}
}

func TestMessagesHoldNoValues(t *testing.T) {
	const values = "password: hunter2-secret\nnumber: 987654321\nmany: |\n  first-line-secret\n  second-line-secret\nlist: [in-a-list]\n"
	for _, template := range []string{
		`{{ fail .Values.password }}`,
		`{{ fail (.Values.password | b64enc) }}`,
		`{{ fail (.Values | toJson) }}`,
		`{{ fail (.Values | toYaml) }}`,
		`{{ fail (index .Values.list 0) }}`,
		`{{ required .Values.password nil }}`,
		`{{ .Values.password.x }}`,
		`{{ index .Values.list "x" }}`,
		`{{ tpl (printf "%s {{ if }}" .Values.password) . }}`,
		`{{ tpl (printf "%q {{ fail \"x\" }}" .Values.password) . }}`,
		`{{ include .Values.password . }}`,
		`{{ template "x" .Values.many }}`,
		`{{ mustFromJson .Values.password }}`,
		`{{ fail (printf "%s" (.Values.number | int64)) }}`,
		`{{ mustToDate "2006" .Values.password }}`,
		"{{ .Values.password }}: [",
	} {
		res, err := Render(t.Context(), request(map[string]string{"a.yaml": template}, values))
		if err != nil || res.Problem == "" {
			t.Errorf("%s: got %+v, %v", template, res, err)
		}
		for _, secret := range []string{"hunter2", "aHVudGVy", "987654321", "line-secret", "in-a-list"} {
			if strings.Contains(res.Problem, secret) {
				t.Errorf("%s: %q is in %q", template, secret, res.Problem)
			}
		}
	}
}

func TestIgnore(t *testing.T) {
	rules, err := ParseIgnore([]byte("*.bak\n/top\ndir/\n!keep\n"))
	if err != nil {
		t.Fatal(err)
	}
	if none, err := ParseIgnore(nil); err != nil || none.Match("a", false) || !none.Match("templates/.x", false) {
		t.Errorf("without rules: %v", err)
	}
	if !rules.Match("a/b.bak", false) || !rules.Match("top", false) || !rules.Match("a/dir", true) {
		t.Error("what is listed is not left out")
	}
	if _, err := ParseIgnore([]byte("a/**/b")); err == nil {
		t.Error("** is taken")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("hello"), "charts/a.tgz")
	f.Add([]byte{0x1f, 0x8b, 8, 0}, "charts/a/charts/b.tgz")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		c := &collector{dir: "x", limits: Limits{Bytes: 1 << 20, Entries: 50}, names: map[string]bool{}}
		if err := c.add(name, data, origin{path: name}, 0); err != nil {
			var p *problem
			if !errors.As(err, &p) {
				t.Errorf("got %v", err)
			}
			return
		}
		for _, file := range c.files {
			if file.Name != name && (strings.Contains(file.Name, "../") || !strings.HasPrefix(file.Name, name+".d/")) {
				t.Errorf("%q became %q", name, file.Name)
			}
		}
	})
}
