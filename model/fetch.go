package model

import "time"

// Fetch says how fresh is what is known of the remote repository.
type Fetch struct {
	Remote bool          // there is one; without it nothing grows old
	At     time.Time     // when it last answered, to whichever process; zero: never
	Moved  bool          // a branch is not where it was the last time
	Every  time.Duration // how often an open UI asks it; 0: never
}
