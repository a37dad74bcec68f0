// Package layout says what a control plane's directory contains. Components
// run with that directory as their working directory, and the paths are
// relative to it, which also keeps the unix sockets below the length limit of a
// socket address however deep the directory is.
package layout

// Names of the components, as they are given in the first argument and as the
// log files are called.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kubelet           = "kubelet"
)

// Files below the control plane's directory.
const (
	EtcdDir         = "etcd"
	EtcdSocket      = "etcd-client.sock"
	EtcdPeerSocket  = "etcd-peer.sock"
	EgressSocket    = "egress.sock"
	EgressConfig    = "egress.yaml"
	LogDir          = "logs"
	PKIDir          = "pki"
	TokenFile       = "tokens"
	CACert          = PKIDir + "/ca.crt"
	CAKey           = PKIDir + "/ca.key"
	APIServerCert   = PKIDir + "/apiserver.crt"
	APIServerKey    = PKIDir + "/apiserver.key"
	KubeletCert     = PKIDir + "/kubelet.crt"
	KubeletKey      = PKIDir + "/kubelet.key"
	ClientCert      = PKIDir + "/apiserver-kubelet-client.crt"
	ClientKey       = PKIDir + "/apiserver-kubelet-client.key"
	ServiceAcctKey  = PKIDir + "/service-account.key"
	DefaultPodRules = "pod-rules.yaml"
)

// KubeletClientName is the common name of the certificate with which the API
// server introduces itself to the kubelet.
const KubeletClientName = "kube-apiserver-kubelet-client"

// File descriptors a child inherits from the supervisor.
const (
	// LifelineFD is the read end of a pipe only the supervisor can write to;
	// it reaches its end when the supervisor is gone.
	LifelineFD = 3
	// ListenerFD is the API server's listening socket. The supervisor opens
	// it so that the port is taken before anybody is told about it.
	ListenerFD = 4
)

// Kubeconfig is the file with which the named component talks to the API
// server.
func Kubeconfig(name string) string { return PKIDir + "/" + name + ".kubeconfig" }
