// Package accept runs the acceptance tests of an environment and judges them:
// pages that are asked for over HTTP, Jobs in the cluster, and local programs.
//
// What it needs of the cluster and of Git it takes through [Ports]; HTTP and
// processes are its own.
package accept
