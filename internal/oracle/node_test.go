package oracle

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/node"
	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// nodeChain plays to a whole node, through its JSON-RPC server.
type nodeChain struct{ rpc *client.Client }

// startNode runs a regtest node in a folder of its own until the test ends.
func startNode(t *testing.T) nodeChain {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load([]string{"--network=regtest", "--datadir=" + dir, "--rpcport=" + port, "--listen=0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx, cfg, zerolog.Nop()) }()
	c := nodeChain{client.New(client.Config{Address: address, CookieFile: filepath.Join(cfg.Dir, ".cookie"), Timeout: time.Minute})}
	t.Cleanup(func() {
		c.rpc.Close()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("node: %v", err)
		}
	})
	for {
		_, err := c.rpc.Call(ctx, "getblockcount")
		if err == nil {
			return c
		}
		select {
		case err := <-ended:
			ended <- nil
			t.Fatalf("node ended: %v", err)
		case <-t.Context().Done():
			t.Fatalf("node does not answer: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// freeAddress returns a local address that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (c nodeChain) call(t *testing.T, method string, args ...any) jsonrpc.Value {
	t.Helper()
	v, err := c.rpc.Call(t.Context(), method, args...)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return v
}

func (c nodeChain) submit(t *testing.T, raw []byte) string {
	v, err := c.rpc.Call(t.Context(), "submitblock", hex.EncodeToString(raw))
	if e, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return e.Message
	}
	if err != nil {
		t.Fatal(err)
	}
	return v.Text // of null it is empty
}

func (c nodeChain) tip(t *testing.T) wire.BlockRef {
	best, count := c.call(t, "getbestblockhash"), c.call(t, "getblockcount")
	height, err := strconv.ParseUint(count.Text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return wire.BlockRef{Height: uint32(height), Hash: wire.MustHash(best.Text)}
}

func (c nodeChain) unspent(t *testing.T, op wire.OutPoint) bool {
	// In the chain: transactions of blocks that were left are in the pool again.
	v := c.call(t, "gettxout", op.TxID.String(), op.Index, false)
	return !v.IsNull()
}

// TestFullBlocksRPC plays the sequence of full blocks through submitblock.
func TestFullBlocksRPC(t *testing.T) { playFullBlocks(t, startNode(t), false) }
