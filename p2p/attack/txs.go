package attack

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// txLies are attacks by transactions.
func txLies() []Attack {
	return []Attack{
		{Name: "orphans", Fate: Borne, Run: serveTxs(100, func(c *Conn) *wire.Tx { return c.orphan(100) })},
		{Name: "large orphans", Fate: Borne, Run: serveTxs(10, func(c *Conn) *wire.Tx { return c.orphan(60_000) })},
		{Name: "transactions without outputs", Fate: Banned, Guilty: lied, Run: serveTxs(10, func(c *Conn) *wire.Tx {
			tx := c.orphan(100)
			tx.Outputs = nil
			return tx
		})},
		{Name: "transactions that spend one thing twice", Fate: Banned, Guilty: lied, Run: serveTxs(10, func(c *Conn) *wire.Tx {
			tx := c.orphan(100)
			tx.Inputs = append(tx.Inputs, tx.Inputs[0])
			return tx
		})},
		{Name: "transactions that pay more than they spend", Fate: Banned, Guilty: lied, Run: serveTxs(1, func(c *Conn) *wire.Tx {
			tx := c.orphan(100)
			tx.Inputs[0].PrevOut = c.Victim.Coin
			tx.Outputs[0].Value = 20_000_000 * wire.Coin
			tx.LockTime = rand.Uint32() // of no effect, but each is another one
			return tx
		})},
		{Name: "other transactions than asked for", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			c.Serve(message.NameTxs, func(request []byte, answer io.Writer) error {
				m, err := message.DecodeTxsRequest(request)
				if err != nil {
					return err
				}
				for range m.IDs {
					if _, err := answer.Write(message.AppendFrame(nil, c.orphan(100).Append(nil))); err != nil {
						return err
					}
				}
				return nil
			})
			c.announce(ctx, 10)
		}},
		{Name: "garbage for transactions", Fate: Banned, Run: func(ctx context.Context, c *Conn) {
			c.Serve(message.NameTxs, func([]byte, io.Writer) error { return nil })
			c.Serve(message.NameTxs, func(_ []byte, answer io.Writer) error {
				_, err := answer.Write(message.AppendFrame(nil, gzipBomb))
				return err
			})
			c.announce(ctx, 10)
		}},
		{Name: "flood of announcements", Fate: Borne, Run: flood(func(c *Conn) message.Message {
			m := &message.Inv{}
			for range message.MaxInv {
				m.WTxIDs = append(m.WTxIDs, c.hash())
			}
			return m
		})},
	}
}

// announce announces transactions that nobody has, again and again.
func (c *Conn) announce(ctx context.Context, n int) {
	every(ctx, c, 200*time.Millisecond, func() error {
		m := &message.Inv{}
		for range n {
			m.WTxIDs = append(m.WTxIDs, c.hash())
		}
		return c.Send(m)
	})
	hold(ctx, c)
}

// serveTxs announces transactions, n at a time, and serves them.
func serveTxs(n int, next func(c *Conn) *wire.Tx) func(context.Context, *Conn) {
	return func(ctx context.Context, c *Conn) {
		const keep = 1000
		var mu sync.Mutex
		known := map[wire.Hash]*wire.Tx{}
		c.Serve(message.NameTxs, func(request []byte, answer io.Writer) error {
			m, err := message.DecodeTxsRequest(request)
			if err != nil {
				return err
			}
			for _, id := range m.IDs {
				mu.Lock()
				tx := known[id]
				mu.Unlock()
				var raw []byte
				if tx != nil {
					raw = tx.Append(nil)
					c.lies.Add(1)
				}
				if _, err := answer.Write(message.AppendFrame(nil, raw)); err != nil {
					return err
				}
			}
			return nil
		})
		every(ctx, c, 200*time.Millisecond, func() error {
			m := &message.Inv{}
			mu.Lock()
			if len(known) > keep {
				clear(known)
			}
			for range n {
				tx := next(c)
				known[tx.WTxID()] = tx
				m.WTxIDs = append(m.WTxIDs, tx.WTxID())
			}
			mu.Unlock()
			return c.Send(m)
		})
		hold(ctx, c)
	}
}
