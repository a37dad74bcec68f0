// Package supervise starts the components of a control plane in a directory,
// watches them, and takes care that none of them outlives it.
package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/fairtide-dev/fairtide/internal/controlplane/layout"
)

// User is a user of the API server besides the administrator.
type User struct {
	Name   string
	Groups []string
}

// Options is what the command line asks for.
type Options struct {
	// Dir holds all state and logs.
	Dir string
	// Nodes is the number of simulated nodes.
	Nodes int
	// PodRules is the file with the behaviour of images.
	PodRules string
	// Contexts are the names of the kubeconfig's contexts. They all lead to
	// this control plane, the first one is the current one.
	Contexts []string
	// Users get a token and a kubeconfig each, and no permissions.
	Users []User
	// Quiet leaves out the progress lines.
	Quiet bool
	// UntilStdinCloses ends the control plane when its standard input ends,
	// which it does when the program that started it is killed.
	UntilStdinCloses bool
	// Stdin, Stdout and Stderr are those of the process.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ParseOptions reads the command line.
func ParseOptions(args []string) (Options, error) {
	opts := Options{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	var users []string
	flags := pflag.NewFlagSet("controlplane", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.StringVar(&opts.Dir, "dir", "", "directory for all state and logs; made if it does not exist")
	flags.IntVar(&opts.Nodes, "nodes", 2, "number of simulated nodes")
	flags.StringVar(&opts.PodRules, "pod-rules", "",
		"YAML file with the behaviour of images, read again whenever it changes (default DIR/"+layout.DefaultPodRules+")")
	flags.StringArrayVar(&opts.Contexts, "context", []string{"fairtide"},
		"name of a context in the kubeconfig; may be given several times, the first is the current one")
	flags.StringArrayVar(&users, "user", nil,
		"NAME:GROUP[,GROUP...] of a further user, whose credentials are in DIR/kubeconfig-NAME; may be given several times")
	flags.BoolVar(&opts.Quiet, "quiet", false, "no progress lines on standard error")
	flags.BoolVar(&opts.UntilStdinCloses, "until-stdin-closes", false, "stop when standard input reaches its end")
	if err := flags.Parse(args); err != nil {
		return Options{}, err
	}
	if flags.NArg() > 0 {
		return Options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for _, text := range users {
		user, err := parseUser(text)
		if err != nil {
			return Options{}, err
		}
		opts.Users = append(opts.Users, user)
	}
	return opts, opts.complete()
}

// complete checks the options and makes paths absolute, since the components
// run in a directory of their own.
func (o *Options) complete() error {
	if o.Dir == "" {
		return errors.New("--dir is required")
	}
	// Node numbers are part of pod addresses.
	if o.Nodes < 1 || o.Nodes > 200 {
		return fmt.Errorf("--nodes must be between 1 and 200, not %d", o.Nodes)
	}
	for _, name := range o.Contexts {
		if name == "" {
			return errors.New("--context must not be empty")
		}
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	if o.PodRules == "" {
		o.PodRules = filepath.Join(o.Dir, layout.DefaultPodRules)
	}
	o.PodRules, err = filepath.Abs(o.PodRules)
	return err
}

// parseUser reads NAME:GROUP[,GROUP...]. The name itself may contain colons,
// as those of service accounts do.
func parseUser(text string) (User, error) {
	colon := strings.LastIndex(text, ":")
	if colon <= 0 || colon == len(text)-1 {
		return User{}, fmt.Errorf("--user %q is not NAME:GROUP[,GROUP...]", text)
	}
	user := User{Name: text[:colon], Groups: strings.Split(text[colon+1:], ",")}
	if strings.ContainsAny(user.Name, "/\\\"\n,") {
		return User{}, fmt.Errorf("--user %q: the name is part of a file name and must not contain any of / \\ \" or ,", text)
	}
	for _, group := range user.Groups {
		if group == "" || strings.ContainsAny(group, "\"\n") {
			return User{}, fmt.Errorf("--user %q: bad group %q", text, group)
		}
	}
	if user.Name == adminName {
		return User{}, fmt.Errorf("--user %q: that user always exists", text)
	}
	return user, nil
}
