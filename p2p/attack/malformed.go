package attack

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"time"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// malformed are attacks by messages that are too large, or none at all.
func malformed() []Attack {
	kinds := []message.Kind{message.KindPing, message.KindHave, message.KindCompact, message.KindPush, message.KindInv, message.KindFeeFilter}
	kind := func(c *Conn) message.Kind { return kinds[rand.IntN(len(kinds))] }
	return []Attack{
		{Name: "oversized greeting", Fate: Ended, Stranger: true, Run: func(ctx context.Context, c *Conn) {
			if s, err := c.Open(ctx, message.NameRelay); err == nil {
				_, _ = s.Write(append(binary.LittleEndian.AppendUint32(nil, 1<<31), byte(message.KindHello)))
				pour(ctx, c, s)
			}
			hold(ctx, c)
		}},
		{Name: "bomb for a greeting", Fate: Ended, Stranger: true, Run: func(ctx context.Context, c *Conn) {
			if s, err := c.Open(ctx, message.NameRelay); err == nil {
				b := gzipBomb[:min(len(gzipBomb), 1000)]
				_, _ = s.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(b)+1)), byte(message.KindHello)))
				_, _ = s.Write(b)
			}
			hold(ctx, c)
		}},
		{Name: "no greeting first", Fate: Ended, Stranger: true, Run: func(ctx context.Context, c *Conn) {
			if s, err := c.Open(ctx, message.NameRelay); err == nil {
				_, _ = s.Write(message.AppendRelayFrame(nil, &message.Inv{WTxIDs: make([]wire.Hash, message.MaxInv)}))
			}
			hold(ctx, c)
		}},
		{Name: "second greeting", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			_ = c.Send(c.Hello())
			hold(ctx, c)
		}},
		{Name: "second relay stream", Fate: Ended, Run: func(ctx context.Context, c *Conn) {
			every(ctx, c, 100*time.Millisecond, func() error {
				s, err := c.Open(ctx, message.NameRelay)
				if err == nil {
					_, err = s.Write(message.AppendRelayFrame(nil, c.Hello()))
				}
				return err
			})
			hold(ctx, c)
		}},
		{Name: "oversized message", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			_ = c.Write(append(binary.LittleEndian.AppendUint32(nil, 1<<31), byte(kind(c))))
			pour(ctx, c, c.relay)
			hold(ctx, c)
		}},
		{Name: "gzip bomb", Fate: Banned, Run: bombs(kind, gzipBomb)},
		{Name: "snappy bomb", Fate: Banned, Run: bombs(kind, snappyBomb)},
		{Name: "bomb inside a block", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			// What a compact block may weigh, with a count that its bytes do not bear out.
			h := c.child(c.prev())
			b := binary.LittleEndian.AppendUint64(h.Append(nil), 1)
			b = append(wire.AppendCompactSize(b, 1<<30), gzipBomb...)
			_ = c.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(b)+1)), byte(message.KindCompact)))
			_ = c.Write(b)
			hold(ctx, c)
		}},
		{Name: "oversized request", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			every(ctx, c, 50*time.Millisecond, func() error {
				if s, err := c.Ask(ctx, c.anyRequest(), binary.LittleEndian.AppendUint32(nil, 1<<31)); err == nil {
					pour(ctx, c, s)
				}
				return nil
			})
		}},
		{Name: "bomb for a request", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			every(ctx, c, 50*time.Millisecond, func() error {
				name := c.anyRequest()
				b := gzipBomb[:min(len(gzipBomb), message.MaxRequest(name, c.Victim.Params.MaxBlockWeight))]
				_, _ = c.Ask(ctx, name, message.AppendFrame(nil, b))
				return nil
			})
		}},
		{Name: "oversized answer", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			c.serveAll(func(_ string, answer io.Writer) error {
				if _, err := answer.Write(binary.LittleEndian.AppendUint32(nil, 1<<31)); err != nil {
					return err
				}
				pour(ctx, c, answer)
				return nil
			})
			c.beAsked(ctx)
		}},
		{Name: "bomb for an answer", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			c.serveAll(func(_ string, answer io.Writer) error {
				_, err := answer.Write(message.AppendFrame(nil, gzipBomb))
				return err
			})
			c.beAsked(ctx)
		}},
		{Name: "answer without an end", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			// Many at once: one by one they would be crumbs, for which nobody is banned.
			frames := bytes.Repeat(message.AppendFrame(nil, []byte{0}), 1000)
			c.serveAll(func(_ string, answer io.Writer) error {
				for c.going(ctx) {
					if _, err := answer.Write(frames); err != nil {
						return err
					}
				}
				return nil
			})
			c.beAsked(ctx)
		}},
	}
}

// gzipBomb is 16 MiB of zeros in few bytes, and snappyBomb promises 4 GiB.
var (
	gzipBomb = func() []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(make([]byte, 16<<20))
		_ = w.Close()
		return b.Bytes()
	}()
	snappyBomb = append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, bytes.Repeat([]byte{0xfe, 0x01, 0x00}, 100)...)
)

// bombs sends a bomb in the place of a message.
func bombs(kind func(*Conn) message.Kind, bomb []byte) func(context.Context, *Conn) {
	return func(ctx context.Context, c *Conn) {
		k := kind(c)
		b := bomb[:min(len(bomb), message.MaxPayload(k, c.Victim.Params.MaxBlockWeight))]
		if len(b) == message.MaxPayload(k, c.Victim.Params.MaxBlockWeight) {
			b = b[:len(b)-1] // else it might be a message
		}
		_ = c.Write(append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(b)+1)), byte(k)), b...))
		hold(ctx, c)
	}
}

// pour writes zeros for as long as somebody takes them, up to 64 MiB.
func pour(ctx context.Context, c *Conn, w io.Writer) {
	zeros := make([]byte, 64<<10)
	for range 1024 {
		if _, err := w.Write(zeros); err != nil || !c.going(ctx) {
			return
		}
	}
}

// anyRequest is the name of one.
func (c *Conn) anyRequest() string {
	names := message.Requests()
	return names[rand.IntN(len(names))]
}

// serveAll answers whatever the victim asks.
func (c *Conn) serveAll(f func(name string, answer io.Writer) error) {
	for _, name := range message.Requests() {
		c.Serve(name, func(_ []byte, answer io.Writer) error { return f(name, answer) })
	}
}

// beAsked gives the victim reasons to ask for headers, blocks and transactions.
func (c *Conn) beAsked(ctx context.Context) {
	every(ctx, c, 500*time.Millisecond, func() error {
		for _, m := range []message.Message{
			&message.Have{Header: c.child(c.prev())},
			&message.Have{Header: c.child(c.hash())},
			&message.Inv{WTxIDs: []wire.Hash{c.hash(), c.hash()}},
		} {
			if err := c.Send(m); err != nil {
				return err
			}
		}
		return nil
	})
}
