package model

// ChangeDetail is all there is to say about one change. Secret values in it
// are masked.
type ChangeDetail struct {
	Change
	// AllFiles are the files the commit touches, inputs or not, by path.
	AllFiles []FileStat `json:"allFiles"`
	// MoreFiles is how many it touches beyond those listed.
	MoreFiles int `json:"moreFiles,omitempty"`
	// Details are how the render differs from its parent's, sorted by object,
	// one for each of Objects.
	Details []ObjectDetail `json:"details"`
}

// FileStatus says what a commit does to a file.
type FileStatus string

// The states of a file.
const (
	FileAdded    FileStatus = "added"
	FileModified FileStatus = "modified"
	FileDeleted  FileStatus = "deleted"
	FileRenamed  FileStatus = "renamed" // with its content as it was; From says from where
)

// FileStat is a file that a commit touches, compared with its first parent.
type FileStat struct {
	Path   string     `json:"path"`
	From   string     `json:"from,omitempty"` // of a renamed one
	Status FileStatus `json:"status"`
	Input  bool       `json:"input"` // the environment's render reads it
}

// ObjectDetail is one object whose render a change creates, updates or
// removes, with both renders as YAML.
type ObjectDetail struct {
	ChangedObject
	Before string `json:"before,omitempty"` // as the parent renders it; empty: it does not
	After  string `json:"after,omitempty"`  // as the commit renders it; empty: it does not
	Diff   string `json:"diff,omitempty"`   // unified
	Source Source `json:"source"`           // where it is written: in the commit, or for a deleted one in the parent
	// Omitted is set when the texts are left out, as all of them together are
	// too long.
	Omitted bool `json:"omitted,omitempty"`
}
