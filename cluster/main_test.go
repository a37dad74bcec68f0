package cluster

import (
	"os"
	"testing"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
)

// limitedUser has no permissions but those a test grants.
const limitedUser = "limited"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Getenv(compareVariable) != "" {
		os.Exit(compareSides(os.Args[1], os.Args[2])) //nolint:forbidigo // kubectl reads the exit code
	}
	if os.Getenv(sleeperVariable) != "" {
		os.Exit(sleeper()) //nolint:forbidigo // its parent reads the exit code
	}
	SilenceLibraries() // disturbed servers make client-go talk
	testcluster.Main(m, testcluster.WithUser(limitedUser, "limited"))
}
