package sample

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// configFile is where the repository describes its environments.
const configFile = ".fairtide.yaml"

// renamer adds the suffix to every name that two samples on one cluster would share.
func renamer(suffix string) *strings.Replacer {
	if suffix == "" {
		return strings.NewReplacer()
	}
	pairs := []string{"stateNamespace: fairtide\n", "stateNamespace: fairtide-" + suffix + "\n"}
	for _, env := range Environments {
		for _, name := range []string{"petstore-" + env, "petstore-gateway-" + env} {
			pairs = append(pairs, name, name+"-"+suffix)
		}
	}
	return strings.NewReplacer(pairs...)
}

// adjust gives the environments of a configuration other windows and another context.
func adjust(config string, o Options) (string, error) {
	for env := range o.Windows {
		if !slices.Contains(Environments, env) {
			return "", fmt.Errorf("windows for %q: there is no such environment", env)
		}
	}
	if o.Context == "" && len(o.Windows) == 0 && !o.Pipeline && o.Slack == "" {
		return config, nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(config), &doc); err != nil {
		return "", err
	}
	for _, env := range field(doc.Content[0], "environments").Content {
		if o.Context != "" {
			field(field(env, "cluster"), "context").SetString(o.Context)
		}
		if o.Pipeline {
			if err := require(env); err != nil {
				return "", err
			}
		}
		text, ok := o.Windows[field(env, "name").Value]
		if !ok {
			continue
		}
		var windows yaml.Node
		if err := yaml.Unmarshal([]byte(text), &windows); err != nil {
			return "", fmt.Errorf("windows for %q: %w", field(env, "name").Value, err)
		}
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if len(windows.Content) > 0 {
			list = windows.Content[0]
		}
		*field(env, "windows") = *list
	}
	if err := around(doc.Content[0], o); err != nil {
		return "", err
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return "", err
	}
	return out.String(), enc.Close()
}

// require gives an environment what a change has to meet before and after it
// is shipped. Development asks for nothing.
func require(env *yaml.Node) error {
	if field(env, "tier").Value == "development" {
		return nil
	}
	return set(env, fmt.Sprintf(`requires: {approvals: 1, checks: true}
tests:
  - {name: healthz, http: {service: "%s/petstore:8080", path: /healthz, status: 200}, timeout: 20s}
  - {name: checkout, job: tests/checkout.yaml, timeout: 2m}
`, field(env, "namespace").Value))
}

// around sets what is not an environment's: the images that are offered, and
// who is told.
func around(config *yaml.Node, o Options) error {
	if o.Pipeline {
		if err := set(config, `images:
  - {image: ghcr.io/petstore/petstore, range: "1.x"}
  - {image: "ghcr.io/petstore/*"}
`); err != nil {
			return err
		}
	}
	if o.Slack == "" {
		return nil
	}
	return set(config, fmt.Sprintf(`notify:
  slack: {channel: "#deploys", token: "${env:SLACK_BOT_TOKEN}", apiURL: %q}
`, o.Slack))
}

// set sets the keys that a text has in a mapping.
func set(mapping *yaml.Node, text string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return err
	}
	keys := doc.Content[0].Content
	for i := 0; i+1 < len(keys); i += 2 {
		*field(mapping, keys[i].Value) = *keys[i+1]
	}
	return nil
}

// field is the value of a key, which is added if it is not there.
func field(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	value := &yaml.Node{Kind: yaml.ScalarNode}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	return value
}
