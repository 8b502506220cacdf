package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/wire"
)

// tipOf is the end of a node's active chain.
func tipOf(ctx context.Context, n *testnet.Node) (height int, tip wire.Hash, err error) {
	var chain struct {
		Blocks        int
		BestBlockHash wire.Hash
	}
	err = n.Call(ctx, &chain, "getblockchaininfo")
	return chain.Blocks, chain.BestBlockHash, err
}

func status(c *call) (any, error) { return c.status(c.ctx) }

// status is the state of the network; the help of testnet_status has the shape.
func (s *Server) status(ctx context.Context) (jsonrpc.Object, error) {
	n := s.cfg.Network
	st, err := n.Status(ctx)
	if err != nil {
		return nil, err
	}
	var (
		o      jsonrpc.Object
		nodes  = []jsonrpc.Object{}
		first  *testnet.NodeStatus
		synced = true
	)
	for i := range st.Nodes {
		nd := &st.Nodes[i]
		row := jsonrpc.Object{
			{Key: "id", Value: nd.ID},
			{Key: "alive", Value: nd.Alive},
			{Key: "rpc", Value: n.Nodes[i].RPCAddress},
			{Key: "p2p", Value: n.Nodes[i].P2PAddress},
			{Key: "explorer", Value: "http://" + n.Nodes[i].ExplorerAddress + "/"},
		}
		if nd.Alive {
			if first == nil {
				first = nd
			}
			synced = synced && nd.Tip == first.Tip
			row.Add("height", nd.Tip.Height)
			row.Add("tip", nd.Tip.Hash)
			row.Add("pool", nd.Pool)
			row.Add("peers", numbers(nd.Peers))
		}
		nodes = append(nodes, row)
	}
	if first != nil {
		o.Add("height", first.Tip.Height)
		o.Add("tip", first.Tip.Hash)
	}
	o.Add("synced", synced)
	o.Add("nodes", nodes)
	o.Add("groups", lists(st.Groups))
	links := []jsonrpc.Object{}
	for _, l := range st.Links {
		links = append(links, jsonrpc.Object{
			{Key: "a", Value: l.A}, {Key: "b", Value: l.B},
			{Key: "connected", Value: l.Connected},
			{Key: "latency", Value: milliseconds(l.Latency)},
			{Key: "jitter", Value: milliseconds(l.Jitter)},
			{Key: "loss", Value: percent(l.Loss)},
		})
	}
	o.Add("links", links)
	o.Add("time", st.Now.Unix())
	o.Add("offset", offset(st.Now))
	o.Add("mining", miningObject(st.Mining))
	stages := []jsonrpc.Object{}
	for _, stage := range st.Stages {
		stages = append(stages, stageObject(stage))
	}
	o.Add("stages", stages)
	snapshots := []any{}
	for _, id := range st.Snapshots {
		snapshots = append(snapshots, int(id))
	}
	o.Add("snapshots", snapshots)
	o.Add("control", s.URL("/"))
	o.Add("explorer", s.URL("/"))
	return o, nil
}

// offset is how far the clock of the nodes, of which now is the time, is ahead of
// the machine's, in seconds.
func offset(now time.Time) int64 { return int64(time.Until(now).Round(time.Second) / time.Second) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// percent is a part of one as a part of a hundred, without the noise of binary
// fractions.
func percent(part float64) float64 { return math.Round(part*1e8) / 1e6 }

// accounts shows the accounts with their coins.
func accounts(c *call) (any, error) {
	list := []jsonrpc.Object{}
	for i, a := range c.cfg.Network.Accounts {
		balance, err := c.balance(c.ctx, a.Address)
		if err != nil {
			return nil, err
		}
		list = append(list, jsonrpc.Object{
			{Key: "index", Value: i},
			{Key: "address", Value: a.Address},
			{Key: "wif", Value: a.WIF},
			{Key: "descriptor", Value: a.Descriptor},
			{Key: "balance", Value: balance},
		})
	}
	return list, nil
}

// maxStats is more than the statistics of an address are long, in bytes.
const maxStats = 64 << 10

// balance is what an address has in the chain of the first node that runs, whose
// Esplora interface knows.
func (s *Server) balance(ctx context.Context, address string) (wire.Amount, error) {
	n, ok := s.live()
	if !ok {
		return 0, fmt.Errorf("every node: %w", testnet.ErrDown)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.ExplorerAddress+"/api/address/"+address, nil)
	if err != nil {
		return 0, err
	}
	resp, err := s.nodes.RoundTrip(req)
	if err != nil {
		return 0, fmt.Errorf("the explorer of node %d does not answer: %w", n.ID, err)
	}
	defer resp.Body.Close()
	var stats struct {
		Chain struct {
			Funded wire.Amount `json:"funded_txo_sum"`
			Spent  wire.Amount `json:"spent_txo_sum"`
		} `json:"chain_stats"`
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxStats))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	if err == nil {
		err = json.Unmarshal(text, &stats)
	}
	if err != nil {
		return 0, fmt.Errorf("the explorer of node %d: %w", n.ID, err)
	}
	return stats.Chain.Funded - stats.Chain.Spent, nil
}

// live returns the first node that runs.
func (s *Server) live() (*testnet.Node, bool) {
	for _, n := range s.cfg.Network.Nodes {
		if n.Alive() {
			return n, true
		}
	}
	return nil, false
}
