package config

import (
	"net/url"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fairtide-dev/fairtide/internal/registry"
	"github.com/fairtide-dev/fairtide/model"
)

// defaultSlackToken is where the Slack token is unless it is said.
const defaultSlackToken = "${env:SLACK_BOT_TOKEN}"

// images reads which versions of which images are offered.
func (d *decoder) images(n *yaml.Node) []model.ImagePolicy {
	items, _ := d.list(n, "images")
	var policies []model.ImagePolicy
	lines := map[string]int{}
	for i, item := range items {
		var p model.ImagePolicy
		what := imageTitle(item, i)
		d.mapping(item, what, []key{
			{name: "image", required: true, hint: "its name without the tag; * stands for any characters", read: func(n *yaml.Node) {
				d.image(n, what+": image", &p.Image)
				if first, taken := lines[p.Image]; taken && p.Image != "" {
					d.at(n, "%s is there twice, first in line %d, and only the first counts", what, first)
				} else {
					lines[p.Image] = n.Line
				}
			}},
			{name: "range", read: func(n *yaml.Node) {
				v, ok := d.text(n, what+": range")
				if !ok {
					return
				}
				if _, err := registry.ParseRange(v); err != nil {
					d.at(n, "%s: range %s", what, err)
					return
				}
				p.Range = v
			}},
		})
		policies = append(policies, p)
	}
	return policies
}

// imageTitle names an entry of images in errors.
func imageTitle(n *yaml.Node, index int) string {
	m := resolve(n)
	for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if v := resolve(m.Content[i+1]); m.Content[i].Value == "image" && v.Kind == yaml.ScalarNode && v.Value != "" {
			return "image " + quote(v.Value)
		}
	}
	return title("image", &yaml.Node{}, index)
}

var imagePattern = regexp.MustCompile(`^[A-Za-z0-9*][A-Za-z0-9._:/*-]*$`)

func (d *decoder) image(n *yaml.Node, what string, to *string) {
	v, ok := d.text(n, what)
	if !ok {
		return
	}
	name, _, pinned := strings.Cut(v, "@")
	colon := strings.LastIndexByte(name, ':')
	tagged := colon > strings.LastIndexByte(name, '/')
	if tagged {
		name = name[:colon]
	}
	switch {
	case (tagged || pinned) && imagePattern.MatchString(name):
		d.at(n, "%s %s: write it without tag and digest: %s", what, quote(v), quote(name))
	case !imagePattern.MatchString(name):
		d.at(n, "%s %s is not the name of an image, such as ghcr.io/acme/petstore or ghcr.io/acme/*", what, quote(v))
	default:
		*to = v
	}
}

// notify reads who is told of runs. Whatever is written in the wrong place
// here may be a secret, so that no error repeats a value.
func (d *decoder) notify(n *yaml.Node) model.Notify {
	defer d.hide()()
	var c model.Notify
	d.mapping(n, "notify", []key{
		{name: "slack", read: func(n *yaml.Node) { c.Slack = d.slack(n) }},
		{name: "webhooks", read: func(n *yaml.Node) {
			items, _ := d.list(n, "notify: webhooks")
			for i, item := range items {
				c.Webhooks = append(c.Webhooks, d.webhook(item, "notify: "+title("webhook", &yaml.Node{}, i)))
			}
		}},
	})
	return c
}

var slackChannel = regexp.MustCompile(`^(#[^\s#,@]{1,80}|[CGD][A-Z0-9]{7,})$`)

func (d *decoder) slack(n *yaml.Node) *model.SlackNotify {
	s := model.SlackNotify{Token: defaultSlackToken}
	d.mapping(n, "notify: slack", []key{
		{name: "channel", required: true, hint: `a name such as "#deploys", in quotes`, read: func(n *yaml.Node) {
			v, ok := d.text(n, "notify: slack: channel")
			if ok && !slackChannel.MatchString(v) {
				d.at(n, `notify: slack: channel must be a name such as "#deploys", in quotes, or an ID such as C024BE91L`)
			}
			s.Channel = v
		}},
		{name: "token", read: func(n *yaml.Node) { d.reference(n, "notify: slack: token", &s.Token) }},
		{name: "apiURL", read: func(n *yaml.Node) { d.url(n, "notify: slack: apiURL", &s.APIURL) }},
	})
	return &s
}

func (d *decoder) webhook(n *yaml.Node, what string) model.WebhookNotify {
	var w model.WebhookNotify
	d.mapping(n, what, []key{
		{name: "url", required: true, hint: "an address or a reference, such as ${env:WEBHOOK_URL}", read: func(n *yaml.Node) {
			d.webhookURL(n, what+": url", &w.URL)
		}},
		{name: "secret", read: func(n *yaml.Node) { d.reference(n, what+": secret", &w.Secret) }},
	})
	return w
}

// webhookURL reads an address without credentials, or a reference to one.
func (d *decoder) webhookURL(n *yaml.Node, what string, to *string) {
	s := resolve(n)
	if s.Kind == yaml.ScalarNode && strings.HasPrefix(s.Value, "$") {
		d.reference(n, what, to)
		return
	}
	u, err := url.Parse(s.Value)
	if err == nil && (u.RawQuery != "" || u.User != nil || strings.EqualFold(u.Hostname(), "hooks.slack.com")) {
		d.notReference(n, what+" carries a credential, and")
		return
	}
	d.url(n, what, to)
}

var secretReference = regexp.MustCompile(`^\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^{}]+)\}$`)

// reference reads where a secret is. The secret itself is refused: Git forgets
// nothing.
func (d *decoder) reference(n *yaml.Node, what string, to *string) {
	s := resolve(n)
	if s.Kind == yaml.ScalarNode && s.ShortTag() == "!!str" && secretReference.MatchString(s.Value) {
		if v, ok := d.text(n, what); ok {
			*to = v
		}
		return
	}
	d.notReference(n, what)
}

func (d *decoder) notReference(n *yaml.Node, what string) {
	d.at(n, "%s must be a reference: write ${env:NAME} or ${file:PATH}, never the secret itself, "+
		"and revoke the value if it was a real one", what)
}
