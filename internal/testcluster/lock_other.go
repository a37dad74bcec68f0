//go:build !unix

package testcluster

import "errors"

// lockFile fails: the control plane needs a system with unix sockets and
// process groups.
func lockFile(string) (unlock func(), err error) {
	return nil, errors.New("the control plane runs on unix systems only")
}
