package attack

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// chainLies are attacks by headers.
func chainLies() []Attack {
	return []Attack{
		{Name: "headers without proof of work", Fate: Banned, Run: serveHeaders(func(c *Conn, _ *message.HeadersRequest) []wire.Header {
			list := c.chain(c.prev(), uint32(time.Now().Unix()), 10)
			last := &list[len(list)-1]
			target, _ := pow.Bits(last.Bits).Target()
			for target.Met(last.Hash()) {
				last.Nonce++
			}
			return list
		})},
		{Name: "headers with other bits", Fate: Banned, Run: serveHeaders(func(c *Conn, _ *message.HeadersRequest) []wire.Header {
			h := c.unsolved(c.prev())
			h.Bits = 0x207ffffe
			target, _ := pow.Bits(h.Bits).Target()
			for !target.Met(h.Hash()) {
				h.Nonce++
			}
			return []wire.Header{h}
		})},
		{Name: "headers of long ago", Fate: Banned, Run: serveHeaders(func(c *Conn, _ *message.HeadersRequest) []wire.Header {
			return c.chain(c.prev(), 1_500_000_000, 1)
		})},
		{Name: "headers that follow nothing", Fate: Banned, Run: serveHeaders(func(c *Conn, _ *message.HeadersRequest) []wire.Header {
			return c.chain(c.hash(), uint32(time.Now().Unix()), 2000)
		})},
		{Name: "headers in disorder", Fate: Banned, Run: serveHeaders(func(c *Conn, _ *message.HeadersRequest) []wire.Header {
			list := c.chain(c.prev(), uint32(time.Now().Unix()), 10)
			list[3], list[4] = list[4], list[3]
			return list
		})},
		// As many short chains of real work as the attacker can tell of: none has enough
		// of it to be kept.
		{Name: "low-work headers", Fate: Borne, Run: serveHeaders(func(c *Conn, _ *message.HeadersRequest) []wire.Header {
			return c.chain(c.Victim.Params.GenesisHash, 1_600_000_000+rand.Uint32N(1<<20), 20)
		})},
		{Name: "flood of low-work headers told of", Fate: Borne, Run: flood(func(c *Conn) message.Message {
			h := c.unsolved(c.Victim.Params.GenesisHash)
			h.Time = 1_600_000_000 + rand.Uint32N(1<<20)
			return &message.Have{Header: c.solve(h)}
		})},
		{Name: "flood of headers without proof of work told of", Fate: Banned, Run: flood(func(c *Conn) message.Message {
			h := c.unsolved(c.prev())
			target, _ := pow.Bits(h.Bits).Target()
			for target.Met(h.Hash()) {
				h.Nonce++
			}
			return &message.Have{Header: h}
		})},
		{Name: "flood of headers told of that follow nothing", Fate: Borne, Run: flood(func(c *Conn) message.Message {
			return &message.Have{Header: c.child(c.hash())}
		})},
		{Name: "a chain of claims", Fate: Borne, Run: func(ctx context.Context, c *Conn) {
			// Answers, at once, that it has nothing of what it claims.
			for _, name := range message.Requests() {
				c.Serve(name, func(_ []byte, answer io.Writer) error {
					_, err := answer.Write(message.AppendFrame(nil, []byte{0}))
					return err
				})
			}
			c.beAsked(ctx)
		}},
	}
}

// serveHeaders tells of blocks and answers the question for their headers.
func serveHeaders(f func(c *Conn, request *message.HeadersRequest) []wire.Header) func(context.Context, *Conn) {
	return func(ctx context.Context, c *Conn) {
		c.Serve(message.NameHeaders, func(request []byte, answer io.Writer) error {
			m, err := message.DecodeHeadersRequest(request)
			if err != nil {
				return err
			}
			list := &message.Headers{Headers: f(c, m)}
			_, err = answer.Write(message.AppendFrame(nil, list.Append(nil)))
			return err
		})
		every(ctx, c, 200*time.Millisecond, func() error { return c.Send(&message.Have{Header: c.child(c.hash())}) })
		hold(ctx, c)
	}
}

// solve does the work of a header.
func (c *Conn) solve(h wire.Header) wire.Header {
	target, err := pow.Bits(h.Bits).Target()
	if err != nil {
		panic(err)
	}
	for !target.Met(h.Hash()) {
		h.Nonce++
	}
	return h
}

// blockLies are attacks by blocks.
func blockLies() []Attack {
	return []Attack{
		{Name: "blocks that take too much", Fate: Banned, Asked: true, Guilty: lied, Run: serveBlock(nil, nil)},
		{Name: "blocks of another height", Fate: Banned, Asked: true, Guilty: lied, Run: serveBlock(func(b *wire.Block) {
			b.Txs[0].Inputs[0].SigScript[1] ^= 1
			b.Header.MerkleRoot, _ = b.Clone().TxMerkleRoot()
		}, nil)},
		{Name: "bodies of other blocks", Fate: Banned, Asked: true, Guilty: lied, Run: serveBlock(nil, func(b *wire.Block) { b.Txs[0].Outputs[0].Value-- })},
		{Name: "bodies with a transaction twice", Fate: Banned, Asked: true, Guilty: lied, Run: serveBlock(nil, func(b *wire.Block) { b.Txs = append(b.Txs, b.Txs[0]) })},
		{Name: "garbage for blocks", Fate: Banned, Asked: true, Guilty: lied, Run: serveRaw(func(c *Conn, b *wire.Block) []byte { return gzipBomb }, nil)},
		{Name: "no blocks behind headers", Fate: Borne, Run: serveRaw(func(c *Conn, b *wire.Block) []byte { return nil }, nil)},
		{Name: "compact blocks of nothing", Fate: Borne, Run: func(ctx context.Context, c *Conn) {
			every(ctx, c, 100*time.Millisecond, func() error {
				m := &message.Compact{Header: c.child(c.prev()), Nonce: rand.Uint64(), Prefilled: []message.Prefilled{{Tx: c.block(nil).Txs[0]}}}
				for range 5000 {
					m.ShortIDs = append(m.ShortIDs, rand.Uint64()>>16)
				}
				return c.Send(m)
			})
			hold(ctx, c)
		}},
		{Name: "compact blocks without proof of work", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			every(ctx, c, 10*time.Millisecond, func() error {
				h := c.child(c.prev())
				target, _ := pow.Bits(h.Bits).Target()
				for target.Met(h.Hash()) {
					h.Nonce++
				}
				return c.Send(&message.Compact{Header: h, Prefilled: []message.Prefilled{{Tx: c.block(nil).Txs[0]}}})
			})
			hold(ctx, c)
		}},
		// Their work is done, so that there have to be many.
		{Name: "flood of compact blocks", Fate: Banned, Guilty: func(c *Conn) bool { return c.written.Load() > 24<<20 }, Run: flood(func(c *Conn) message.Message {
			m := &message.Compact{Header: c.child(c.prev()), Nonce: rand.Uint64(), Prefilled: []message.Prefilled{{Tx: c.orphan(20_000)}}}
			for range 5_000 {
				m.ShortIDs = append(m.ShortIDs, rand.Uint64()>>16)
			}
			return m
		})},
	}
}

// serveBlock tells of a block and serves it: change spoils it before, and body
// after its header was made.
func serveBlock(change, body func(b *wire.Block)) func(context.Context, *Conn) {
	return func(ctx context.Context, c *Conn) {
		serveRaw(func(_ *Conn, b *wire.Block) []byte {
			b = b.Clone()
			if body != nil {
				body(b)
			}
			return b.Append(nil)
		}, change)(ctx, c)
	}
}

// serveRaw tells of one block after the other, and serves what body makes of it.
func serveRaw(body func(c *Conn, b *wire.Block) []byte, change func(b *wire.Block)) func(context.Context, *Conn) {
	return func(ctx context.Context, c *Conn) {
		var last atomic.Pointer[wire.Block]
		var told sync.Map // blocks by their hashes: it may take a while until one is asked for
		c.Serve(message.NameHeaders, func(_ []byte, answer io.Writer) error {
			list := &message.Headers{}
			if b := last.Load(); b != nil {
				list.Headers = append(list.Headers, b.Header)
			}
			_, err := answer.Write(message.AppendFrame(nil, list.Append(nil)))
			return err
		})
		// No answer, so that the whole is asked for at once: what comes when the chain has
		// gone on is kept, and not judged.
		c.Serve(message.NameCompact, func([]byte, io.Writer) error { return errors.New("no compact form") })
		c.Serve(message.NameBlocks, func(request []byte, answer io.Writer) error {
			m, err := message.DecodeBlocksRequest(request)
			if err != nil {
				return err
			}
			for _, h := range m.Hashes {
				var raw []byte
				if b, ok := told.Load(h); ok {
					raw = body(c, b.(*wire.Block))
					c.lies.Add(1)
				}
				if _, err := answer.Write(message.AppendFrame(nil, raw)); err != nil {
					return err
				}
			}
			return nil
		})
		// At once when the chain has gone on: of a block that comes late nobody asks what
		// is in it.
		for c.going(ctx) {
			b := c.block(change)
			last.Store(b)
			told.Store(b.Header.Hash(), b)
			if c.Send(&message.Have{Header: b.Header}) != nil {
				break
			}
			select {
			case <-c.news:
			case <-time.After(2 * time.Second):
			case <-c.gone:
			case <-ctx.Done():
			}
		}
		hold(ctx, c)
	}
}
