package model

import "time"

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
	Overrun   Overrun
	Rollout   RolloutPolicy
	Override  OverridePolicy
	Prune     PrunePolicy
	Requires  Requirements
	Tests     []Test
	Sandbox   Sandbox
	Helm      Helm
	Limits    Limits   // as the configuration has them for every environment
	Signers   []Signer // likewise
	Replace   ReplacePolicy
	Hide      []FieldRule // differences that are not shown
	Mask      []FieldRule // values that are not shown
}

// ReplacePolicy says whether an object may be deleted and made again when an
// immutable field changes.
type ReplacePolicy struct {
	Allowed bool
}

// FieldRule names fields of objects. What is empty matches everything; at least
// one of Pointer and Manager is set.
type FieldRule struct {
	Kind    string // "Deployment"
	Pointer string // a JSON pointer (RFC 6901); "*" stands for any one element of a list or key of a map
	Manager string // a field manager that set the live value
}

// Helm says how the chart in an environment's path is rendered, when that is
// what the path holds.
type Helm struct {
	Release string   // empty: the environment's name
	Values  []string // files, relative to the repository's root; later ones win
	// KubeVersion and APIVersions are what the chart is told about the cluster;
	// empty: what the cluster says of itself. APIVersions are added to those
	// that helm knows by itself, as `helm template --api-versions` does.
	KubeVersion string
	APIVersions []string
}

// Capabilities are what a chart may ask about the cluster it is rendered for.
type Capabilities struct {
	KubeVersion string   // "v1.37.1"
	APIVersions []string // "apps/v1" and "apps/v1/Deployment", sorted
}

// Limits bound what a commit can make a render cost. Zero is the default.
type Limits struct {
	FileBytes  int64         // of one file
	Objects    int           // of one environment
	YAMLNodes  int           // of one file, after aliases are expanded
	RenderTime time.Duration // of one environment
}

// The limits of a configuration that sets none.
const (
	DefaultFileBytes  = 5 << 20
	DefaultObjects    = 20_000
	DefaultYAMLNodes  = 1_000_000
	DefaultRenderTime = time.Minute
)

// Signer is somebody whose signature under a commit counts. Exactly one of the
// keys is set.
type Signer struct {
	Name string // as it is shown
	SSH  string // a public key as authorized_keys has it: "ssh-ed25519 AAAA…"
	GPG  string // a public key, ASCII-armored
}

// PrunePolicy says whether objects that left the render are deleted, and how
// many at once at most. A plan that would delete more than Max is refused.
type PrunePolicy struct {
	Enabled bool
	Max     int
	// Share is set when Max was not configured: a plan must not delete more
	// than a third of what was applied, either.
	Share bool
}

// DefaultPruneMax is the prune cap of an environment that sets none.
const DefaultPruneMax = 10

// Config is everything `.fairtide.yaml` says.
type Config struct {
	StateNamespace string
	Environments   []Environment
	Images         []ImagePolicy // the first that matches counts
	Notify         Notify
	// FetchEvery is how often an open UI asks the remote for news; 0: never.
	FetchEvery time.Duration
	// Warnings are what is likely not meant as it is written, each with its line.
	Warnings []string
}

// DefaultFetchEvery is how often the remote is asked for news unless configured.
const DefaultFetchEvery = time.Minute

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
