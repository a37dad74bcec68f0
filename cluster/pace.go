package cluster

import (
	"context"
	"net/http"
	"sync/atomic"

	"k8s.io/client-go/util/flowcontrol"
)

// pace is the client's limit on requests: none, as long as the server looks
// after itself. Its priority and fairness makes a client wait, by 429 and
// Retry-After, which client-go honours; client-go's own default of 5 requests a
// second would make a plan of 500 objects take minutes. A server that has
// priority and fairness turned off is treated as kubectl treats every server.
type pace struct {
	limited atomic.Bool
	limit   flowcontrol.RateLimiter
}

// What kubectl allows itself.
const (
	kubectlQPS   = 50
	kubectlBurst = 300
)

// fairnessHeader is on every answer that priority and fairness has let through.
const fairnessHeader = "X-Kubernetes-Pf-Flowschema-Uid"

func newPace() *pace {
	return &pace{limit: flowcontrol.NewTokenBucketRateLimiter(kubectlQPS, kubectlBurst)}
}

// observe learns from an answer whether the server looks after itself. A
// refusal may come from in front of it and says nothing.
func (p *pace) observe(resp *http.Response) {
	if resp.StatusCode == http.StatusOK {
		p.limited.Store(resp.Header.Get(fairnessHeader) == "")
	}
}

func (p *pace) TryAccept() bool { return !p.limited.Load() || p.limit.TryAccept() }

func (p *pace) Accept() {
	if p.limited.Load() {
		p.limit.Accept()
	}
}

func (p *pace) Wait(ctx context.Context) error {
	if p.limited.Load() {
		return p.limit.Wait(ctx)
	}
	return nil
}

func (p *pace) Stop() { p.limit.Stop() }

func (p *pace) QPS() float32 {
	if p.limited.Load() {
		return p.limit.QPS()
	}
	return -1
}
