package sim

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func read(t *testing.T, l *Log, query string) string {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	opts, err := ParseLogOptions(values, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := l.CopyTo(t.Context(), &out, func() {}, opts); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLogOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLog()
		l.Write("one\ntwo\n")
		middle := time.Now().Add(time.Second)
		<-time.After(2 * time.Second)
		l.Write("three")
		stamp := time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z")
		for query, want := range map[string]string{
			"":                            "one\ntwo\nthree\n",
			"tailLines=2":                 "two\nthree\n",
			"tailLines=0":                 "",
			"limitBytes=5":                "one\nt",
			"tailLines=1&timestamps=true": stamp + " three\n",
			"sinceSeconds=1":              "three\n",
			"sinceTime=" + url.QueryEscape(middle.Format(time.RFC3339)): "three\n",
			"sinceSeconds=5&tailLines=2":                                "two\nthree\n",
		} {
			if got := read(t, l, query); got != want {
				t.Errorf("%q gives %q, want %q", query, got, want)
			}
		}
	})
}

func TestBadLogOptions(t *testing.T) {
	for _, query := range []string{"tailLines=x", "follow=maybe", "limitBytes=", "sinceTime=yesterday", "sinceSeconds=1s"} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseLogOptions(values, time.Now()); err == nil {
			t.Errorf("%s is no error", query)
		}
	}
}

func TestFollowEndsWithTheLog(t *testing.T) {
	l := NewLog()
	l.Write("first")
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(l.CopyTo(t.Context(), w, func() {}, LogOptions{Follow: true, Tail: -1, Limit: -1}))
	}()
	buffer := make([]byte, 64)
	for _, text := range []string{"first", "second", "third"} {
		if text != "first" {
			l.Write(text)
		}
		n, err := r.Read(buffer)
		if err != nil || string(buffer[:n]) != text+"\n" {
			t.Fatalf("read %q, %v, want %q", buffer[:n], err, text)
		}
	}
	l.Close()
	l.Write("too late")
	if n, err := r.Read(buffer); err != io.EOF {
		t.Errorf("read %q, %v after the end", buffer[:n], err)
	}
}

func TestFollowEndsWithTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- NewLog().CopyTo(ctx, io.Discard, func() {}, LogOptions{Follow: true, Tail: -1, Limit: -1})
	}()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLogForgetsOldLines(t *testing.T) {
	l := NewLog()
	for i := range maxLines + 5 {
		l.Write(fmt.Sprint(i))
	}
	lines, next, _ := l.after(0)
	if len(lines) != maxLines || lines[0].text != "5" || next != maxLines+5 {
		t.Errorf("%d lines from %q, next is %d", len(lines), lines[0].text, next)
	}
	if lines, _, _ := l.after(next - 2); len(lines) != 2 {
		t.Errorf("%d lines after the last but two", len(lines))
	}
}
