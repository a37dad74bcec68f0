package repo

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

// cacheForm is raised when the same content gives another render, or is kept
// in another form, and nothing else of toolVersion says so.
const cacheForm = 1

// toolVersion names the program as far as what it keeps in the cache depends on
// it: its own version, Go's and those of all modules in it, of which kustomize
// and helm make the renders. A build that is no release is told from others by
// its file. Empty: it cannot be told, and nothing may be kept.
func toolVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	name, err := os.Executable()
	if err != nil {
		name = ""
	}
	return versionOf(info, name)
}

func versionOf(info *debug.BuildInfo, executable string) string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%d %s %s %s\n", cacheForm, info.GoVersion, info.Main.Path, info.Main.Version) // a hash takes all
	for _, m := range info.Deps {
		for ; m != nil; m = m.Replace {
			_, _ = fmt.Fprintf(sum, "%s %s %s\n", m.Path, m.Version, m.Sum)
		}
	}
	if !released(info) {
		file, err := os.Stat(executable)
		if err != nil {
			return ""
		}
		_, _ = fmt.Fprintf(sum, "%d %d\n", file.Size(), file.ModTime().UnixNano())
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// released reports whether the version says all about the program's own code:
// not that of a build from changed files, or from files of no known commit.
func released(info *debug.BuildInfo) bool {
	if v := info.Main.Version; v == "" || v == "(devel)" || strings.Contains(v, "+dirty") || info.Main.Replace != nil {
		return false
	}
	for _, m := range info.Deps {
		if m.Replace != nil && m.Replace.Version == "" {
			return false // a directory takes its place
		}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.modified" && s.Value != "false" {
			return false
		}
	}
	return true
}
