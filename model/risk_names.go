package model

import "strings"

// RiskLaterWave is the risk of a workload whose pods need what the plan applies
// only in a later wave. Its message is the cause for which such a workload does
// not become ready.
const RiskLaterWave = "waits-for-later-wave"

const riskNames = `
	adopts-object
	autoscaler-lowered
	autoscaler-removed
	becomes-immutable
	budget-blocks-evictions
	budget-loosened
	budget-removed
	capabilities-added
	changes-address
	changes-config
	changes-config-unnoticed
	changes-secret
	confinement-weakened
	conflicts-with
	crd-field-removed
	crd-field-required
	crd-version-removed
	crd-version-unserved
	cronjob-resumed
	cronjob-schedule-changed
	deletes-config-in-use
	deletes-data
	deletes-dependants
	deletes-history
	deletes-object
	deletes-others
	deprecated-version
	foreign-owner
	grace-period-lowered
	has-finalizers
	host-namespace
	host-path
	host-port
	image-digest-dropped
	image-floating-tag
	image-goes-backwards
	image-other-repository
	image-pull-policy
	ingress-route-changed
	ingress-route-removed
	ingress-tls-removed
	job-runs
	keeps-volumes
	lifecycle-hook-removed
	limit-range-violated
	lowers-replicas
	migrates-ownership
	narrows-rbac
	network-policy-removed
	network-policy-widened
	no-node-matches
	overwrites-drift
	pod-security-lowered
	pod-security-raised
	priority-lowered
	privilege-escalation
	privileged-container
	probe-laxer
	probe-removed
	quota-exceeded
	replacement-unchecked
	replaces-object
	replicas-fought-over
	resources-lowered
	resources-removed
	restarts-pods
	restarts-several-workloads
	risks-not-looked-at
	rollout-below-budget
	rollout-held-back
	root-filesystem-writable
	runs-again
	runs-as-root
	server-warns
	service-account-changed
	service-exposed
	service-port-removed
	service-port-unknown
	service-selects-nothing
	service-unexposed
	source-ranges-widened
	stops-pods
	storage-class-changed
	tls-secret-missing
	token-mounted
	volume-shrinks
	waits-for-later-wave
	webhook-blocks-everything
	webhook-fails-closed
	webhook-not-asked
	widens-rbac
`

// RiskNames are the names of the risks that an object or a plan may be marked
// with, in order. A rule that names another one would never count.
func RiskNames() []string { return strings.Fields(riskNames) }
