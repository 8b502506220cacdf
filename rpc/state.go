package rpc

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// maxStatePool bounds the pool of a state, in bytes as they are in the file that
// savemempool writes: a state is held in memory, by us and by whoever asks for it.
const maxStatePool = 16 << 20

// stateMethods take a node of a test network back to what it was.
func stateMethods() []method {
	return []method{
		{
			name: "getnodestate", category: "hidden", run: getnodestate,
			help: "What setnodestate needs to make the node again what it is now: blocks by their names, the transactions of the pool, and the clock (regtest).",
			results: one(rObject("", "",
				rString("best", "the hash of the best block"),
				rArray("tips", "the ends of all branches", rObject("", "",
					rString("hash", "of the block"),
					rString("status", "as in getchaintips; setnodestate does not need it"))),
				rArray("blocks", "blocks that have not been connected, or are invalid", rObject("", "",
					rString("hash", "of the block"),
					rBool("body", "whether its transactions are there"),
					rBool("connected", "whether it has ever been connected"),
					rBool("invalid", "whether it is invalid by itself"))),
				rString("pool", "the transactions of the pool, as savemempool writes them, in base64"),
				rNumber("mocktime", "where the clock stands, in seconds since 1970; 0: it runs"),
				rNumber("timeoffset", "how many seconds ahead of the machine's clock it runs"))),
			examples: []string{""},
		},
		{
			name: "setnodestate", category: "hidden", run: setnodestate,
			help: "Make the node again what it was when getnodestate returned a state (regtest). Blocks that have come since are forgotten, as if they had never been seen, and may come again; the pool and the clock are what they were. Every peer is disconnected, and may connect again.\n" +
				"Blocks that miners make meanwhile are not kept from being added: stop them before.",
			params: []param{{names: "state", typ: tObject, required: true, help: "What getnodestate has returned", inner: []param{
				need("best", tString, "the hash of the best block"),
				{names: "tips", typ: tArray, required: true, help: "the ends of all branches", inner: []param{
					{names: "", typ: tObject, inner: []param{
						need("hash", tString, "of the block"),
						{names: "status", typ: tString, help: "it is not looked at"}}}}},
				{names: "blocks", typ: tArray, help: "blocks that are not as most", inner: []param{
					{names: "", typ: tObject, inner: []param{
						need("hash", tString, "of the block"),
						need("body", tBool, "whether its transactions are there"),
						need("connected", tBool, "whether it has ever been connected"),
						need("invalid", tBool, "whether it is invalid by itself")}}}},
				need("pool", tString, "the transactions of the pool, in base64"),
				need("mocktime", tNumber, "where the clock stands; 0: it runs"),
				need("timeoffset", tNumber, "how many seconds ahead of the machine's clock it runs")}}},
			results: one(rNull()),
		},
	}
}

func getnodestate(c *call) (any, error) {
	if !c.s.regtest() {
		return nil, errors.New("getnodestate is for regression testing (-regtest mode) only")
	}
	// Until both are of one tip.
	var tree ledger.Checkpoint
	var pool []byte
	for {
		var at wire.BlockRef
		var err error
		if pool, at, err = c.Pool.Dump(); err != nil {
			return nil, err
		}
		if tree = c.Ledger.Checkpoint(); tree.Best == at.Hash {
			break
		}
		if c.ctx.Err() != nil {
			return nil, c.ctx.Err()
		}
	}
	if len(pool) > maxStatePool {
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "The pool has %d bytes; a state may have %d", len(pool), maxStatePool)
	}
	status := map[wire.Hash]string{}
	for _, tip := range c.Ledger.Tips() {
		status[tip.Ref.Hash] = tip.State
	}
	tips := make([]jsonrpc.Object, len(tree.Tips))
	for i, hash := range tree.Tips {
		tips[i].Add("hash", hash.String())
		tips[i].Add("status", status[hash])
	}
	blocks := make([]jsonrpc.Object, len(tree.Marks))
	for i, m := range tree.Marks {
		blocks[i].Add("hash", m.Hash.String())
		blocks[i].Add("body", m.Status.Has(ledger.HaveBody))
		blocks[i].Add("connected", m.Status.Has(ledger.ValidScripts))
		blocks[i].Add("invalid", m.Status.Has(ledger.Failed))
	}
	var o jsonrpc.Object
	o.Add("best", tree.Best.String())
	o.Add("tips", tips)
	o.Add("blocks", blocks)
	o.Add("pool", base64.StdEncoding.EncodeToString(pool))
	o.Add("mocktime", c.s.clock.Mock())
	o.Add("timeoffset", int64(c.s.clock.Offset()/time.Second))
	return o, nil
}

// nodeState is the argument of setnodestate.
type nodeState struct {
	tree         ledger.Checkpoint
	pool         []byte
	mock, offset int64 // seconds
}

func setnodestate(c *call) (any, error) {
	if !c.s.regtest() {
		return nil, errors.New("setnodestate is for regression testing (-regtest mode) only")
	}
	v, ok := c.of(0, jsonrpc.Obj)
	if !ok {
		return nil, c.err
	}
	state, err := readNodeState(v)
	if err != nil {
		return nil, err
	}
	if !c.Pool.Stats().Loaded {
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "The mempool was not loaded yet")
	}
	// A client that leaves does not leave half of it behind.
	ctx := context.WithoutCancel(c.ctx)
	restore := func() error {
		return c.Pool.Restore(state.pool, func() error {
			if err := c.Ledger.Restore(ctx, state.tree); err != nil {
				return err
			}
			c.s.clock.SetOffset(time.Duration(state.offset) * time.Second)
			c.s.clock.SetMock(state.mock)
			return nil
		})
	}
	if c.Network != nil {
		err = c.Network.Restart(c.ctx, restore)
	} else {
		err = restore()
	}
	switch {
	case errors.Is(err, ledger.ErrUnknownBlock):
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "The state is not of this node, or has been left behind by an earlier one: %v", err)
	case errors.Is(err, mempool.ErrFile):
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "The pool of the state cannot be read: %v", err)
	case errors.Is(err, ledger.ErrCheckpoint), errors.Is(err, mempool.ErrLeftOut):
		return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "%v", err)
	case err != nil && c.ctx.Err() == nil:
		return nil, jsonrpc.Errorf(jsonrpc.CodeDatabase, "%v", err)
	}
	return nil, err
}

// readNodeState reads a state, every member of which must be there.
func readNodeState(v *jsonrpc.Value) (s nodeState, err error) {
	fail := func(e error) {
		if err == nil {
			err = e
		}
	}
	get := func(v *jsonrpc.Value, name string, want jsonrpc.Kind) *jsonrpc.Value {
		m := v.Get(name)
		if m.Kind != want {
			fail(jsonrpc.Errorf(jsonrpc.CodeType, "state: %s is a JSON value of type %s, not %s", name, m.Kind, want))
		}
		return m
	}
	hash := func(v *jsonrpc.Value, name string) (hash wire.Hash) {
		if text := get(v, name, jsonrpc.String).Text; err == nil {
			var bad error
			if hash, bad = parseHash(text, name); bad != nil {
				fail(bad)
			}
		}
		return hash
	}
	number := func(name string) (n int64) {
		if m := get(v, name, jsonrpc.Number); err == nil {
			var bad error
			if n, bad = parseInt(m, 64); bad != nil {
				fail(bad)
			}
		}
		return n
	}
	s.tree.Best = hash(v, "best")
	tips := get(v, "tips", jsonrpc.Array)
	for i := range tips.Len() {
		s.tree.Tips = append(s.tree.Tips, hash(tips.At(i), "hash"))
	}
	if blocks := v.Get("blocks"); !blocks.IsNull() {
		blocks = get(v, "blocks", jsonrpc.Array)
		for i := range blocks.Len() {
			b := blocks.At(i)
			m := ledger.Mark{Hash: hash(b, "hash")}
			for _, bit := range []struct {
				name   string
				status ledger.Status
			}{{"body", ledger.HaveBody}, {"connected", ledger.ValidScripts}, {"invalid", ledger.Failed}} {
				if get(b, bit.name, jsonrpc.Bool).Text == "true" {
					m.Status |= bit.status
				}
			}
			s.tree.Marks = append(s.tree.Marks, m)
		}
	}
	if text := get(v, "pool", jsonrpc.String).Text; err == nil {
		var bad error
		if s.pool, bad = base64.StdEncoding.DecodeString(text); bad != nil {
			fail(jsonrpc.Errorf(jsonrpc.CodeDeserialization, "state: pool is not base64"))
		}
	}
	s.mock, s.offset = number("mocktime"), number("timeoffset")
	switch {
	case err != nil:
	case s.mock < 0 || s.mock > MaxMockTime:
		err = jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Mocktime must be in the range [0, %d], not %d.", int64(MaxMockTime), s.mock)
	default:
		err = checkOffset(s.offset)
	}
	return s, err
}
