package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/cluster"
	"github.com/fairtide-dev/fairtide/internal/rollout"
	"github.com/fairtide-dev/fairtide/model"
)

type initFlags struct {
	rbac, noDryRun              bool
	role                        string
	user, group, serviceAccount string
	namespace                   string
}

func (p *program) initCommand() *cobra.Command {
	var i initFlags
	c := &cobra.Command{
		Use:   "init --rbac [-e ENV]",
		Short: "Print what a cluster needs: least-privilege RBAC",
		Long: `Print the least RBAC that viewers, operators and automation need, as YAML for
kubectl apply: for the kinds that the head of the environment's branch renders,
and for the state namespace. Nothing is written. Without -e, for every
environment; each is for its own cluster. See fairtide help rbac.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.init(cmd.Context(), i) },
	}
	f := c.Flags()
	f.BoolVar(&i.rbac, "rbac", false, "print roles and bindings")
	f.StringVar(&i.role, "role", "", "only this role: viewer, operator or automation")
	f.StringVar(&i.user, "user", "", "who gets the role: a user, as the API server knows them (role: operator, unless --role says another)")
	f.StringVar(&i.group, "group", "", "who gets the role: a group (role: operator, unless --role says another)")
	f.StringVar(&i.serviceAccount, "serviceaccount", "", "who gets the role: a ServiceAccount (role: automation, unless --role says another)")
	f.StringVar(&i.namespace, "namespace", "", "of the ServiceAccount (default: the state namespace)")
	f.BoolVar(&i.noDryRun, "no-dry-run", false, "leave out of the viewer's role what dry-runs take: RBAC cannot tell them from writes")
	return c
}

func (p *program) init(ctx context.Context, i initFlags) error {
	if !i.rbac {
		return model.Errorf(model.ExitUsage,
			"what to print? `fairtide init --rbac -e ENV` prints the roles that an environment needs; see `fairtide help rbac`, and the README for a .fairtide.yaml to start from")
	}
	roles, err := i.roles()
	if err != nil {
		return err
	}
	e, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	names := []string{p.flags.env}
	if p.flags.env == "" {
		envs, err := e.Environments(ctx)
		if err != nil {
			return err
		}
		names = nil
		for _, env := range envs {
			names = append(names, env.Name)
		}
	}
	var out strings.Builder
	for _, name := range names {
		needs, err := e.Needs(ctx, name)
		if err != nil {
			return err
		}
		if err := p.printRBAC(ctx, &out, needs, roles, i); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err = io.WriteString(p.stdout, out.String())
	return err
}

// roles are those to print.
func (i initFlags) roles() ([]cluster.Role, error) {
	subjects := 0
	for _, s := range []string{i.user, i.group, i.serviceAccount} {
		if s != "" {
			subjects++
		}
	}
	switch {
	case subjects > 1:
		return nil, model.Errorf(model.ExitUsage, "who gets the role? pass one of --user, --group and --serviceaccount")
	case i.namespace != "" && i.serviceAccount == "":
		return nil, model.Errorf(model.ExitUsage, "--namespace is that of a --serviceaccount, and none is named")
	case i.role != "":
		role, err := cluster.ParseRole(i.role)
		return []cluster.Role{role}, err
	case i.serviceAccount != "":
		return []cluster.Role{cluster.RoleAutomation}, nil
	case subjects > 0:
		return []cluster.Role{cluster.RoleOperator}, nil
	}
	return cluster.Roles[:], nil
}

func (i initFlags) subject(role cluster.Role, needs rollout.Needs) cluster.Subject {
	namespace := i.namespace
	if namespace == "" {
		namespace = needs.StateNamespace
	}
	switch {
	case i.user != "":
		return cluster.Subject{Kind: "User", Name: i.user}
	case i.group != "":
		return cluster.Subject{Kind: "Group", Name: i.group}
	case i.serviceAccount != "":
		return cluster.Subject{Kind: "ServiceAccount", Name: i.serviceAccount, Namespace: namespace}
	case role == cluster.RoleAutomation:
		return cluster.Subject{Kind: "ServiceAccount", Name: "fairtide-" + needs.Environment.Name, Namespace: namespace}
	}
	return cluster.Subject{Kind: "Group", Name: "fairtide-" + needs.Environment.Name + "-" + string(role) + "s"}
}

func (p *program) printRBAC(ctx context.Context, w io.Writer, needs rollout.Needs, roles []cluster.Role, i initFlags) error {
	c, err := cluster.New(cluster.Config{
		Kubeconfig: p.flags.kubeconfig, Context: needs.Context, StateNamespace: needs.StateNamespace,
		UserAgent: userAgent(), Now: p.now,
	})
	if err != nil {
		return err
	}
	for _, role := range roles {
		text, err := c.RBAC(ctx, cluster.RBACAsk{
			Environment: needs.Environment, Objects: needs.Objects, Role: role, Subject: i.subject(role, needs), NoDryRun: i.noDryRun,
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "---\n# For the cluster of context %q.\n%s", c.Context(), text); err != nil {
			return err
		}
	}
	return nil
}
