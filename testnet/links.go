package testnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/testnet/link"
)

// pair is two nodes by their numbers, the lower one first, which calls.
type pair struct{ a, b int }

func pairOf(a, b int) pair { return pair{min(a, b), max(a, b)} }

// AllLinks in the place of a node means the links between all of them.
const AllLinks = -1

// MaxLatency is the longest latency of a link: with much more, nodes would give up
// before they have greeted each other.
const MaxLatency = time.Second

// fullMesh is up to how many nodes each is linked with every other one. Beyond,
// each is linked with the next two, and with one on the other side of the ring.
const fullMesh = 8

// mesh is the links between the nodes, and the one goroutine that sees to it that
// what ought to be connected is.
type mesh struct {
	nodes []*Node
	stir  chan struct{} // room for one: there is something to do
	end   context.CancelFunc
	work  sync.WaitGroup // the goroutine, and the calls that it has nodes make

	mu     sync.Mutex
	links  map[pair]*cable
	groups [][]int // the parts of the network; every node is in one
	usual  link.Shape
	shapes map[pair]link.Shape // those that differ
}

// cable is a link with what the mesh knows of it.
type cable struct {
	*link.Link
	wanted    bool
	calling   bool
	connected bool      // the last call has succeeded, and nothing has broken since
	again     time.Time // not to call before
}

const (
	look     = 20 * time.Millisecond  // how often it is seen whether links carry anything
	callTime = 15 * time.Second       // how long a node may take to connect
	pause    = 100 * time.Millisecond // between a call that failed and the next
)

// newMesh returns the links of nodes that are one part, not connected before wire
// is called.
func newMesh(nodes []*Node) *mesh {
	m := &mesh{nodes: nodes, stir: make(chan struct{}, 1), links: map[pair]*cable{}, shapes: map[pair]link.Shape{}}
	m.groups = [][]int{m.numbers()}
	ctx, cancel := context.WithCancel(context.Background())
	m.end = cancel
	m.work.Go(func() { m.keep(ctx) })
	return m
}

// numbers are those of all nodes.
func (m *mesh) numbers() (all []int) {
	for _, nd := range m.nodes {
		all = append(all, nd.ID)
	}
	return all
}

// close ends all links.
func (m *mesh) close() error {
	m.end()
	m.work.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	var err error
	for _, c := range m.links {
		err = errors.Join(err, c.Close())
	}
	m.links = nil
	return err
}

// wire opens the links that the parts of the network should have, between nodes
// that run, and cuts all others. It does not wait.
func (m *mesh) wire() error {
	want := map[pair]bool{}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, group := range m.groups {
		var live []int
		for _, i := range group {
			if m.nodes[i].Alive() {
				live = append(live, i)
			}
		}
		for _, p := range edges(live) {
			want[p] = true
		}
	}
	for p, c := range m.links {
		c.wanted = want[p]
		if !c.wanted {
			c.Cut()
		}
	}
	for p := range want {
		c := m.links[p]
		if c == nil {
			l, err := link.Open(m.nodes[p.b].P2PAddress)
			if err != nil {
				return err
			}
			c = &cable{Link: l, wanted: true}
			m.links[p] = c
			if err := l.SetShape(m.shape(p)); err != nil {
				return err
			}
		}
		c.again = time.Time{}
		c.Mend()
	}
	m.poke()
	return nil
}

// cut cuts all links until wire.
func (m *mesh) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.links {
		c.wanted = false
		c.Cut()
	}
}

// edges are the links within a part of the network.
func edges(nodes []int) (pairs []pair) {
	n := len(nodes)
	for i := range n {
		for j := i + 1; j < n; j++ {
			gap := j - i
			if n <= fullMesh || min(gap, n-gap) <= 2 || gap == n/2 {
				pairs = append(pairs, pairOf(nodes[i], nodes[j]))
			}
		}
	}
	return pairs
}

// poke wakes the goroutine.
func (m *mesh) poke() {
	select {
	case m.stir <- struct{}{}:
	default:
	}
}

// keep has nodes call each other over links that ought to carry a connection and
// do not, until ctx ends.
func (m *mesh) keep(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		for _, p := range m.idle() {
			m.work.Go(func() { m.call(ctx, p) })
		}
		select {
		case <-tick.C:
		case <-m.stir:
		case <-ctx.Done():
			return
		}
	}
}

// idle finds the links over which a call is due.
func (m *mesh) idle() (due []pair) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for p, c := range m.links {
		if c.calling || c.Conns() > 0 && c.connected {
			continue
		}
		c.connected = false
		if c.wanted && now.After(c.again) && m.nodes[p.a].Alive() && m.nodes[p.b].Alive() {
			c.calling = true
			due = append(due, p)
		}
	}
	return due
}

// call has a node call the other one of a pair over their link.
func (m *mesh) call(ctx context.Context, p pair) {
	m.mu.Lock()
	c := m.links[p]
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := m.nodes[p.a].Call(ctx, nil, "addnode", c.Address(), "onetry")
	m.mu.Lock()
	defer m.mu.Unlock()
	c.calling, c.connected = false, err == nil && c.Conns() > 0
	if err != nil {
		c.again = time.Now().Add(pause)
	}
	m.poke()
}

// await waits until all links carry a connection that ought to, and none that ought
// not.
func (m *mesh) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		waits, ok := m.waiting()
		if !ok {
			return nil
		}
		if err := sleep(ctx, 2*time.Millisecond); err != nil {
			return fmt.Errorf("nodes %d and %d are not (dis)connected: %w", waits.a, waits.b, err)
		}
	}
}

// waiting finds a link that is not as it ought to be.
func (m *mesh) waiting() (pair, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, c := range m.links {
		if c.wanted && m.nodes[p.a].Alive() && m.nodes[p.b].Alive() {
			if !c.connected || c.Conns() == 0 {
				return p, true
			}
		} else if c.Conns() > 0 {
			return p, true
		}
	}
	return pair{}, false
}

// shape is how the link of a pair behaves. The mutex is held.
func (m *mesh) shape(p pair) link.Shape {
	if s, ok := m.shapes[p]; ok {
		return s
	}
	return m.usual
}

// reshape changes how the link between two nodes, or every link, behaves.
func (m *mesh) reshape(a, b int, change func(*link.Shape)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a == AllLinks || b == AllLinks {
		change(&m.usual)
		for p, s := range m.shapes {
			change(&s)
			m.shapes[p] = s
		}
	} else {
		s := m.shape(pairOf(a, b))
		change(&s)
		m.shapes[pairOf(a, b)] = s
	}
	var err error
	for p, c := range m.links {
		err = errors.Join(err, c.SetShape(m.shape(p)))
	}
	return err
}

// part returns the part of the network that a node is in.
func (m *mesh) part(node int) []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, group := range m.groups {
		if slices.Contains(group, node) {
			return group
		}
	}
	return nil
}

// parts returns all of them.
func (m *mesh) parts() [][]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.groups)
}

// regroup sets the parts.
func (m *mesh) regroup(groups [][]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.groups = groups
}

// sleep waits, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
