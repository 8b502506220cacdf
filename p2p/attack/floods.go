package attack

import (
	"context"
	"io"
	"math/rand/v2"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// floods are attacks by too much of what is fine once.
func floods() []Attack {
	attacks := []Attack{
		{Name: "flood of pings", Fate: Banned, Run: flood(func(c *Conn) message.Message { return &message.Ping{Nonce: rand.Uint64()} })},
		{Name: "flood of unasked pongs", Fate: Borne, Run: flood(func(c *Conn) message.Message { return &message.Pong{Nonce: rand.Uint64()} })},
		{Name: "flood of fee filters", Fate: Borne, Run: flood(func(c *Conn) message.Message {
			return &message.FeeFilter{Rate: wire.Amount(rand.IntN(1000))}
		})},
		{Name: "flood of changed minds", Fate: Borne, Run: flood(func(c *Conn) message.Message {
			return &message.Push{On: rand.IntN(2) == 0}
		})},
		{Name: "flood of crumbs", Fate: Ended, Run: func(ctx context.Context, c *Conn) {
			if _, err := c.conn.RemoteMultiaddr().ValueForProtocol(multiaddr.P_TCP); err != nil {
				// QUIC makes packets of crumbs: nothing special, and slow.
				flood(func(*Conn) message.Message { return &message.FeeFilter{Rate: 1} })(ctx, c)
				return
			}
			frame := message.AppendRelayFrame(nil, &message.FeeFilter{Rate: 1})
			for i := 0; c.going(ctx) && c.Write(frame[i%len(frame):][:1]) == nil; i++ {
			}
			hold(ctx, c)
		}},
		{Name: "flood of unknown messages", Fate: Banned, Run: flood(func(*Conn) message.Message { return unknown{} })},
	}
	// A victim that does not ban for these may as well have its connections ended by
	// libp2p, which finds that there are too many streams.
	for _, name := range message.Requests() {
		attacks = append(attacks, Attack{Name: "flood of requests: " + name, Fate: Ended, Run: func(ctx context.Context, c *Conn) {
			b := message.AppendFrame(nil, c.request(name))
			for c.going(ctx) {
				s, err := c.Ask(ctx, name, b)
				if err != nil {
					if !c.wait(ctx, 10*time.Millisecond) {
						return
					}
					continue
				}
				go func() { _, _ = io.Copy(io.Discard, s) }()
			}
		}})
	}
	return attacks
}

// flood sends messages as fast as they are taken.
func flood(next func(c *Conn) message.Message) func(context.Context, *Conn) {
	return func(ctx context.Context, c *Conn) {
		for c.going(ctx) {
			var b []byte
			for len(b) < 16<<10 {
				b = message.AppendRelayFrame(b, next(c))
			}
			if c.Write(b) != nil {
				break
			}
		}
		hold(ctx, c)
	}
}

// unknown is a message of the future.
type unknown struct{}

// Kind returns a kind that nobody knows.
func (unknown) Kind() message.Kind { return 250 }

// Append appends as much as is allowed.
func (unknown) Append(dst []byte) []byte { return append(dst, make([]byte, message.MaxUnknown)...) }

// request is a request that is expensive to answer.
func (c *Conn) request(name string) []byte {
	switch name {
	case message.NameHeaders:
		return (&message.HeadersRequest{Locator: []wire.Hash{c.Victim.Params.GenesisHash}}).Append(nil)
	case message.NameBlocks:
		return c.blocksRequest()
	case message.NameCompact:
		return (&message.CompactRequest{Block: c.Their.Tip}).Append(nil)
	case message.NameBlockTxn:
		return (&message.TxnRequest{Block: c.Their.Tip, Indexes: []uint32{0}}).Append(nil)
	case message.NameTxs:
		m := &message.TxsRequest{}
		for range message.MaxTxs {
			m.IDs = append(m.IDs, c.hash())
		}
		return m.Append(nil)
	case message.NamePool:
		return (&message.PoolRequest{}).Append(nil)
	}
	return nil
}
