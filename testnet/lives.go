package testnet

import (
	"context"
)

// Kill ends a node at once, as if its machine had failed: a process by SIGKILL. In
// process there is no way to do that, and the node ends cleanly.
func (n *Network) Kill(ctx context.Context, node int) error {
	nd, err := n.live(node)
	if err != nil {
		return err
	}
	return n.inTurn(ctx, func(ctx context.Context) error {
		if err := nd.life().kill(); err != nil {
			return err
		}
		return n.settle(ctx)
	})
}

// Restart starts a node again on its data and its ports, after it was stopped if it
// runs. It returns when the node is connected; Sync waits until it has caught up.
func (n *Network) Restart(ctx context.Context, node int) error {
	nd, err := n.node(node)
	if err != nil {
		return err
	}
	return n.inTurn(ctx, func(ctx context.Context) error {
		if nd.Alive() {
			if err := nd.life().stop(); err != nil {
				return err
			}
		}
		if err := n.revive(ctx, nd); err != nil {
			return err
		}
		return n.settle(ctx)
	})
}

// revive starts a node and gives it the network's clock.
func (n *Network) revive(ctx context.Context, nd *Node) error {
	if err := n.launch(ctx, nd); err != nil {
		return err
	}
	return n.clock(ctx, nd)
}

// settle does what follows when a node has come or gone: it connects those that run
// and tells them who mines.
func (n *Network) settle(ctx context.Context) error {
	if err := n.mesh.wire(); err != nil {
		return err
	}
	if err := n.mesh.await(ctx); err != nil {
		return err
	}
	return n.work(ctx)
}

// restartAll stops all nodes that run and starts them again.
func (n *Network) restartAll(ctx context.Context) error {
	n.mesh.cut()
	return n.eachLive(func(nd *Node) error {
		if err := nd.life().stop(); err != nil {
			return err
		}
		return n.revive(ctx, nd)
	})
}
