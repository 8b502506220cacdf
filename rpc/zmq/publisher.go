package zmq

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/rpc/zmq/zmtp"
	"github.com/keelson-chain/keelson/wire"
)

// catchUpSteps is how many steps of the chain are asked for at once.
const catchUpSteps = 256

// Config is what a Publisher is made of.
type Config struct {
	Endpoints []Endpoint
	// Now is the node's clock, and MaxTipAge the age of a block above which it is
	// one of the initial download, for which HashBlock and RawBlock say nothing.
	Now       func() time.Time
	MaxTipAge time.Duration
	Log       zerolog.Logger
}

// Chain is what a Publisher needs of the ledger.
type Chain interface {
	Changed() <-chan struct{}
	UpdatesSince(at wire.BlockRef, max int) ([]consensus.Update, error)
	Entry(hash wire.Hash) (ledger.Entry, bool)
	Block(hash wire.Hash) (*wire.Block, error)
	InitialDownload() bool
}

// Pool is what a Publisher needs of the pool, whose moves are for it alone.
type Pool interface {
	Changed() <-chan struct{}
	TakeMoves() (list []mempool.Move, missed uint64, at wire.BlockRef, err error)
}

// Publisher publishes at all the endpoints. One without endpoints does nothing.
type Publisher struct {
	cfg       Config
	sockets   []*zmtp.Socket
	notifiers []*notifier
	missed    atomic.Uint64 // moves of the pool that nobody was told of

	// Of the goroutine that follows.
	chain  Chain
	at     wire.BlockRef // up to where blocks were told of
	peak   uint32        // height of the last tip that there was for others to see
	behind bool          // the chain was being fetched when it was looked at last
}

// Listen opens the addresses. The error says which one cannot be had, and why.
func Listen(ctx context.Context, cfg Config) (*Publisher, error) {
	p := &Publisher{cfg: cfg}
	sockets := make(map[zmtp.Address]*zmtp.Socket)
	for topic := range Topic(TopicCount) {
		for _, e := range cfg.Endpoints {
			if e.Topic != topic {
				continue
			}
			socket := sockets[e.Address]
			if socket == nil {
				var err error
				if socket, err = zmtp.Listen(ctx, zmtp.Config{Address: e.Address, HWM: e.HWM, Log: cfg.Log}); err != nil {
					p.Close()
					return nil, &ListenError{Topic: topic, Err: err}
				}
				sockets[e.Address] = socket
				p.sockets = append(p.sockets, socket)
			}
			e.Address = socket.Address()
			p.notifiers = append(p.notifiers, &notifier{Endpoint: e, socket: socket})
		}
	}
	return p, nil
}

// ListenError is of an address that cannot be listened on.
type ListenError struct {
	Topic Topic
	Err   error
}

func (e *ListenError) Error() string { return "zmqpub" + e.Topic.String() + ": " + e.Err.Error() }
func (e *ListenError) Unwrap() error { return e.Err }

// Endpoints returns what is published where, by topic, with actual ports.
func (p *Publisher) Endpoints() []Endpoint {
	list := make([]Endpoint, len(p.notifiers))
	for i, n := range p.notifiers {
		list[i] = n.Endpoint
	}
	return list
}

// Load is what a Publisher has to do, and what it did not manage.
type Load struct {
	Sockets []SocketLoad // one for each address
	Missed  uint64       // transactions that came or left and were told to nobody, since there were too many at once
}

// SocketLoad is that of one address.
type SocketLoad struct {
	Address     zmtp.Address
	Subscribers int
	Dropped     uint64 // messages that a subscriber did not get because it reads too slowly
}

// Load may be called at any time.
func (p *Publisher) Load() Load {
	l := Load{Missed: p.missed.Load()}
	for _, s := range p.sockets {
		l.Sockets = append(l.Sockets, SocketLoad{Address: s.Address(), Subscribers: s.Subscribers(), Dropped: s.Dropped()})
	}
	return l
}

// Close closes the addresses of a Publisher that does not run.
func (p *Publisher) Close() {
	for _, s := range p.sockets {
		s.Close()
	}
}

// Run serves subscribers until ctx ends.
func (p *Publisher) Run(ctx context.Context) error {
	errs := make([]error, len(p.sockets))
	var running sync.WaitGroup
	for i, s := range p.sockets {
		running.Go(func() { errs[i] = s.Run(ctx) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// Follow publishes until ctx ends what happens to the chain above the block at,
// and to the pool since it was made.
func (p *Publisher) Follow(ctx context.Context, chain Chain, pool Pool, at wire.BlockRef) error {
	if len(p.notifiers) == 0 {
		return nil
	}
	p.chain, p.at, p.peak, p.behind = chain, at, at.Height, chain.InitialDownload()
	for {
		changed, poolChanged := chain.Changed(), pool.Changed()
		list, missed, tip, err := pool.TakeMoves()
		if err != nil {
			return err
		}
		if missed > 0 {
			p.missed.Add(missed)
			p.cfg.Log.Warn().Uint64("moves", missed).Msg("more happened than could be published: ZMQ subscribers were not told of some transactions")
		}
		for i := range list {
			if ctx.Err() != nil {
				return nil
			}
			p.tell(&list[i])
		}
		if p.at != tip {
			if err := p.catchUp(ctx); err != nil {
				return err
			}
		}
		p.behind = chain.InitialDownload()
		select {
		case <-changed:
		case <-poolChanged:
		case <-ctx.Done():
			return nil
		}
	}
}

// catchUp tells of the blocks up to the chain's tip.
func (p *Publisher) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		updates, err := p.chain.UpdatesSince(p.at, catchUpSteps)
		if err != nil {
			return err
		}
		for i, u := range updates {
			m := mempool.Move{Kind: mempool.BlockLeft, Block: u.Ref, Parent: u.Tip}
			if u.Connected {
				m.Kind, m.Parent = mempool.BlockCame, p.at
			}
			m.Rests = i == len(updates)-1 && i < catchUpSteps-1
			p.tell(&m)
		}
		if len(updates) < catchUpSteps {
			return nil
		}
	}
	return nil
}

// tell publishes one move.
func (p *Publisher) tell(m *mempool.Move) {
	switch m.Kind {
	case mempool.TxCame:
		p.tellTx(&m.TxID, m.Raw)
		p.tellSequence(&m.TxID, labelAdded, m.Sequence)
	case mempool.TxLeft:
		p.tellSequence(&m.TxID, labelRemoved, m.Sequence)
	case mempool.BlockLeft:
		if m.Block == p.at {
			p.tellBlock(m.Block, labelDisconnected)
			p.arrive(m.Parent, m.Rests)
		}
	case mempool.BlockCame:
		if m.Parent == p.at {
			p.tellBlock(m.Block, labelConnected)
			if m.Block.Height > p.peak || m.Rests {
				p.tellTip(m.Block)
			}
			p.arrive(m.Block, m.Rests)
		}
	}
}

// arrive notes where the steps have come to.
func (p *Publisher) arrive(at wire.BlockRef, rests bool) {
	if p.at = at; rests {
		p.peak = at.Height
	}
	p.peak = max(p.peak, at.Height)
}

// tellTx publishes a transaction, raw being its encoding with witnesses.
func (p *Publisher) tellTx(txid *wire.Hash, raw []byte) {
	for _, n := range p.notifiers {
		switch n.Topic {
		case HashTx:
			n.publish(reversed(txid))
		case RawTx:
			n.publish(raw)
		}
	}
}

// tellSequence publishes what happened to a transaction of the pool.
func (p *Publisher) tellSequence(txid *wire.Hash, label byte, sequence uint64) {
	for _, n := range p.notifiers {
		if n.Topic == Sequence {
			n.publish(binary.LittleEndian.AppendUint64(append(reversed(txid), label), sequence))
		}
	}
}

// tellBlock publishes the transactions of a block that came or left, and then
// the block.
func (p *Publisher) tellBlock(ref wire.BlockRef, label byte) {
	p.tellTxs(ref)
	for _, n := range p.notifiers {
		if n.Topic == Sequence {
			n.publish(append(reversed(&ref.Hash), label))
		}
	}
}

// tellTxs publishes the transactions of a block. If nobody listens they are only
// counted, so that blocks need not be read for nothing.
func (p *Publisher) tellTxs(ref wire.BlockRef) {
	wanted, raw := false, false
	for _, n := range p.notifiers {
		if n.Topic == HashTx || n.Topic == RawTx {
			wanted = wanted || n.socket.Wanted(n.Topic.String())
			raw = raw || n.Topic == RawTx
		}
	}
	if !wanted {
		e, _ := p.chain.Entry(ref.Hash) // not there if it was forgotten meanwhile
		for _, n := range p.notifiers {
			if n.Topic == HashTx || n.Topic == RawTx {
				n.count += e.TxCount
			}
		}
		return
	}
	b := p.block(ref)
	if b == nil {
		return
	}
	for _, tx := range b.Txs {
		txid := tx.TxID()
		var encoded []byte
		if raw {
			encoded = tx.Append(make([]byte, 0, tx.Size()))
		}
		p.tellTx(&txid, encoded)
	}
}

// tellTip publishes a new tip, unless it is one of the initial download.
func (p *Publisher) tellTip(ref wire.BlockRef) {
	if p.chain.InitialDownload() {
		return
	}
	if p.behind {
		if e, ok := p.chain.Entry(ref.Hash); !ok || p.cfg.Now().Sub(time.Unix(int64(e.Header.Time), 0)) > p.cfg.MaxTipAge {
			return
		}
	}
	var body []byte
	for _, n := range p.notifiers {
		switch n.Topic {
		case HashBlock:
			n.publish(reversed(&ref.Hash))
		case RawBlock:
			if !n.socket.Wanted(n.Topic.String()) {
				n.count++
				continue
			}
			if body == nil {
				b := p.block(ref)
				if b == nil {
					return
				}
				body = b.Append(make([]byte, 0, b.Size()))
			}
			n.publish(body)
		}
	}
}

// block reads a block; nil: it cannot be had, and subscribers miss it.
func (p *Publisher) block(ref wire.BlockRef) *wire.Block {
	b, err := p.chain.Block(ref.Hash)
	if err != nil {
		p.cfg.Log.Warn().Err(err).Uint32("height", ref.Height).Stringer("hash", ref.Hash).Msg("a block is not published")
		return nil
	}
	return b
}
