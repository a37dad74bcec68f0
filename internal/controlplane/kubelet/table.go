package kubelet

import (
	"fmt"
	"sync"
)

// podTable finds the pods of all nodes by name and by address.
type podTable struct {
	mu    sync.Mutex
	names map[string]*worker
	ips   map[string]*worker
	// last is the last address given away, per node.
	last map[int]int
}

func newPodTable() *podTable {
	return &podTable{names: map[string]*worker{}, ips: map[string]*worker{}, last: map[int]int{}}
}

func (t *podTable) add(w *worker) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names[w.namespace+"/"+w.name] = w
}

// remove forgets a pod, unless another one has its name by now.
func (t *podTable) remove(w *worker) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if key := w.namespace + "/" + w.name; t.names[key] == w {
		delete(t.names, key)
	}
	for ip, owner := range t.ips {
		if owner == w {
			delete(t.ips, ip)
		}
	}
}

func (t *podTable) byName(namespace, name string) *worker {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.names[namespace+"/"+name]
}

func (t *podTable) byIP(ip string) *worker {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ips[ip]
}

// assignIP gives a pod its address: the one it has already, if it is free, or
// the next one of its node. Addresses are handed out in turn, so that one is
// not used again right after its pod has gone.
func (t *podTable) assignIP(w *worker, have string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if have != "" && t.ips[have] == nil {
		t.ips[have] = w
		return have
	}
	// A node has room for fewer pods than there are addresses.
	for {
		n := t.last[w.node.index]%250 + 1
		t.last[w.node.index] = n
		ip := fmt.Sprintf("10.244.%d.%d", w.node.index, n+1)
		if t.ips[ip] == nil {
			t.ips[ip] = w
			return ip
		}
	}
}
