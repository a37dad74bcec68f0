package repo

import (
	"encoding/base64"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// collect notes the values of Secrets.
func (s *scanner) collect(docs []document) {
	for _, d := range docs {
		m, ok := d.value.(map[string]any)
		if !ok || m["kind"] != "Secret" && m["kind"] != "SecretGenerator" {
			continue
		}
		for _, key := range []string{"data", "stringData", "literals"} {
			s.values(m[key])
		}
	}
}

func (s *scanner) values(v any) {
	switch v := v.(type) {
	case string:
		s.secrets = append(s.secrets, v)
		if plain, err := base64.StdEncoding.DecodeString(v); err == nil {
			s.secrets = append(s.secrets, string(plain))
		}
		if _, value, ok := strings.Cut(v, "="); ok {
			s.secrets = append(s.secrets, value)
		}
	case []any:
		for _, e := range v {
			s.values(e)
		}
	case map[string]any:
		for _, e := range v {
			s.values(e)
		}
	}
}

func (s *scanner) generatorSecrets(k *types.Kustomization) {
	for _, g := range k.SecretGenerator {
		for _, literal := range g.LiteralSources {
			s.values(literal)
		}
	}
	for _, p := range slices.Concat(k.PatchesJson6902, k.Patches) {
		docs, err := parse("", []byte(p.Patch), s.limits.nodes)
		if err != nil {
			continue
		}
		s.collect(docs)
		if p.Target != nil && p.Target.Kind == "Secret" {
			for _, d := range docs {
				s.values(d.value)
			}
		}
	}
}

// secretFile notes what a secretGenerator reads.
func (s *scanner) secretFile(p string, r ref) error {
	if r.field != "secretGenerator" {
		return nil
	}
	data, err := s.fs.read(p)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		s.values(strings.TrimSpace(line))
	}
	return nil
}

// mask takes the secret values out of a text.
func (s *scanner) mask(text string) string {
	const shortest = 4 // masking every "1" would leave no text
	for _, v := range s.secrets {
		if v = oneLine(v); len(v) >= shortest {
			text = strings.ReplaceAll(text, v, "***")
		}
	}
	return text
}
