package repo

import (
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"go.yaml.in/yaml/v3"
)

// maxTagTries bounds how many values are tried, each with a render.
const maxTagTries = 50

// chartTag looks for the one value that moves the image of a chart: in the
// environment's values files, the last first as it wins, and then in the
// chart's own. A value counts that is the old tag, or the image with it, and
// with which set to the new one the chart renders as it should.
func (b *bump) chartTag(dir string) (plumbing.Hash, error) {
	var names []string
	for _, name := range slices.Backward(b.env.Helm.Values) {
		p, err := cleanPath(name)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		names = append(names, p)
	}
	own := path.Join(dir, "values.yaml")
	if _, e, err := b.tfs.lookup(own); err != nil {
		return plumbing.ZeroHash, err
	} else if e.kind == file {
		names = append(names, own)
	}
	tries := 0
	for _, name := range names {
		data, err := b.tfs.read(name)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		y, err := readYAML(data)
		if err != nil {
			continue // helm's reader is not as strict
		}
		var tree plumbing.Hash
		found := 0
		for _, s := range y.tagged(b.image, b.oldTags(), b.tag) {
			if tries++; tries > maxTagTries {
				return plumbing.ZeroHash, contentf("too many values are the tag of %s; change the right one yourself", b.image)
			}
			edit := func(*yamlText) ([]splice, bool) { return []splice{s}, true }
			got, ok, err := b.try(map[string]func(*yamlText) ([]splice, bool){name: edit})
			if err != nil {
				return plumbing.ZeroHash, err
			}
			if ok {
				tree, found = got, found+1
			}
		}
		switch {
		case found == 1:
			return tree, nil
		case found > 1:
			return plumbing.ZeroHash, contentf("%d values in %s would each set the tag; change the right one yourself", found, name)
		}
	}
	where := own
	if len(b.env.Helm.Values) > 0 {
		where = names[0]
	}
	return plumbing.ZeroHash, contentf("no value in a values file sets the tag of this image alone; set it in %s", where)
}

// oldTags are the tags that the image has before.
func (b *bump) oldTags() []string {
	var tags []string
	for _, u := range imagesOf(b.before) {
		if u.Image == b.image && u.Tag != "" && u.Tag != b.tag {
			tags = append(tags, u.Tag)
		}
	}
	return tags
}

// tagged lists the changes of single values from an old tag to the new one.
func (y *yamlText) tagged(image string, old []string, tag string) []splice {
	var changes []splice
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				walk(c)
				continue
			}
			if n.Kind == yaml.MappingNode && i%2 == 0 {
				continue // a key
			}
			to := ""
			switch name, now, digest := imageParts(c.Value); {
			case slices.Contains(old, c.Value):
				to = tag
			case name == image && digest == "" && slices.Contains(old, now):
				to = image + ":" + tag
			default:
				continue
			}
			if s, ok := y.replace(c, to); ok {
				changes = append(changes, s)
			}
		}
	}
	for _, doc := range y.docs {
		walk(doc)
	}
	return changes
}
