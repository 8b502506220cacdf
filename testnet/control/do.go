package control

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/wire"
)

// The methods that do something to the network, in the order of the table.

// first is the number of the first node that runs.
func (c *call) first() int {
	if n, ok := c.live(); ok {
		return n.ID
	}
	return 0 // which says that it does not
}

// state is the tip of the first node that runs.
func (c *call) state() (any, error) {
	height, tip, err := tipOf(c.ctx, c.cfg.Network.Nodes[c.first()])
	if err != nil {
		return nil, err
	}
	return jsonrpc.Object{{Key: "height", Value: height}, {Key: "tip", Value: tip}}, nil
}

func mine(c *call) (any, error) {
	n := c.cfg.Network
	blocks, node := c.intOr(0, 1), c.intOr(1, c.first())
	if c.err != nil {
		return nil, c.err
	}
	hashes, err := n.Mine(c.ctx, node, blocks)
	if err != nil {
		return nil, err
	}
	o := jsonrpc.Object{{Key: "node", Value: node}}
	var last struct{ Height int }
	if len(hashes) > 0 {
		err = n.Nodes[node].Call(c.ctx, &last, "getblockheader", hashes[len(hashes)-1])
	} else {
		last.Height, _, err = tipOf(c.ctx, n.Nodes[node])
	}
	if err != nil {
		return nil, err
	}
	o.Add("height", last.Height)
	o.Add("blocks", hashes)
	return o, n.Sync(c.ctx)
}

func fund(c *call) (any, error) {
	amount := wire.Coin
	if c.has(1) {
		var err error
		if amount, err = rpc.ParseAmount(c.params.At(1)); err != nil {
			return nil, err
		}
	}
	txid, err := c.cfg.Network.Fund(c.ctx, c.text(0), amount)
	if err != nil {
		return nil, err
	}
	return txid, nil
}

func reorg(c *call) (any, error) {
	depth := c.int(0)
	length := c.intOr(1, min(depth, math.MaxInt32-1)+1)
	if c.err != nil {
		return nil, c.err
	}
	r, err := c.cfg.Network.Reorg(c.ctx, depth, length)
	if err != nil {
		return nil, err
	}
	return jsonrpc.Object{
		{Key: "fork", Value: r.Fork.Height}, {Key: "forkhash", Value: r.Fork.Hash},
		{Key: "old", Value: r.Old}, {Key: "new", Value: r.New},
	}, nil
}

func partition(c *call) (any, error) {
	groups := c.groups(0)
	if c.err != nil {
		return nil, c.err
	}
	if err := c.cfg.Network.Partition(c.ctx, groups...); err != nil {
		return nil, err
	}
	s, err := c.cfg.Network.Status(c.ctx)
	if err != nil {
		return nil, err
	}
	return lists(s.Groups), nil
}

// lists are groups of nodes as the encoder takes them.
func lists(groups [][]int) []any {
	out := make([]any, len(groups))
	for i, group := range groups {
		out[i] = numbers(group)
	}
	return out
}

func numbers(list []int) []any {
	out := make([]any, len(list))
	for i, n := range list {
		out[i] = n
	}
	return out
}

func heal(c *call) (any, error) {
	if err := c.cfg.Network.Heal(c.ctx); err != nil {
		return nil, err
	}
	if err := c.cfg.Network.Sync(c.ctx); err != nil {
		return nil, err
	}
	return c.state()
}

// link reads the two ends of a link, from argument 1 on.
func (c *call) link() (a, b int) {
	if c.has(1) != c.has(2) {
		c.fail("a link has two nodes: a and b")
	}
	if !c.has(1) {
		return testnet.AllLinks, testnet.AllLinks
	}
	a, b = c.int(1), c.int(2)
	if a < 0 || b < 0 {
		c.fail("a node's number is not negative")
	}
	return a, b
}

func setLatency(c *call) (any, error) { return c.delay(c.cfg.Network.SetLatency) }

func setJitter(c *call) (any, error) { return c.delay(c.cfg.Network.SetJitter) }

func (c *call) delay(set func(a, b int, d time.Duration) error) (any, error) {
	ms := c.float(0)
	a, b := c.link()
	if c.err == nil && !(ms >= 0 && ms <= 1e6) {
		c.fail("milliseconds must be from 0 to 1000000, not %s", c.text(0))
	}
	if c.err != nil {
		return nil, c.err
	}
	return nil, set(a, b, time.Duration(ms*float64(time.Millisecond)))
}

func setLoss(c *call) (any, error) {
	percent := c.float(0)
	a, b := c.link()
	if c.err != nil {
		return nil, c.err
	}
	return nil, c.cfg.Network.SetLoss(a, b, percent/100)
}

func ping(c *call) (any, error) {
	a, b := c.int(0), c.int(1)
	if c.err != nil {
		return nil, c.err
	}
	d, err := c.cfg.Network.Ping(c.ctx, a, b)
	if err != nil {
		return nil, err
	}
	return milliseconds(d), nil
}

func kill(c *call) (any, error) {
	node := c.int(0)
	if c.err != nil {
		return nil, c.err
	}
	return nil, c.cfg.Network.Kill(c.ctx, node)
}

func restart(c *call) (any, error) {
	node := c.int(0)
	if c.err != nil {
		return nil, c.err
	}
	return nil, c.cfg.Network.Restart(c.ctx, node)
}

func showTime(c *call) (any, error) {
	now := c.cfg.Network.Now()
	return jsonrpc.Object{
		{Key: "time", Value: now.Unix()},
		{Key: "offset", Value: offset(now)},
	}, nil
}

func setTime(c *call) (any, error) {
	seconds, err := strconv.ParseUint(c.text(0), 10, 32)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "time must be a number of seconds from 0 to %d, not %s", uint32(math.MaxUint32), c.text(0))
	}
	at := time.Unix(int64(seconds), 0)
	if seconds == 0 {
		at = time.Now()
	}
	if err := c.cfg.Network.SetTime(c.ctx, at); err != nil {
		return nil, err
	}
	return showTime(c)
}

func advance(c *call) (any, error) {
	seconds := c.int(0)
	if c.err != nil {
		return nil, c.err
	}
	if err := c.cfg.Network.Advance(c.ctx, time.Duration(seconds)*time.Second); err != nil {
		return nil, err
	}
	return showTime(c)
}

func snapshot(c *call) (any, error) {
	id, err := c.cfg.Network.Snapshot(c.ctx)
	if err != nil {
		return nil, err
	}
	return int(id), nil
}

func revert(c *call) (any, error) {
	id := c.int(0)
	if c.err != nil {
		return nil, c.err
	}
	if err := c.cfg.Network.Revert(c.ctx, testnet.ID(id)); err != nil {
		return nil, err
	}
	return c.state()
}

func setDifficulty(c *call) (any, error) {
	bits, err := testnet.ParseDifficulty(c.text(0))
	if err != nil {
		return nil, err
	}
	stage, err := c.cfg.Network.SetDifficulty(c.ctx, bits, c.text(1) == "true")
	if err != nil {
		return nil, err
	}
	return stageObject(stage), nil
}

// stageObject is a change of the difficulty.
func stageObject(s testnet.Stage) jsonrpc.Object {
	return jsonrpc.Object{
		{Key: "height", Value: s.Height},
		{Key: "bits", Value: fmt.Sprintf("%08x", uint32(s.Bits))},
		{Key: "difficulty", Value: s.Bits.Difficulty()},
		{Key: "retarget", Value: s.Retarget},
	}
}

func showMining(c *call) (any, error) { return miningObject(c.cfg.Network.Mining()), nil }

// miningObject is how blocks come.
func miningObject(m testnet.Mining) jsonrpc.Object {
	shares := []any{}
	for _, share := range m.Shares {
		shares = append(shares, share)
	}
	return jsonrpc.Object{{Key: "mode", Value: m.String()}, {Key: "shares", Value: shares}}
}

func setMining(c *call) (any, error) {
	m, err := testnet.ParseMining(strings.TrimSpace(c.text(0)))
	if err != nil {
		return nil, err
	}
	shares := c.params.At(1)
	for i := range shares.Len() {
		share, err := strconv.ParseFloat(shares.At(i).Text, 64)
		if err != nil || shares.At(i).Kind != jsonrpc.Number {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "shares must be a list of numbers")
		}
		m.Shares = append(m.Shares, share)
	}
	if err := c.cfg.Network.SetMining(c.ctx, m); err != nil {
		return nil, err
	}
	return showMining(c)
}

func syncNodes(c *call) (any, error) {
	if err := c.cfg.Network.SyncPools(c.ctx); err != nil {
		return nil, err
	}
	return c.state()
}

func stop(c *call) (any, error) {
	c.after = c.cfg.Stop
	return "Test network stopping", nil
}
