package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) adoptCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   `adopt -e ENV "KIND NAMESPACE/NAME:PATH"...`,
		Short: "Open the pull request that writes live values to Git",
		Long: `Write to Git what somebody changed live, so that it stays. A field is named as
` + "`fairtide diff`" + ` names it: "Deployment shop/cart:spec.replicas".

A value that one YAML file sets is changed there; else a patch is added to the
environment's kustomization, or the field to its plain manifest. Files that
another environment reads too are not touched. The result is rendered: with it
the field is what it is live and nothing else differs, or nothing is made and
the error says what to do by hand. What applying it would change is shown, and
with --yes it is pushed to a branch of its own and the pull request opened.

Values of Secrets and masked fields are never written.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return p.adopt(cmd.Context(), args, yes) },
	}
	c.Flags().BoolVar(&yes, "yes", false, "open the pull request")
	return c
}

func (p *program) adopt(ctx context.Context, args []string, yes bool) error {
	format, err := p.format("text", "json")
	if err != nil {
		return err
	}
	name, err := p.environment()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return model.Errorf(model.ExitUsage, "adopt what? name fields such as \"Deployment shop/cart:spec.replicas\"; `fairtide diff -e %s --lens drift` lists what differs live", name)
	}
	r := model.DraftRequest{Environment: name, Kind: model.DraftAdopt}
	for _, arg := range args {
		field, ok := model.ParseFieldRef(arg)
		if !ok {
			return model.Errorf(model.ExitUsage, "%q is not a field: write \"KIND NAMESPACE/NAME:PATH\", such as \"Deployment shop/cart:spec.replicas\"", arg)
		}
		r.Fields = append(r.Fields, field)
	}
	e, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	d, plan, err := e.Draft(ctx, r)
	if err != nil {
		return err
	}
	doc, err := newPlanDocument(plan)
	if err != nil {
		return err
	}
	if err := p.printPlan(p.stderr, plan, doc); err != nil {
		return err
	}
	_, err = p.publish(ctx, e, name, d, yes, format)
	return err
}
