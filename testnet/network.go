package testnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/wire"
)

// Network is a running test network. Its methods may be called from any
// goroutine; those that change something take turns.
type Network struct {
	// Nodes and Accounts do not change.
	Nodes    []*Node
	Accounts []Account

	given  Config // as the caller gave it
	cfg    Config // with defaults, and with what a folder that was kept has
	ports  [][3]uint16
	purse  *purse
	unlock func() error

	mesh *mesh
	ctx  context.Context // ends with the network
	end  context.CancelFunc

	turn chan struct{} // holds one token; whoever has it changes the network
	book *book         // for who has the turn

	// Who has the turn writes these, with the mutex, and may read them without.
	mu        sync.Mutex
	offset    time.Duration // of the clocks, whole seconds ahead of the machine's
	mining    Mining
	ready     bool
	hashRate  float64 // of all nodes together, in the modes that have one
	stages    []Stage
	snapshots []snapshot
	lastID    ID

	closing sync.Once
	closed  error
}

// Up starts a network. It returns when all nodes serve calls, have the chain with
// which the network begins, and are connected. If ctx ends before, it stops what it
// has started; afterwards ctx has no effect, and Close ends the network. Errors are
// one line for the user; see ErrArgument and ErrInUse.
func Up(ctx context.Context, cfg Config) (*Network, error) {
	n := &Network{given: cfg, turn: make(chan struct{}, 1)}
	n.turn <- struct{}{}
	n.ctx, n.end = context.WithCancel(context.Background())
	var err error
	if n.cfg, err = cfg.normal(); err != nil {
		return nil, err
	}
	if err := n.lock(); err != nil {
		return nil, err
	}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// lock makes the network's folder and takes it.
func (n *Network) lock() error {
	disk := fsys.Disk(n.cfg.Dir)
	if err := disk.MkdirAll("."); err != nil {
		return err
	}
	lock, err := disk.Lock("testnet.lock")
	if errors.Is(err, fsys.ErrLocked) {
		return fmt.Errorf("the folder %s is %w: another test network runs there", n.cfg.Dir, ErrInUse)
	}
	if err != nil {
		return err
	}
	n.unlock = lock.Close
	return nil
}

// start brings the nodes up.
func (n *Network) start(ctx context.Context) error {
	goesOn, err := n.resume()
	if err != nil {
		return err
	}
	if n.purse, err = newPurse(n.cfg.Seed, n.cfg.Accounts, n.cfg.Nodes); err != nil {
		return err
	}
	n.Accounts = slices.Clone(n.purse.accounts)
	n.book = newBook(n.purse.faucets)
	if err := n.place(); err != nil {
		return err
	}
	if goesOn {
		if err := n.all(func(nd *Node) error { return n.revive(ctx, nd) }); err != nil {
			return err
		}
	} else {
		blocks, err := n.purse.fundingChain(time.Now())
		if err != nil {
			return err
		}
		if err := n.save(); err != nil { // before there is something to tell of
			return err
		}
		if err := n.all(func(nd *Node) error { return n.found(ctx, nd, blocks) }); err != nil {
			return err
		}
		n.book.apply(regtest.Genesis)
		for _, b := range blocks {
			n.book.apply(b)
		}
	}
	if n.hashRate, err = n.rate(ctx, &n.cfg.Mining); err != nil {
		return err
	}
	n.mining = n.cfg.Mining
	if err := n.settle(ctx); err != nil {
		return err
	}
	n.ready = true
	return n.save()
}

// place gives each node its folder and ports.
func (n *Network) place() error {
	if n.ports == nil {
		if err := n.choosePorts(); err != nil {
			return err
		}
	}
	for i, ports := range n.ports {
		for _, p := range ports {
			if !isFree(p) {
				return fmt.Errorf("port %d of node %d is %w", p, i, ErrInUse)
			}
		}
	}
	for i, ports := range n.ports {
		nd := &Node{ID: i, Dir: n.dirOf(i), RPCAddress: at(ports[0]), P2PAddress: at(ports[1]), ExplorerAddress: at(ports[2])}
		nd.client = client.New(client.Config{Address: nd.RPCAddress, User: n.cfg.User, Password: n.cfg.Password})
		n.Nodes = append(n.Nodes, nd)
	}
	n.mesh = newMesh(n.Nodes)
	return nil
}

// dirOf is the folder of a node.
func (n *Network) dirOf(node int) string {
	return filepath.Join(n.cfg.Dir, "node"+strconv.Itoa(node))
}

// choosePorts gives each node three ports.
func (n *Network) choosePorts() error {
	var free []uint16
	if n.cfg.BasePort == 0 {
		var err error
		if free, err = freePorts(3 * n.cfg.Nodes); err != nil {
			return err
		}
	}
	for i := range n.cfg.Nodes {
		if base := n.cfg.BasePort + uint16(i*portStep); n.cfg.BasePort != 0 {
			n.ports = append(n.ports, [3]uint16{base, base + 1, base + 2})
		} else {
			n.ports = append(n.ports, [3]uint16(free[3*i:]))
		}
	}
	return nil
}

// found starts a node for the first time, with the chain of the beginning.
func (n *Network) found(ctx context.Context, nd *Node, blocks []*wire.Block) error {
	if err := os.MkdirAll(nd.Dir, 0o700); err != nil {
		return err
	}
	cfg, err := load(n.args(nd))
	if err != nil {
		return err
	}
	if err := plant(ctx, cfg, blocks); err != nil {
		return fmt.Errorf("node %d: %w", nd.ID, err)
	}
	return n.launch(ctx, nd)
}

// Close stops all nodes and waits until everything has ended. Unless the network
// is to be kept, the folders of the nodes are removed. What is under way ends with
// ErrClosed.
func (n *Network) Close() error {
	n.closing.Do(func() { n.closed = n.close() })
	return n.closed
}

func (n *Network) close() error {
	n.end()
	<-n.turn
	defer func() { n.turn <- struct{}{} }()
	var err error
	if n.mesh != nil {
		err = n.mesh.close()
	}
	err = errors.Join(err, n.all(func(nd *Node) error {
		defer nd.client.Close()
		if r := nd.life(); r != nil && nd.Alive() {
			return r.stop()
		}
		return nil
	}))
	if !n.cfg.Keep && n.Nodes != nil {
		err = errors.Join(err, n.clear(len(n.Nodes)))
	}
	return errors.Join(err, n.unlock())
}

// Descriptor is the ranged descriptor of the accounts' addresses, with the private
// key or with the public one.
func (n *Network) Descriptor(private bool) string {
	if private {
		return n.purse.private
	}
	return n.purse.public
}

// Credentials are the user and the password of all nodes' JSON-RPC.
func (n *Network) Credentials() (user, password string) { return n.cfg.User, n.cfg.Password }

// Seed is the text from which the keys come.
func (n *Network) Seed() string { return n.cfg.Seed }

// Dir is the folder of the network.
func (n *Network) Dir() string { return n.cfg.Dir }

// all does something with all nodes at the same time, and returns what went wrong
// in the order of the nodes.
func (n *Network) all(f func(*Node) error) error {
	errs := make([]error, len(n.Nodes))
	var each sync.WaitGroup
	for i, nd := range n.Nodes {
		each.Go(func() { errs[i] = f(nd) })
	}
	each.Wait()
	return errors.Join(errs...)
}

// eachLive is all for the nodes that run.
func (n *Network) eachLive(f func(*Node) error) error {
	return n.all(func(nd *Node) error {
		if !nd.Alive() {
			return nil
		}
		return f(nd)
	})
}

// inTurn does something that changes the network when nobody else does. The context
// that it hands on ends with the network, too.
func (n *Network) inTurn(ctx context.Context, f func(context.Context) error) error {
	select {
	case <-n.turn:
	case <-ctx.Done():
		return ctx.Err()
	case <-n.ctx.Done():
		return ErrClosed
	}
	defer func() { n.turn <- struct{}{} }()
	if n.ctx.Err() != nil {
		return ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.ctx, cancel)()
	err := f(ctx)
	if err != nil && n.ctx.Err() != nil {
		return ErrClosed
	}
	return err
}

// node returns a node by its number.
func (n *Network) node(i int) (*Node, error) {
	if i < 0 || i >= len(n.Nodes) {
		return nil, bad("node %d: the nodes are 0 to %d", i, len(n.Nodes)-1)
	}
	return n.Nodes[i], nil
}

// live returns a node that runs, by its number.
func (n *Network) live(i int) (*Node, error) {
	nd, err := n.node(i)
	if err == nil && !nd.Alive() {
		err = nd.down()
	}
	return nd, err
}

// first returns the first node that runs.
func (n *Network) first() (*Node, error) {
	for _, nd := range n.Nodes {
		if nd.Alive() {
			return nd, nil
		}
	}
	return nil, fmt.Errorf("every node: %w", ErrDown)
}
