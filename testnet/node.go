package testnet

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// Node is one node of a Network. Its fields do not change.
type Node struct {
	ID int // from 0
	// RPCAddress, P2PAddress and ExplorerAddress are where the node listens, as
	// HOST:PORT, also after it was killed and restarted.
	RPCAddress, P2PAddress, ExplorerAddress string
	Dir                                     string // the data folder, as datadir takes it

	client *client.Client

	mu  sync.Mutex
	run run // nil before the first start
}

// run is one life of a node.
type run interface {
	// ended is closed when the node has ended.
	ended() <-chan struct{}
	// stop has the node end cleanly, kill at once as far as there is a way; both
	// return when it has, with what went wrong.
	stop() error
	kill() error
}

// Client calls the node's JSON-RPC.
func (nd *Node) Client() *client.Client { return nd.client }

// Call calls a method of the node's JSON-RPC, with arguments as
// jsonrpc.Append takes them. result, if it is not nil, takes what encoding/json
// makes of the answer. Errors are those of package client, and ErrDown for a node
// that does not run.
func (nd *Node) Call(ctx context.Context, result any, method string, args ...any) error {
	v, err := nd.value(ctx, method, args...)
	if err != nil || result == nil {
		return err
	}
	if err := json.Unmarshal(jsonrpc.Append(nil, v), result); err != nil {
		return fmt.Errorf("node %d: answer to %s: %w", nd.ID, method, err)
	}
	return nil
}

// value is Call with the answer as it came.
func (nd *Node) value(ctx context.Context, method string, args ...any) (jsonrpc.Value, error) {
	if !nd.Alive() {
		return jsonrpc.Value{}, nd.down()
	}
	v, err := nd.client.Call(ctx, method, args...)
	if err != nil {
		return v, fmt.Errorf("node %d: %s: %w", nd.ID, method, err)
	}
	return v, nil
}

// Alive reports whether the node runs.
func (nd *Node) Alive() bool {
	r := nd.life()
	if r == nil {
		return false
	}
	select {
	case <-r.ended():
		return false
	default:
		return true
	}
}

func (nd *Node) life() run {
	nd.mu.Lock()
	defer nd.mu.Unlock()
	return nd.run
}

func (nd *Node) live(r run) {
	nd.mu.Lock()
	defer nd.mu.Unlock()
	nd.run = r
}

// down is the error about a node that does not run.
func (nd *Node) down() error { return fmt.Errorf("node %d: %w", nd.ID, ErrDown) }

// name is what the node calls itself among peers.
func (nd *Node) name() string { return "testnet-" + strconv.Itoa(nd.ID) }

// port is the port of HOST:PORT.
func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
