package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairtide-dev/fairtide/model"
)

func (p *program) imagesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "images -e ENV",
		Short: "List the images of an environment with the newest tag of each",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return p.images(cmd.Context()) },
	}
}

func (p *program) images(ctx context.Context) error {
	format, name, e, err := p.begin(ctx, p.fresh)
	if err != nil {
		return err
	}
	images, err := e.Images(ctx, name)
	if err != nil {
		return err
	}
	if format == "json" {
		return p.writeJSON(map[string]any{"environment": name, "images": orEmpty(images)})
	}
	t := newTable(p.stdout)
	t.row("IMAGE", "TAG", "NEWEST", "USED BY")
	for _, i := range images {
		var users []string
		for _, o := range i.Objects {
			users = append(users, o.Kind+"/"+o.Name)
		}
		newest := dash(i.Newest)
		if i.Problem != "" {
			newest = "? " + i.Problem
		}
		t.row(i.Image, dash(i.Tag), newest, strings.Join(users, ","))
	}
	return t.flush()
}

func (p *program) bumpCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "bump -e ENV IMAGE=TAG",
		Short: "Open the pull request that upgrades an image",
		Long: `Change exactly the line that sets the image's tag in the environment, show what
applying it would change, and with --yes push it to a branch of its own and
open the pull request. The tag has to exist in the registry.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.bump(cmd.Context(), args[0], yes) },
	}
	c.Flags().BoolVar(&yes, "yes", false, "open the pull request")
	return c
}

func (p *program) bump(ctx context.Context, what string, yes bool) error {
	format, err := p.format("text", "json")
	if err != nil {
		return err
	}
	name, err := p.environment()
	if err != nil {
		return err
	}
	image, tag, ok := strings.Cut(what, "=")
	if !ok || image == "" || tag == "" {
		return model.Errorf(model.ExitUsage, "%q is not IMAGE=TAG, such as ghcr.io/petstore/cart=0.10.0", what)
	}
	e, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	if err := e.CheckTag(ctx, image, tag); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	d, plan, err := e.Draft(ctx, model.DraftRequest{Environment: name, Kind: model.DraftBump, Image: image, Tag: tag})
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
