package tuitest

import (
	"fmt"
	"slices"
	"time"

	"github.com/fairtide-dev/fairtide/model"
)

// The commits of the sample, newest first.
const (
	Head   = "8f2c1d7a90b34c5d6e7f8091a2b3c4d5e6f70819"
	Second = "b41e6f02c3d4e5f60718293a4b5c6d7e8f901a2b"
	Third  = "57a0c9d1e2f30415263748596a7b8c9dae0f1b2c"
	Live   = "3d09a11b2c3d4e5f60718293a4b5c6d7e8f90a1b"
)

// Sample is a backend with three environments of a pet store. Production has
// three pending changes and a window that is open for another 1 h 42 m.
func Sample(now time.Time) *Backend {
	b := &Backend{
		Statuses: map[string]model.EnvironmentStatus{}, Pendings: map[string]model.Pending{},
		Plans: map[string]*model.Plan{}, Histories: map[string][]model.Run{},
		Proposals: map[string][]model.Proposed{"production": proposals(now)},
		Uses:      map[string][]model.ImageUse{"production": uses()},
		Details:   details(),
		Trees:     trees(now), Logs: logs(),
		Freshness: model.Fetch{Remote: true, At: now.Add(-2 * time.Minute), Every: time.Minute},
	}
	berlin := time.FixedZone("CET", 3600)
	for i, name := range []string{"dev", "staging", "production"} {
		env := model.Environment{
			Name: name, Tier: model.Tiers[i], Branch: "main", Path: "environments/" + name,
			Context: "gke-" + name, Namespace: "shop", Deploy: model.DeployConfirm,
			Prune: model.PrunePolicy{Enabled: true, Max: model.DefaultPruneMax},
		}
		if i == 2 {
			env.Windows = []model.WindowRule{{Name: "Tue mornings", Location: berlin, Allow: &model.Schedule{
				Days: []time.Weekday{time.Tuesday}, Start: 9 * 60, End: 11 * 60,
			}}}
			env.Override.Allowed = true
			env.Requires = model.Requirements{Approvals: 2, Checks: true}
		}
		b.Envs = append(b.Envs, env)
		b.Statuses[name] = status(env, now)
		b.Pendings[name] = model.Pending{Deployed: Head, Head: model.Commit{Hash: Head}}
		b.Plans[name] = samplePlan(name, now)
		b.Histories[name] = history(name, now)
	}
	b.Pendings["production"] = model.Pending{Deployed: Live, Head: model.Commit{Hash: Head}, Changes: changes(now)}
	b.Script = Succeeding(b, time.Second)
	return b
}

func status(env model.Environment, now time.Time) model.EnvironmentStatus {
	st := model.EnvironmentStatus{
		Name: env.Name, Tier: env.Tier, Branch: env.Branch, Path: env.Path, Head: Head,
		Deployed: &model.Deployed{Commit: Head, At: now.Add(-17 * time.Hour), By: "op1@bastion", Run: env.Name + "-117"},
		Window:   &model.WindowState{Open: true, Reason: "no windows are configured: always open"},
		LastRun:  &model.RunRef{ID: env.Name + "-117", State: model.RunSucceeded, Commit: Head},
		Cluster:  env.Context + " (https://10.0.0.1)", User: "op1", Clock: now,
	}
	switch env.Tier {
	case model.TierStaging:
		st.LastRun.State = model.RunFailed
	case model.TierProduction:
		st.Deployed = &model.Deployed{Commit: Live, At: now.Add(-53 * time.Hour), By: "op2@bastion", Run: "production-118"}
		st.LastRun = &model.RunRef{ID: "production-118", State: model.RunSucceeded, Commit: Live}
		st.Pending = 3
		st.Window = &model.WindowState{
			Open: true, Reason: "Tue mornings: Tue 09:00 to 11:00 Europe/Berlin", Rule: "Tue mornings",
			Until: now.Add(102 * time.Minute), NextOpen: now.Add(7 * 24 * time.Hour),
		}
	}
	return st
}

func changes(now time.Time) []model.Change {
	id := func(kind, name string) model.ObjectID {
		return model.ObjectID{Group: "apps", Kind: kind, Namespace: "shop", Name: name}
	}
	change := func(commit, title, author string, number int, age time.Duration) model.Change {
		return model.Change{
			Commit: commit, Title: title, Author: author, MergedAt: now.Add(-age), RendersChange: true,
			PullRequest: &model.PullRequest{Number: number, Title: title},
		}
	}
	a := change(Head, "petstore 1.4.2", "dev1", 42, 2*time.Hour)
	a.Objects = []model.ChangedObject{{ID: id("Deployment", "petstore"), Verdict: model.VerdictUpdate, Summary: "image 1.4.1 → 1.4.2"}}
	a.Files = []string{"environments/production/petstore.yaml"}
	a.AuthorEmail, a.Signature = "dev1@example.com", model.Signature{State: model.SignatureUnsigned}
	b := change(Second, "gateway: timeout 10s → 30s", "dev2", 41, 27*time.Hour)
	b.Objects = []model.ChangedObject{
		{ID: id("ConfigMap", "gateway"), Verdict: model.VerdictUpdate, Summary: "data.timeout 10s → 30s"},
		{ID: id("Deployment", "gateway"), Verdict: model.VerdictUpdate, Summary: "2 annotations"},
	}
	b.Files = []string{"base/gateway/config.yaml", "base/gateway/deployment.yaml"}
	b.AuthorEmail, b.Committer, b.CoAuthors = "dev2@example.com", "op1 <op1@example.com>", []string{"dev4 <dev4@example.com>"}
	b.Body = "The pet store answers late on Mondays.\n\n- 10 s cut off one request in a hundred\n- 30 s is what the client waits"
	b.Signature = model.Signature{State: model.SignatureVerified, Kind: "ssh", Signer: "op1", Key: "SHA256:2mVbPqoC1Q7xXcW0dJZr8Tn5kYh3uLs9EaFgBiMvNtw"}
	c := change(Third, "base: a PDB for every service", "dev3", 39, 52*time.Hour)
	c.Objects = []model.ChangedObject{
		{ID: id("PodDisruptionBudget", "cart"), Verdict: model.VerdictCreate},
		{ID: id("ConfigMap", "legacy-flags"), Verdict: model.VerdictDelete},
	}
	c.Files = []string{"base/kustomization.yaml", "base/pdb.yaml"}
	c.AuthorEmail = "dev3@example.com"
	c.Signature = model.Signature{State: model.SignatureUnverified, Kind: "gpg", Key: "4BDEDDF36B343C91", Reason: "its key is none of the configured signers'"}
	return []model.Change{a, b, c}
}

// samplePlan is a plan of 26 objects: three are updated, one is created, one
// deleted, and the others stay as they are.
func samplePlan(env string, now time.Time) *model.Plan {
	p := &model.Plan{
		Environment: env, Commit: Head, From: Live, Cluster: "gke-" + env + " (https://10.0.0.1)",
		ReadAt: now, Digest: "c41f" + env,
	}
	restart := model.Risk{Name: "restarts-pods", Severity: model.SeverityWarning, Message: "restarts 3 pods, one at a time (PDB min 2)"}
	p.Objects = append(p.Objects,
		model.PlannedObject{
			ID: model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "petstore"}, Verdict: model.VerdictUpdate,
			Before: deployment("petstore", "1.4.1", 3, false), After: deployment("petstore", "1.4.2", 3, true),
			Risks: []model.Risk{restart}, Source: model.Source{File: "environments/production/petstore.yaml", Line: 1},
		},
		model.PlannedObject{
			ID: model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "gateway"}, Verdict: model.VerdictUpdate,
			Before: deployment("gateway", "2.0.8", 5, false), After: deployment("gateway", "2.0.9", 3, false),
			Risks: []model.Risk{{Name: "lowers-replicas", Severity: model.SeverityDanger, Message: "live runs 5 replicas, Git says 3: apply lowers it"}},
		},
		model.PlannedObject{
			ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "gateway"}, Verdict: model.VerdictUpdate,
			Before: configMap("gateway", "10s"), After: configMap("gateway", "30s"),
		},
		model.PlannedObject{
			ID: model.ObjectID{Group: "policy", Kind: "PodDisruptionBudget", Namespace: "shop", Name: "cart"}, Verdict: model.VerdictCreate,
			After: map[string]any{"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": map[string]any{"name": "cart", "namespace": "shop"}, "spec": map[string]any{"minAvailable": int64(2)}},
		},
		model.PlannedObject{
			ID: model.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "legacy-flags"}, Verdict: model.VerdictDelete,
			Before: configMap("legacy-flags", "5s"),
		},
	)
	for i := range 21 {
		name := fmt.Sprintf("service-%02d", i)
		p.Objects = append(p.Objects, model.PlannedObject{
			ID: model.ObjectID{Kind: "Service", Namespace: "shop", Name: name}, Verdict: model.VerdictUnchanged,
			Before: configMap(name, "1s"), After: configMap(name, "1s"),
		})
	}
	explain(p, now)
	p.Sort()
	return p
}

// explain gives the sample's plan its causes and the sides of the other lenses:
// somebody scaled the gateway up.
func explain(p *model.Plan, now time.Time) {
	git := func(path, commit string, number int) model.Cause {
		return model.Cause{Path: path, Kind: model.CauseGit, By: commit, PullRequest: number}
	}
	for i := range p.Objects {
		o := &p.Objects[i]
		o.Deployed, o.Rendered = o.Before, o.After
		switch o.ID.Kind + " " + o.ID.Name {
		case "Deployment petstore":
			o.Causes = []model.Cause{
				git("spec.template.spec.containers[petstore].env", Head, 42),
				git("spec.template.spec.containers[petstore].image", Head, 42),
			}
		case "Deployment gateway":
			o.Causes = []model.Cause{
				{Path: "spec.replicas", Kind: model.CauseDrift, By: "kubectl-scale", At: now.Add(-2 * time.Hour)},
				git("spec.template.spec.containers[gateway].image", Second, 41),
			}
			o.Deployed = deployment("gateway", "2.0.8", 3, false)
		case "ConfigMap gateway":
			o.Causes = []model.Cause{git("data.timeout", Second, 41)}
		case "PodDisruptionBudget cart", "ConfigMap legacy-flags":
			o.Causes = []model.Cause{git("", Third, 39)}
		}
	}
}

// keeping is a plan after the fields in its Kept are left out: their values
// stay. It knows the one field of the sample that somebody changed.
func keeping(p *model.Plan) *model.Plan {
	p.Objects = slices.Clone(p.Objects)
	for _, f := range p.Kept {
		for i := range p.Objects {
			o := &p.Objects[i]
			if o.ID == f.ID && f.Path == "spec.replicas" {
				o.After = deployment("gateway", "2.0.9", 5, false)
				o.Causes, o.Risks = o.Causes[1:], nil
			}
		}
	}
	return p
}

func configMap(name, timeout string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "shop"},
		"data": map[string]any{"timeout": timeout, "retries": "3", "upstream": "petstore.shop.svc.cluster.local:8080"},
	}
}

func deployment(name, version string, replicas int, env bool) map[string]any {
	container := map[string]any{
		"name": name, "image": "ghcr.io/shop/" + name + ":" + version,
		"ports":          []any{map[string]any{"containerPort": int64(8080), "name": "http"}},
		"readinessProbe": map[string]any{"httpGet": map[string]any{"path": "/healthz", "port": "http"}, "periodSeconds": int64(5)},
		"resources":      map[string]any{"limits": map[string]any{"memory": "256Mi"}, "requests": map[string]any{"cpu": "100m", "memory": "128Mi"}},
	}
	if env {
		container["env"] = []any{map[string]any{"name": "CACHE_TTL", "value": "30s"}}
	}
	labels := map[string]any{"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "petstore"}
	return map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": name, "namespace": "shop", "labels": labels},
		"spec": map[string]any{
			"replicas": int64(replicas), "revisionHistoryLimit": int64(10),
			"selector": map[string]any{"matchLabels": map[string]any{"app.kubernetes.io/name": name}},
			"strategy": map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{"maxSurge": int64(1), "maxUnavailable": int64(0)}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec": map[string]any{
					"containers":         []any{container},
					"serviceAccountName": name, "terminationGracePeriodSeconds": int64(30),
					"securityContext": map[string]any{"runAsNonRoot": true, "runAsUser": int64(65532)},
					"volumes":         []any{map[string]any{"name": "config", "configMap": map[string]any{"name": name}}},
				},
			},
		},
	}
}

func history(env string, now time.Time) []model.Run {
	run := func(n int, from, to string, age time.Duration, s model.RunState) model.Run {
		r := model.Run{
			ID: fmt.Sprintf("%s-%d", env, n), Environment: env, Commit: to, From: from, Operator: "op2@bastion",
			Window: "Tue mornings: Tue 09:00 to 11:00 Europe/Berlin", StartedAt: now.Add(-age), FinishedAt: now.Add(-age + 74*time.Second),
			State: s, PullRequests: []int{36, 35},
		}
		for _, name := range []string{"petstore", "gateway"} {
			r.Objects = append(r.Objects, model.RunObject{
				ID:      model.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: name},
				Verdict: model.VerdictUpdate, Result: model.ResultReady,
			})
		}
		return r
	}
	failed := run(117, Third, Second, 76*time.Hour, model.RunFailed)
	failed.Objects[1].Result = model.ResultFailed
	failed.Objects[1].Message = "image ghcr.io/shop/gateway:2.0.7 cannot be pulled: manifest unknown"
	failed.Reason = env + ": Deployment shop/gateway will not become ready: image ghcr.io/shop/gateway:2.0.7 cannot be pulled: manifest unknown"
	failed.Tests = []model.TestResult{
		{Name: "smoke", Kind: model.TestHTTP, Required: true, State: model.TestPassed, StartedAt: now.Add(-76 * time.Hour), FinishedAt: now.Add(-76*time.Hour + 4*time.Second)},
		{Name: "lighthouse", Kind: model.TestCommand, State: model.TestFailed, Message: "exit code 1: score 0.71, want 0.80"},
	}
	overridden := run(116, Third, Third, 30*24*time.Hour, model.RunSucceeded)
	overridden.Override = "incident 4711: checkout is down"
	overridden.Exception = &model.Exception{By: "op2", At: overridden.StartedAt, Reason: overridden.Override, Rules: []string{"window: closed, opens Tue 09:00"}}
	shipped := run(118, Second, Live, 53*time.Hour, model.RunSucceeded)
	shipped.Override = "in case it takes longer"
	shipped.Attempts = []model.RunAttempt{{Operator: "op1@laptop", At: now.Add(-53*time.Hour + 40*time.Second), Reason: "op2's machine went to sleep"}}
	return []model.Run{shipped, failed, overridden, run(115, "", Third, 31*24*time.Hour, model.RunAborted)}
}
