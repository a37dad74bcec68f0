package model

// Tier says how careful the tool has to be with an environment.
type Tier string

// The tiers, from the least to the most careful.
const (
	TierDevelopment Tier = "development"
	TierStaging     Tier = "staging"
	TierProduction  Tier = "production"
)

// Tiers lists every tier in ascending order of care.
var Tiers = [...]Tier{TierDevelopment, TierStaging, TierProduction}

// DeployMode says who starts an apply.
type DeployMode string

// The deploy modes.
const (
	DeployConfirm DeployMode = "confirm" // an operator confirms each plan
	DeployAuto    DeployMode = "auto"    // `fairtide run` applies inside the window
)

// Environment is a place changes are deployed to: a Git source, a cluster and
// the policy that governs what may happen between them.
type Environment struct {
	Name      string
	Tier      Tier
	Branch    string // empty: the repository's default branch
	Path      string // slash-separated, relative to the repository's root; "." is the root
	Context   string // kubeconfig context; empty: the current one
	Namespace string // for objects that name none; empty: "default"
	Deploy    DeployMode
	Windows   []WindowRule
	Override  OverridePolicy
	Prune     PrunePolicy
	Requires  Requirements
	Tests     []Test
	Sandbox   Sandbox
}

// OverridePolicy says whether a window may be overridden with a reason.
type OverridePolicy struct {
	Allowed bool
}

// PrunePolicy says whether objects that left the render are deleted, and how
// many at once at most. A plan that would delete more than Max is refused.
type PrunePolicy struct {
	Enabled bool
	Max     int
}

// DefaultPruneMax is the prune cap of an environment that sets none.
const DefaultPruneMax = 10

// Config is everything `.fairtide.yaml` says.
type Config struct {
	StateNamespace string
	Environments   []Environment
	Images         []ImagePolicy // the first that matches counts
	Notify         Notify
}

// DefaultStateNamespace is where records and locks live unless configured.
const DefaultStateNamespace = "fairtide"

// Environment returns the environment called name.
func (c Config) Environment(name string) (Environment, bool) {
	for _, e := range c.Environments {
		if e.Name == name {
			return e, true
		}
	}
	return Environment{}, false
}
