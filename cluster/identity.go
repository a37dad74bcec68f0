package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/fairtide-dev/fairtide/model"
)

// clock reads the API server's clock from a response's Date header (RFC 9110,
// whole seconds). Any answer will do, a refusal too: the header is on all.
func (c *Client) clock(ctx context.Context) (now time.Time, skew time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.rest.Host+"/version", nil)
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("context %q: %w", c.context, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return time.Time{}, 0, c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	c.pace.observe(resp)
	now, err = http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, 0, model.Errorf(model.ExitUnreachable,
			"context %q: the API server does not say what time it has (Date header %q)", c.context, resp.Header.Get("Date"))
	}
	return now, c.cfg.Now().Sub(now).Truncate(time.Second), nil
}

func (c *Client) readIdentity(ctx context.Context) (model.ClusterInfo, error) {
	id := model.ClusterInfo{Context: c.context, Server: c.rest.Host}
	body, err := c.disco.RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return id, c.unreachable(err)
	}
	var v version.Info
	if err := json.Unmarshal(body, &v); err != nil {
		return id, model.Errorf(model.ExitUnreachable, "context %q: %s does not answer like an API server: %w", c.context, c.rest.Host, err)
	}
	id.Version = v.GitVersion
	ns, err := c.dyn.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	switch {
	case err == nil:
		id.UID = string(ns.GetUID())
	case apierrors.IsForbidden(err):
		id.UID = c.rest.Host // the next best identity a namespaced operator can see
	default:
		return id, c.unreachable(err)
	}
	id.User, id.Groups = c.whoAmI(ctx)
	return id, nil
}

// whoAmI is the caller's name and groups as the API server knows them
// (SelfSubjectReview, KEP-3325); empty where the server does not say.
func (c *Client) whoAmI(ctx context.Context) (user string, groups []string) {
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
	}}
	gvr := schema.GroupVersionResource{Group: "authentication.k8s.io", Version: "v1", Resource: "selfsubjectreviews"}
	out, err := c.dyn.Resource(gvr).Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return "", nil
	}
	var r authenticationv1.SelfSubjectReview
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(out.Object, &r); err != nil {
		return "", nil
	}
	return r.Status.UserInfo.Username, r.Status.UserInfo.Groups
}

func groupKind(id model.ObjectID) schema.GroupKind {
	return schema.GroupKind{Group: id.Group, Kind: id.Kind}
}

func sortedStrings(s []string) []string {
	slices.Sort(s)
	return s
}
