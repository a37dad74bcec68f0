package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairtide-dev/fairtide/model"
)

// FieldManager is the name under which fairtide owns the fields it applies.
const FieldManager = "fairtide"

// Config says which cluster to talk to, and how.
type Config struct {
	Kubeconfig     string           // a path; empty: KUBECONFIG's or the home directory's, as kubectl does
	Context        string           // empty: the current context
	StateNamespace string           // required
	UserAgent      string           // required
	Now            func() time.Time // required: the local clock

	// LeaseDuration is how long a lock holds without being renewed, in whole
	// seconds; 0: 30 s. LeaseRenew is how often it is; 0: a third of that.
	LeaseDuration time.Duration
	LeaseRenew    time.Duration
}

// Client talks to one cluster. It is safe for concurrent use.
type Client struct {
	cfg     Config
	context string
	rest    *rest.Config
	http    *http.Client
	dyn     dynamic.Interface
	short   metadata.Interface // answers with no more than metadata
	pace    *pace

	disco  discovery.CachedDiscoveryInterface
	mapper *restmapper.DeferredDiscoveryRESTMapper

	schemas schemaCache

	identityOnce sync.Mutex
	identity     *model.ClusterInfo // what does not change between readings

	runs runWriters
}

// New reads the kubeconfig. It makes no network call, so that a cluster that
// is away is reported by the first use and not by the start of the program.
func New(cfg Config) (*Client, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = cfg.Kubeconfig
	rules.WarnIfAllMissing = false
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: cfg.Context})
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, kubeconfigError(cfg, rules, err)
	}
	name := cfg.Context
	if name == "" {
		name = raw.CurrentContext
	}
	if _, ok := raw.Contexts[name]; name != "" && !ok {
		return nil, model.Errorf(model.ExitUsage,
			"context %q is not in the kubeconfig (it has %s); set cluster.context in .fairtide.yaml or pass --context",
			name, listContexts(raw.Contexts))
	}
	rc, err := loader.ClientConfig()
	if err != nil {
		return nil, kubeconfigError(cfg, rules, err)
	}
	return newForConfig(cfg, name, rc)
}

func newForConfig(cfg Config, contextName string, rc *rest.Config) (*Client, error) {
	rc = rest.CopyConfig(rc)
	rc.UserAgent = cfg.UserAgent
	pace := newPace()
	rc.RateLimiter = pace
	rc.WarningHandlerWithContext = warningCollector{} // nothing may print under the UI
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { return patience{next} })
	hc, err := rest.HTTPClientFor(rc)
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "kubeconfig context %q: %w", contextName, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(rc, hc)
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "kubeconfig context %q: %w", contextName, err)
	}
	short, err := metadata.NewForConfigAndClient(rc, hc)
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "kubeconfig context %q: %w", contextName, err)
	}
	dc, err := discovery.NewDiscoveryClientForConfigAndClient(rc, hc)
	if err != nil {
		return nil, model.Errorf(model.ExitUsage, "kubeconfig context %q: %w", contextName, err)
	}
	cached := memory.NewMemCacheClient(dc)
	return &Client{
		cfg: cfg, context: contextName, rest: rc, http: hc, dyn: dyn, short: short, pace: pace,
		disco: cached, mapper: restmapper.NewDeferredDiscoveryRESTMapper(cached),
	}, nil
}

// Context is the kubeconfig context the client uses.
func (c *Client) Context() string { return c.context }

func kubeconfigError(cfg Config, rules *clientcmd.ClientConfigLoadingRules, err error) error {
	where := cfg.Kubeconfig
	if where == "" {
		where = strings.Join(rules.Precedence, string(os.PathListSeparator))
	}
	switch {
	case clientcmd.IsEmptyConfig(err):
		return model.Errorf(model.ExitUnreachable,
			"no cluster configured: %s has no contexts; set KUBECONFIG or pass --kubeconfig", where)
	case errors.Is(err, fs.ErrNotExist):
		return model.Errorf(model.ExitUsage, "kubeconfig %s does not exist; pass another with --kubeconfig", where)
	case errors.Is(err, fs.ErrPermission):
		return model.Errorf(model.ExitUsage, "kubeconfig %s cannot be read: permission denied", where)
	}
	return model.Errorf(model.ExitUsage, "kubeconfig %s: %w", where, err)
}

func listContexts[V any](contexts map[string]V) string {
	names := make([]string, 0, len(contexts))
	for n := range contexts {
		names = append(names, n)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(sortedStrings(names), ", ")
}

// mapping resolves a kind, asking the server again once when it is unknown: a
// CRD may have been applied since the last discovery.
func (c *Client) mapping(gk model.ObjectID, version string) (*meta.RESTMapping, error) {
	m, err := c.mapper.RESTMapping(groupKind(gk), version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		m, err = c.mapper.RESTMapping(groupKind(gk), version)
	}
	return m, err
}

// resource is the client for one object's kind and namespace.
func (c *Client) resource(m *meta.RESTMapping, namespace string) dynamic.ResourceInterface {
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.dyn.Resource(m.Resource).Namespace(namespace)
	}
	return c.dyn.Resource(m.Resource)
}

// Info asks the cluster who it is, who we are to it, and what time it has.
func (c *Client) Info(ctx context.Context) (model.ClusterInfo, error) {
	now, skew, err := c.clock(ctx)
	if err != nil {
		return model.ClusterInfo{}, err
	}
	c.identityOnce.Lock()
	defer c.identityOnce.Unlock()
	if c.identity == nil {
		id, err := c.readIdentity(ctx)
		if err != nil {
			return model.ClusterInfo{}, err
		}
		c.identity = &id
	}
	info := *c.identity
	info.Now, info.Skew = now, skew
	return info, nil
}

func (c *Client) unreachable(err error) error {
	if notHeld := new(notHeldError); errors.As(err, &notHeld) {
		return notHeld.err // it is not the server's fault
	}
	return model.Errorf(model.ExitUnreachable, "%s: cannot reach the API server at %s: %w; is the cluster up, and the kubeconfig's address right?",
		fmt.Sprintf("context %q", c.context), c.rest.Host, err)
}
