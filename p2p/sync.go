package p2p

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/chainsync"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// maxNotes is how many events wait for the sync before who has one waits.
	maxNotes = 256
	// expectTime is how long the sync leaves a block to the relay that is after it.
	expectTime = 20 * time.Second
)

// syncer has the chain catch up with the peers. A chainsync.Machine decides; this
// tells it what happens and does what it says.
//
//	run     owns the machine: one event after the other
//	asks    a goroutine for each open question to a peer
//	headers one goroutine hands headers to the ledger, in their order
//	line    blocks that wait for ledger.AddBlocks, which has a goroutine too
//
// run never waits for any of them, nor for the ledger.
type syncer struct {
	chain     Chain
	maxWeight int
	log       zerolog.Logger
	// chasing says whether the relay is after a block.
	chasing func(hash wire.Hash) bool

	machine *chainsync.Machine
	notes   chan note
	ended   chan struct{} // closed when notes are no longer taken
	headers *queue[headersFrom]
	line    *blockLine
	wg      sync.WaitGroup // asks

	peers map[int64]*syncPeer // of run
}

// note is what run is told.
type note struct {
	event chainsync.Event
	peer  *host.Peer               // of a Connected
	look  func(*chainsync.Machine) // instead of an event
}

// syncPeer is a peer with the questions that are open to it.
type syncPeer struct {
	*host.Peer
	ctx  context.Context
	asks map[uint64]context.CancelFunc
}

// headersFrom are headers on their way to the ledger.
type headersFrom struct {
	peer    int64
	headers []wire.Header
}

func newSyncer(cfg *Config) *syncer {
	s := &syncer{
		chain: cfg.Chain, maxWeight: cfg.Params.MaxBlockWeight, log: cfg.Log,
		chasing: func(wire.Hash) bool { return false },
		notes:   make(chan note, maxNotes),
		ended:   make(chan struct{}),
		headers: newQueue[headersFrom](),
		line:    newBlockLine(),
		peers:   make(map[int64]*syncPeer),
	}
	s.machine = chainsync.New(chainsync.Config{
		Params: cfg.Params, MinimumWork: cfg.MinimumWork, Clock: cfg.Now,
	}, chainView{cfg.Chain})
	return s
}

// run syncs until ctx ends or the ledger breaks.
func (s *syncer) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var parts sync.WaitGroup
	part := func(f func(context.Context) error) {
		parts.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	part(s.addHeaders)
	part(s.line.run)
	part(func(ctx context.Context) error { return s.chain.AddBlocks(ctx, s.line.out) })

	s.loop(ctx)
	close(s.ended)
	cancel(nil)
	s.wg.Wait()
	parts.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// loop takes what happens until ctx ends.
func (s *syncer) loop(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	changed := s.chain.Changed()
	for {
		select {
		case n := <-s.notes:
			s.take(ctx, n)
		case <-changed:
			changed = s.chain.Changed()
			s.step(ctx, chainsync.ChainChanged{})
		case <-timer.C:
			s.step(ctx, chainsync.Tick{})
		case <-ctx.Done():
			return
		}
		if wake := s.machine.Wake(); wake.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(0, time.Until(wake)))
		}
	}
}

func (s *syncer) take(ctx context.Context, n note) {
	switch e := n.event.(type) {
	case nil:
		n.look(s.machine)
		return
	case chainsync.Connected:
		s.peers[e.Peer] = &syncPeer{n.peer, ctx, make(map[uint64]context.CancelFunc)}
	case chainsync.Gone:
		if p := s.peers[e.Peer]; p != nil {
			for _, stop := range p.asks {
				stop()
			}
			delete(s.peers, e.Peer)
		}
	case chainsync.HeadersFailed:
		s.over(e.Peer, e.Req)
	case chainsync.Headers:
		s.over(e.Peer, e.Req)
	case chainsync.BlocksDone:
		s.over(e.Peer, e.Req)
	case chainsync.Announced:
		if hash := e.Header.Hash(); s.chasing(hash) {
			s.step(ctx, chainsync.Expected{Hash: hash, Until: time.Now().Add(expectTime)})
		}
	}
	s.step(ctx, n.event)
}

// over forgets a question.
func (s *syncer) over(peer int64, req uint64) {
	if p := s.peers[peer]; p != nil && p.asks[req] != nil {
		p.asks[req]()
		delete(p.asks, req)
	}
}

// step tells the machine of an event and does what follows.
func (s *syncer) step(ctx context.Context, e chainsync.Event) {
	for _, a := range s.machine.Step(time.Now(), e) {
		switch a := a.(type) {
		case chainsync.AskHeaders:
			s.ask(a.Peer, a.Req, func(ctx context.Context, p *host.Peer) { s.askHeaders(ctx, p, a) })
		case chainsync.AskBlocks:
			s.ask(a.Peer, a.Req, func(ctx context.Context, p *host.Peer) { s.askBlocks(ctx, p, a) })
		case chainsync.AddHeaders:
			s.headers.put(headersFrom{a.Peer, a.Headers})
		case chainsync.Cancel:
			if p := s.peers[a.Peer]; p != nil && p.asks[a.Req] != nil {
				p.asks[a.Req]()
			}
		case chainsync.Penalise:
			if p := s.peers[a.Peer]; p != nil {
				p.Penalise(a.Points, a.Reason)
			}
		case chainsync.Disconnect:
			if p := s.peers[a.Peer]; p != nil {
				p.Disconnect(a.Reason)
			}
		case chainsync.Report:
			s.log.Info().Int("peers", a.Progress.Peers).Msg("sync: " + a.Progress.String())
		}
	}
}

// ask has f put a question to a peer.
func (s *syncer) ask(peer int64, req uint64, f func(context.Context, *host.Peer)) {
	p := s.peers[peer]
	if p == nil {
		return // it is gone, and the machine will hear of it
	}
	ctx, cancel := context.WithCancel(p.ctx)
	p.asks[req] = cancel
	s.wg.Go(func() { f(ctx, p.Peer) })
}

// tell tells the machine of an event, and waits for room.
func (s *syncer) tell(e chainsync.Event) { s.put(note{event: e}) }

func (s *syncer) put(n note) bool {
	select {
	case s.notes <- n:
		return true
	case <-s.ended:
		return false
	}
}

// connected takes in a new peer.
func (s *syncer) connected(p *host.Peer) {
	hello := p.Hello()
	s.put(note{peer: p, event: chainsync.Connected{
		Peer: p.Num(), Tip: hello.Tip, Height: hello.Height, Work: hello.Work,
		Outbound: !p.Inbound(), Manual: p.Kind() == peerinfo.Manual,
	}})
	// A block may have come after our greeting was written and before the peer was
	// among those that are told of blocks.
	if tip := s.chain.Tip(); tip.Tip.Hash != p.OurHello().Tip && tip.Work.Cmp(hello.Work) > 0 {
		if e, ok := s.chain.Entry(tip.Tip.Hash); ok {
			p.Send(&message.Have{Header: e.Header})
		}
	}
}

// disconnected drops a peer that is gone.
func (s *syncer) disconnected(p *host.Peer) { s.tell(chainsync.Gone{Peer: p.Num()}) }

// heard notes that a peer has told of a block.
func (s *syncer) heard(p *host.Peer, h *wire.Header) {
	s.tell(chainsync.Announced{Peer: p.Num(), Header: *h})
}

// given notes that the relay has given a block up.
func (s *syncer) given(hash wire.Hash) { s.tell(chainsync.Expected{Hash: hash}) }

// look has f read the machine, and reports whether it did.
func (s *syncer) look(f func(*chainsync.Machine)) bool {
	done := make(chan struct{})
	if !s.put(note{look: func(m *chainsync.Machine) { f(m); close(done) }}) {
		return false
	}
	select {
	case <-done:
		return true
	case <-s.ended:
		return false
	}
}

// status says how far the sync with each peer is.
func (s *syncer) status(peers []int64) []chainsync.Status {
	list := make([]chainsync.Status, len(peers))
	for i := range list {
		list[i] = chainsync.Status{Presynced: -1, Headers: -1, Blocks: -1}
	}
	found := make(chan []chainsync.Status, 1)
	if s.look(func(m *chainsync.Machine) {
		now := make([]chainsync.Status, len(peers))
		for i, num := range peers {
			now[i] = m.Status(num)
		}
		found <- now
	}) {
		list = <-found
	}
	return list
}

// info says how far the chain is behind its headers.
func (s *syncer) info() peerinfo.Sync {
	found := make(chan chainsync.Progress, 1)
	if !s.look(func(m *chainsync.Machine) { found <- m.Progress() }) {
		return peerinfo.Sync{}
	}
	p, tip := <-found, s.chain.Tip().Tip.Height
	info := peerinfo.Sync{
		Headers: int64(s.chain.BestHeader().Ref.Height), Blocks: int64(tip), Progress: 1,
		InFlight: p.InFlight, Stalls: p.Stalls,
	}
	if p.Of > tip {
		info.Progress = float64(tip) / float64(p.Of)
	}
	if p.Stage == chainsync.InBlocks {
		info.Rate, info.Left = p.Rate, p.ETA
	}
	return info
}

// askHeaders asks a peer for headers.
func (s *syncer) askHeaders(ctx context.Context, p *host.Peer, a chainsync.AskHeaders) {
	request := message.HeadersRequest{Locator: a.Locator}
	answer, err := p.Ask(ctx, message.NameHeaders, request.Append(nil), message.MaxAnswer(message.NameHeaders, s.maxWeight))
	if err == nil {
		var hs *message.Headers
		if hs, err = message.DecodeHeaders(answer); err == nil {
			s.tell(chainsync.Headers{Peer: p.Num(), Req: a.Req, Headers: hs.Headers})
			return
		}
	}
	s.log.Debug().Int64("peer", p.Num()).Err(err).Msg("no headers")
	s.tell(chainsync.HeadersFailed{Peer: p.Num(), Req: a.Req, Why: failure(err)})
}

// errAnswer: a block in an answer is not the one that was asked for.
var errAnswer = errors.New("not what was asked for")

// askBlocks asks a peer for blocks, and sends each on its way.
func (s *syncer) askBlocks(ctx context.Context, p *host.Peer, a chainsync.AskBlocks) {
	request := message.BlocksRequest{Hashes: make([]wire.Hash, len(a.Blocks))}
	for i, ref := range a.Blocks {
		request.Hashes[i] = ref.Hash
	}
	next := 0
	err := p.AskMany(ctx, message.NameBlocks, request.Append(nil), message.MaxAnswer(message.NameBlocks, s.maxWeight), func(frame []byte) error {
		if next == len(a.Blocks) {
			return fmt.Errorf("%w: more than %d blocks", errAnswer, next)
		}
		ref := a.Blocks[next]
		next++
		if len(frame) == 0 {
			s.tell(chainsync.NotHere{Peer: p.Num(), Req: a.Req, Hash: ref.Hash})
			return nil
		}
		b, err := wire.DecodeBlock(frame)
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", errAnswer, err)
		case b.Hash() != ref.Hash:
			return fmt.Errorf("%w: block %v instead of %v", errAnswer, b.Hash(), ref.Hash)
		}
		s.tell(chainsync.Block{Peer: p.Num(), Hash: ref.Hash, Size: len(frame)})
		s.line.put(ref.Height, ledger.Delivery{Block: b, Judged: func(err error) { s.judged(p, ref.Hash, err) }})
		return nil
	})
	if err != nil {
		s.log.Debug().Int64("peer", p.Num()).Err(err).Msg("blocks do not come")
	}
	s.tell(chainsync.BlocksDone{Peer: p.Num(), Req: a.Req, Why: failure(err)})
}

// failure says in the machine's words how a question ended.
func failure(err error) chainsync.Failure {
	switch {
	case err == nil:
		return chainsync.Answered
	case errors.Is(err, host.ErrTimeout):
		return chainsync.TimedOut
	case errors.Is(err, host.ErrTooLarge), errors.Is(err, message.ErrMalformed), errors.Is(err, errAnswer):
		return chainsync.Malformed
	}
	return chainsync.Lost
}

// judged tells what became of a block that came from p.
func (s *syncer) judged(p *host.Peer, hash wire.Hash, err error) {
	if err == nil {
		p.NoteBlock()
	}
	v, ok := verdictOf(err)
	if !ok {
		return // a fault, or the end
	}
	s.tell(chainsync.Judged{Peer: p.Num(), Hash: hash, Verdict: v, Detail: detail(err)})
}

func detail(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// verdictOf says in the machine's words what the ledger thinks. It is not ok where
// that is not about what it was given.
func verdictOf(err error) (v chainsync.Verdict, ok bool) {
	var rule *consensus.RuleError
	switch {
	case err == nil, errors.Is(err, ledger.ErrDuplicate):
		return chainsync.Good, true
	case errors.Is(err, ledger.ErrUnknownParent):
		return chainsync.Unconnected, true
	case errors.Is(err, ledger.ErrInvalidParent), errors.Is(err, ledger.ErrDuplicateInvalid), errors.Is(err, ledger.ErrInvalidBranch):
		return chainsync.InvalidChain, true
	case consensus.Mutated(err):
		return chainsync.Mutated, true
	case errors.Is(err, consensus.ErrTimeTooNew):
		return chainsync.TooNew, true
	case errors.As(err, &rule):
		return chainsync.Invalid, true
	}
	return 0, false
}

// addHeaders hands headers to the ledger, which may keep it waiting.
func (s *syncer) addHeaders(ctx context.Context) error {
	for {
		h, err := s.headers.take(ctx)
		if err != nil {
			return err
		}
		_, err = s.chain.AddHeaders(h.headers)
		v, ok := verdictOf(err)
		if !ok {
			return err
		}
		s.tell(chainsync.HeadersAdded{
			Peer: h.peer, Last: h.headers[len(h.headers)-1].Hash(), Verdict: v, Detail: detail(err),
		})
	}
}

// chainView shows a Chain to the machine.
type chainView struct{ Chain }

func (v chainView) Best() chainsync.Entry { return viewOf(v.BestHeader()) }

func (v chainView) Entry(hash wire.Hash) (chainsync.Entry, bool) {
	e, ok := v.Chain.Entry(hash)
	return viewOf(e), ok
}

func (v chainView) Ancestor(hash wire.Hash, height uint32) (wire.Hash, bool) {
	e, ok := v.Chain.Ancestor(hash, height)
	return e.Ref.Hash, ok
}

func (v chainView) State(hash wire.Hash) (consensus.State, bool) {
	s, err := v.Chain.State(hash)
	return s, err == nil
}

func viewOf(e ledger.Entry) chainsync.Entry {
	return chainsync.Entry{
		Ref: e.Ref, Work: e.Work, Time: e.Header.Time,
		Invalid: e.Status.Invalid(), Body: e.Status.Has(ledger.HaveBody),
	}
}
