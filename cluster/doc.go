// Package cluster is the Kubernetes side of fairtide: it reads live objects,
// predicts what applying would make of them, applies and prunes, watches the
// result, and keeps an environment's state, lock and run records in the
// cluster.
//
// client-go stays inside: what comes in and goes out are model types. Secret
// values are masked where live and predicted objects enter the model.
package cluster
