package cluster

import (
	"testing"

	"github.com/fairtide-dev/fairtide/internal/testcluster"
)

// limitedUser has no permissions but those a test grants.
const limitedUser = "limited"

func TestMain(m *testing.M) {
	testcluster.Main(m, testcluster.WithUser(limitedUser, "limited"))
}
