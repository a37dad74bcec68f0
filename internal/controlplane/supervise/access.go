package supervise

import (
	"crypto/rand"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

const (
	adminName  = "fairtide-admin"
	adminGroup = "system:masters"
)

// systemUsers are the identities of the components. They are administrators
// rather than bound to their roles: the roles are only made some time after
// the API server started to serve.
var systemUsers = map[string]User{
	layout.ControllerManager: {Name: "system:kube-controller-manager", Groups: []string{adminGroup}},
	layout.Scheduler:         {Name: "system:kube-scheduler", Groups: []string{adminGroup}},
	layout.Kubelet:           {Name: "system:node:fairtide", Groups: []string{adminGroup, "system:nodes"}},
}

// access is who may talk to the API server, and how.
type access struct {
	dir    string
	server string
	ca     []byte
	tokens map[string]string
}

// prepareTokens writes the API server's token file. Users who had a token in
// this directory before keep it.
func prepareTokens(opts Options) (map[string]string, error) {
	path := filepath.Join(opts.Dir, layout.TokenFile)
	tokens, err := readTokens(path)
	if err != nil {
		return nil, err
	}
	users := []User{{Name: adminName, Groups: []string{adminGroup}}}
	for _, user := range systemUsers {
		users = append(users, user)
	}
	users = append(users, opts.Users...)
	slices.SortFunc(users, func(a, b User) int { return strings.Compare(a.Name, b.Name) })

	var out strings.Builder
	w := csv.NewWriter(&out)
	for i, user := range users {
		if i > 0 && users[i-1].Name == user.Name {
			return nil, fmt.Errorf("user %q is there twice", user.Name)
		}
		if tokens[user.Name] == "" {
			tokens[user.Name] = newToken()
		}
		if err := w.Write([]string{tokens[user.Name], user.Name, user.Name, strings.Join(user.Groups, ",")}); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return tokens, errors.Join(w.Error(), os.WriteFile(path, []byte(out.String()), 0o600))
}

func readTokens(path string) (map[string]string, error) {
	tokens := map[string]string{}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return tokens, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, record := range records {
		if len(record) < 2 {
			return nil, fmt.Errorf("%s: a line has %d fields", path, len(record))
		}
		tokens[record[1]] = record[0]
	}
	return tokens, nil
}

func newToken() string {
	var raw [24]byte
	// Read never fails, it ends the program instead.
	_, _ = rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}

// writeKubeconfigs writes the kubeconfigs of the administrator, the further
// users and the components.
func (a *access) writeKubeconfigs(opts Options) error {
	err := a.writeKubeconfig(filepath.Join(a.dir, "kubeconfig"), adminName, opts.Contexts)
	for _, user := range opts.Users {
		path := filepath.Join(a.dir, "kubeconfig-"+user.Name)
		err = errors.Join(err, a.writeKubeconfig(path, user.Name, opts.Contexts))
	}
	for name, user := range systemUsers {
		path := filepath.Join(a.dir, layout.Kubeconfig(name))
		err = errors.Join(err, a.writeKubeconfig(path, user.Name, []string{name}))
	}
	return err
}

// writeKubeconfig gives every context a cluster and a user of its own, as they
// would have if the contexts led to different clusters.
func (a *access) writeKubeconfig(path, user string, contexts []string) error {
	cfg := clientcmdapi.NewConfig()
	for _, name := range contexts {
		cfg.Clusters[name] = &clientcmdapi.Cluster{Server: a.server, CertificateAuthorityData: a.ca}
		cfg.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: a.tokens[user]}
		cfg.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	cfg.CurrentContext = contexts[0]
	data, err := clientcmd.Write(*cfg)
	if err != nil {
		return err
	}
	// A client may be reading the file of the previous run.
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// writeEgressConfig makes the API server reach nodes and pods through the
// simulated kubelet, because the addresses of the pods exist nowhere else.
func writeEgressConfig(dir string) error {
	const config = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: ` + layout.EgressSocket + "\n"
	return os.WriteFile(filepath.Join(dir, layout.EgressConfig), []byte(config), 0o600)
}
