package repo

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"
)

func TestToolVersion(t *testing.T) {
	exe := filepath.Join(t.TempDir(), "fairtide")
	if err := os.WriteFile(exe, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	release := func(change func(*debug.BuildInfo)) *debug.BuildInfo {
		i := &debug.BuildInfo{
			GoVersion: "go1.26", Main: debug.Module{Path: "fairtide", Version: "v1.2.3"},
			Deps: []*debug.Module{{Path: "sigs.k8s.io/kustomize/api", Version: "v0.21.2"}},
		}
		change(i)
		return i
	}
	same := func(*debug.BuildInfo) {}
	base := versionOf(release(same), exe)
	if base == "" || base != versionOf(release(same), exe) || base != versionOf(release(same), "") {
		t.Error("a release is not told by its version alone")
	}
	seen := map[string]string{base: "the release"}
	for name, change := range map[string]func(*debug.BuildInfo){
		"version":  func(i *debug.BuildInfo) { i.Main.Version = "v1.2.4" },
		"go":       func(i *debug.BuildInfo) { i.GoVersion = "go1.27" },
		"library":  func(i *debug.BuildInfo) { i.Deps[0].Version = "v0.21.3" },
		"replaced": func(i *debug.BuildInfo) { i.Deps[0].Replace = &debug.Module{Path: "fork", Version: "v1"} },
	} {
		v := versionOf(release(change), "")
		if other, double := seen[v]; v == "" || double {
			t.Errorf("%s: as %s", name, other)
		}
		seen[v] = name
	}
	for name, change := range map[string]func(*debug.BuildInfo){
		"devel":     func(i *debug.BuildInfo) { i.Main.Version = "(devel)" },
		"none":      func(i *debug.BuildInfo) { i.Main.Version = "" },
		"dirty":     func(i *debug.BuildInfo) { i.Main.Version = "v0.0.0-2026-abc+dirty" },
		"modified":  func(i *debug.BuildInfo) { i.Settings = []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}} },
		"directory": func(i *debug.BuildInfo) { i.Deps[0].Replace = &debug.Module{Path: "../fork"} },
	} {
		if v := versionOf(release(change), filepath.Join(exe, "none")); v != "" {
			t.Errorf("%s: without the program's file it is %q", name, v)
		}
		before := versionOf(release(change), exe)
		at := time.Now().Add(time.Hour)
		if err := os.Chtimes(exe, at, at); err != nil {
			t.Fatal(err)
		}
		if after := versionOf(release(change), exe); before == "" || after == before {
			t.Errorf("%s: another program has the same version %q", name, before)
		}
		if err := os.Chtimes(exe, at.Add(-time.Hour), at.Add(-2*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if toolVersion() == "" {
		t.Error("the test program has no version")
	}
}
