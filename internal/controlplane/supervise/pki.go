package supervise

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

// validity of the certificates; nobody runs one of these for years.
const validity = 10 * 365 * 24 * time.Hour

// authority signs the certificates of one control plane.
type authority struct {
	cert *x509.Certificate
	pem  []byte
	key  crypto.Signer
}

// preparePKI makes the certificates and keys below dir. The authority and the
// key of the service account tokens are kept when dir is used again, so that
// kubeconfigs and tokens handed out before stay valid.
func preparePKI(dir string) (caPEM []byte, err error) {
	if err := os.MkdirAll(filepath.Join(dir, layout.PKIDir), 0o700); err != nil {
		return nil, err
	}
	ca, err := loadAuthority(dir)
	if errors.Is(err, os.ErrNotExist) {
		ca, err = newAuthority(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	saKey := filepath.Join(dir, layout.ServiceAcctKey)
	if _, err := os.Stat(saKey); errors.Is(err, os.ErrNotExist) {
		if _, err := newKey(saKey); err != nil {
			return nil, err
		}
	}
	loopback := []net.IP{net.IPv4(127, 0, 0, 1)}
	err = errors.Join(
		ca.issue(dir, layout.APIServerCert, layout.APIServerKey, x509.Certificate{
			Subject:     pkix.Name{CommonName: "kube-apiserver"},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			IPAddresses: append(loopback, net.IPv4(10, 96, 0, 1)),
			DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		}),
		ca.issue(dir, layout.KubeletCert, layout.KubeletKey, x509.Certificate{
			Subject:     pkix.Name{CommonName: "kubelet"},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			IPAddresses: loopback,
		}),
		ca.issue(dir, layout.ClientCert, layout.ClientKey, x509.Certificate{
			Subject:     pkix.Name{CommonName: layout.KubeletClientName},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}),
	)
	return ca.pem, err
}

func loadAuthority(dir string) (*authority, error) {
	certPEM, err := os.ReadFile(filepath.Join(dir, layout.CACert))
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(filepath.Join(dir, layout.CAKey))
	if err != nil {
		return nil, err
	}
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, errors.New("not PEM")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	return &authority{cert: cert, pem: certPEM, key: key}, err
}

func newAuthority(dir string) (*authority, error) {
	key, err := newKey(filepath.Join(dir, layout.CAKey))
	if err != nil {
		return nil, err
	}
	ca := &authority{key: key, cert: &x509.Certificate{
		Subject:               pkix.Name{CommonName: "fairtide-controlplane"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}}
	der, err := ca.sign(ca.cert, key.Public())
	if err != nil {
		return nil, err
	}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	ca.pem, err = writePEM(filepath.Join(dir, layout.CACert), "CERTIFICATE", der)
	return ca, err
}

// issue writes a certificate made after template, and its key.
func (a *authority) issue(dir, certFile, keyFile string, template x509.Certificate) error {
	key, err := newKey(filepath.Join(dir, keyFile))
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := a.sign(&template, key.Public())
	if err != nil {
		return err
	}
	_, err = writePEM(filepath.Join(dir, certFile), "CERTIFICATE", der)
	return err
}

func (a *authority) sign(template *x509.Certificate, public crypto.PublicKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	// An hour of tolerance for clocks that are set back.
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(validity)
	return x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
}

func newKey(path string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	_, err = writePEM(path, "EC PRIVATE KEY", der)
	return key, err
}

func writePEM(path, kind string, der []byte) ([]byte, error) {
	data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return data, os.WriteFile(path, data, 0o600)
}
