package repo

import (
	"os"
	"path/filepath"
)

// WorkTree is the directory with the checked-out files of the clone that the
// repository was opened as. ok is false where there is none: of a URL, and of a
// bare clone.
func (r *Repo) WorkTree() (dir string, ok bool) {
	at := r.store.at
	if at.top == "" || at.top == at.gitDir {
		return "", false
	}
	if _, err := os.Lstat(filepath.Join(at.top, ".git")); err != nil {
		return "", false
	}
	return at.top, true
}
