package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fairtide-dev/fairtide/internal/demo/stage"
)

// controlVariable names the file that leads to a running demo's control.
const controlVariable = "FAIRTIDE_DEMO"

// address is where a running demo listens, and the token it wants.
type address struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// control lets another process play the parts of the others: a reviewer, CI,
// the build of a service. It listens on loopback only.
type control struct {
	stage *stage.Stage
	token string
	file  string // holds the address, for its owner only
	http  *http.Server
}

func startControl(ctx context.Context, s *stage.Stage, dir string) (*control, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &control{stage: s, token: rand.Text(), file: filepath.Join(dir, "control.json")}
	data, err := json.Marshal(address{URL: "http://" + l.Addr().String(), Token: c.token})
	if err == nil {
		err = os.WriteFile(c.file, data, 0o600)
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	for part, do := range map[string]func(r *http.Request) (string, error){
		"approve": c.approve, "check": c.check, "push-image": c.pushImage, "slack": c.slack,
	} {
		mux.HandleFunc("POST /"+part, func(w http.ResponseWriter, r *http.Request) { c.answer(w, r, do) })
	}
	c.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.http.Serve(l) }() // ends with close
	return c, nil
}

func (c *control) close() error { return c.http.Close() }

func (c *control) answer(w http.ResponseWriter, r *http.Request, do func(r *http.Request) (string, error)) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+c.token)) != 1 {
		http.Error(w, "this is not the demo's token", http.StatusUnauthorized)
		return
	}
	text, err := do(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, text+"\n") // whoever asked has gone
}

func (c *control) approve(r *http.Request) (string, error) {
	number, err := strconv.Atoi(r.FormValue("what"))
	if err != nil {
		return "", fmt.Errorf("%q is not the number of a pull request", r.FormValue("what"))
	}
	who := r.FormValue("as")
	if who == "" {
		who = "dev2"
	}
	return fmt.Sprintf("%s approved #%d", who, number), c.stage.Approve(number, who)
}

func (c *control) check(r *http.Request) (string, error) {
	number, err := strconv.Atoi(r.FormValue("what"))
	if err != nil {
		return "", fmt.Errorf("%q is not the number of a pull request", r.FormValue("what"))
	}
	state := r.FormValue("as")
	switch state {
	case "":
		state = "success"
	case "success", "failure", "in_progress":
	default:
		return "", fmt.Errorf("%q is none of success, failure, in_progress", state)
	}
	return fmt.Sprintf("check %s of #%d: %s", stage.Check, number, state), c.stage.Check(r.Context(), number, state)
}

func (c *control) pushImage(r *http.Request) (string, error) {
	image := "petstore/" + r.FormValue("what")
	return "pushed ghcr.io/" + image, c.stage.Registry.Push(r.Context(), image)
}

func (c *control) slack(*http.Request) (string, error) { return slackText(c.stage), nil }

// slackText is what stands in the channel, with the threads.
func slackText(s *stage.Stage) string {
	text := "#" + stage.Channel + " in Slack:"
	for _, m := range s.Slack.Messages(stage.Channel) {
		text += "\n  " + m.Text
		for _, reply := range s.Slack.Replies(m) {
			text += "\n      " + reply.Text
		}
	}
	return text
}

// usage says which parts there are to play.
const usage = `approve NUMBER [LOGIN]      approve a pull request, as dev2
check NUMBER [STATE]        report a check on its head: success, failure or in_progress
push-image NAME:TAG         publish an image, such as petstore:1.5.0
slack                       show what Slack was told`

// play plays a part in the running demo that file leads to.
func play(ctx context.Context, file string, args []string, out io.Writer) error {
	form := map[string]string{}
	switch {
	case args[0] == "slack" && len(args) == 1:
	case (args[0] == "approve" || args[0] == "check") && (len(args) == 2 || len(args) == 3):
		form["what"] = args[1]
		if len(args) == 3 {
			form["as"] = args[2]
		}
	case args[0] == "push-image" && len(args) == 2:
		form["what"] = args[1]
	default:
		return fmt.Errorf("it is one of\n%s", usage)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("no demo is running here: start `make demo`, and in this terminal: source %s", filepath.Join("bin", pointerFile))
	}
	var to address
	if err := json.Unmarshal(data, &to); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return send(ctx, to, args[0], form, out)
}
