package attack

import (
	"context"
	"encoding/binary"
	"io"
	"time"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// slow are attacks by whoever takes places and does as little as possible with
// them (slow-loris).
func slow() []Attack {
	return []Attack{
		{Name: "silence", Fate: Ended, Stranger: true, Run: hold},
		{Name: "slow greeting", Fate: Ended, Stranger: true, Run: func(ctx context.Context, c *Conn) {
			if s, err := c.Open(ctx, message.NameRelay); err == nil {
				trickle(ctx, c, s, message.AppendRelayFrame(nil, c.Hello()))
			}
			hold(ctx, c)
		}},
		{Name: "streams and no greeting", Fate: Ended, Stranger: true, Run: func(ctx context.Context, c *Conn) {
			for range 100 {
				if _, err := c.conn.NewStream(ctx); err != nil {
					break
				}
			}
			hold(ctx, c)
		}},
		{Name: "slow message", Fate: Ended, Slow: true, Run: func(ctx context.Context, c *Conn) {
			trickle(ctx, c, c.relay, message.AppendRelayFrame(nil, &message.Inv{WTxIDs: make([]wire.Hash, 1000)}))
			hold(ctx, c)
		}},
		{Name: "requests that never end", Fate: Ended, Run: func(ctx context.Context, c *Conn) {
			names := message.Requests()
			for i := 0; c.going(ctx); i++ {
				s, err := c.Open(ctx, names[i%len(names)])
				if err == nil {
					_, err = s.Write([]byte{1, 0})
				}
				if err != nil && !c.wait(ctx, 100*time.Millisecond) {
					return
				}
			}
		}},
		{Name: "answers that nobody reads", Fate: Borne, Run: func(ctx context.Context, c *Conn) {
			request := c.blocksRequest()
			every(ctx, c, 100*time.Millisecond, func() error {
				_, err := c.Ask(ctx, message.NameBlocks, message.AppendFrame(nil, request))
				return err
			})
			hold(ctx, c)
		}},
		{Name: "answers that never come", Fate: Borne, Run: func(ctx context.Context, c *Conn) {
			for _, name := range message.Requests() {
				c.Serve(name, func([]byte, io.Writer) error {
					hold(ctx, c)
					return nil
				})
			}
			every(ctx, c, time.Second, func() error {
				h := c.child(c.hash())
				if err := c.Send(&message.Have{Header: h}); err != nil {
					return err
				}
				return c.Send(&message.Inv{WTxIDs: []wire.Hash{c.hash()}})
			})
		}},
		{Name: "answers that trickle", Fate: Borne, Run: func(ctx context.Context, c *Conn) {
			for _, name := range message.Requests() {
				c.Serve(name, func(_ []byte, answer io.Writer) error {
					trickle(ctx, c, answer, binary.LittleEndian.AppendUint32(nil, 80*2000+3))
					trickle(ctx, c, answer, make([]byte, 80*2000+3))
					return nil
				})
			}
			every(ctx, c, time.Second, func() error { return c.Send(&message.Have{Header: c.child(c.hash())}) })
		}},
	}
}

// trickle writes b one byte after the other.
func trickle(ctx context.Context, c *Conn, w io.Writer, b []byte) {
	for i := range b {
		if _, err := w.Write(b[i : i+1]); err != nil || !c.wait(ctx, time.Second) {
			return
		}
	}
}
