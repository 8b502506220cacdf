package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/wire"
)

// ImportProgress is what Import reports while it works.
type ImportProgress struct {
	Height       uint32        // of the tip
	Blocks       uint64        // found so far, known ones included
	Added        uint64        // of them, how many were new
	Invalid      uint64        // of them, how many broke a rule (block folders only)
	Inputs       uint64        // of the new blocks, coinbases excluded
	Transactions uint64        // in the new blocks
	Read, Total  int64         // bytes of the files
	Elapsed      time.Duration // since the start
	InputsPerSec float64       // over the last seconds
	ETA          time.Duration // by bytes; 0: not known yet
}

// Import reads the blocks of a file or folder and adds them, decoding ahead of
// the verification. path is one of
//
//   - a flat chain file: blocks, each after its length as 4 little-endian bytes;
//   - a bootstrap file: the same with the network's magic before each length;
//   - a folder with blk*.dat files, whose blocks may stand in any order.
//
// Blocks that are known are skipped quickly, so that an interrupted import may
// be started again. progress, which may be nil, is called a few times a second
// and at the end. The first invalid block of a file ends the import with its
// error, after a few more blocks perhaps; in a folder, which may hold invalid
// branches, it is passed over. What was added before an error stays. What was
// connected is safe on disk when Import returns.
func (l *Ledger) Import(ctx context.Context, path string, progress func(ImportProgress)) (ImportProgress, error) {
	src, err := openSource(path, l.params)
	if err != nil {
		return ImportProgress{}, err
	}
	defer func() { _ = src.close() }() // it was only read
	in := intake{l: l, src: src, progress: progress, strict: !src.folder}
	done, err := in.run(ctx)
	if err == nil {
		err = in.check(path)
	}
	if ferr := l.Flush(); err == nil {
		err = ferr
	}
	return done, err
}

// reindex reads the ledger's own block files and rebuilds everything else. What
// an earlier run has found is not read again.
func (l *Ledger) reindex(ctx context.Context) error {
	log := l.log
	if l.disk.blocks == (flat.End{}) {
		log = zerolog.Nop() // a new folder: there is nothing to tell of
	}
	log.Info().Str("folder", l.fs.Path(blocksDir)).Msg("reading the block files")
	in := intake{l: l, src: ownSource(l), inPlace: true, progress: func(p ImportProgress) {
		log.Info().Uint32("height", p.Height).Uint64("blocks", p.Blocks).
			Float64("percent", percent(p.Read, p.Total)).Msg("reading the block files")
	}, every: 10 * time.Second}
	done, err := in.run(ctx)
	if err != nil {
		return err
	}
	if len(in.waiting) > 0 {
		l.log.Warn().Int("blocks", len(in.waiting)).Msg("some stored blocks do not connect to the genesis block")
	}
	if !l.tree.genesis.status.Has(HaveBody) {
		at, err := l.blocks.Append(l.params.Genesis.Bytes())
		if err != nil {
			return err
		}
		l.placeGenesis(at)
	}
	l.disk.phase = phaseNone
	if err := l.commit(true); err != nil {
		return err
	}
	if done.Added > 0 {
		l.log.Info().Uint32("height", done.Height).Uint64("blocks", done.Added).Msg("the block files have been read")
	}
	return l.putState()
}

func percent(part, whole int64) float64 {
	if whole <= 0 {
		return 100
	}
	return float64(part) * 100 / float64(whole)
}

// aheadBlocks is how many decoded blocks wait for their turn at most.
const aheadBlocks = 4

// found is a block on its way from a source to the ledger.
type found struct {
	block *wire.Block // nil: it is known, or err says why not
	hash  wire.Hash
	err   error
	at    flat.Pos
	read  int64 // bytes of the source up to here
}

// intake adds the blocks of a source: one goroutine reads, decodes and
// checks them, the caller's adds them.
type intake struct {
	l        *Ledger
	src      *source
	strict   bool // an invalid block is an error
	inPlace  bool // the source is the ledger's own block files
	progress func(ImportProgress)
	every    time.Duration

	p       ImportProgress
	ahead   chan found
	over    bool                     // nothing more comes
	waiting map[wire.Hash][]flat.Pos // by the parent that they wait for
	ready   []flat.Pos               // no longer waiting
	batch   []*arrival
	began   time.Time // of the batch
	err     error     // ends the intake

	start, told time.Time
	toldInputs  uint64
}

func (in *intake) run(ctx context.Context) (ImportProgress, error) {
	in.l.lazy.Add(1)
	defer in.l.lazy.Add(-1)
	if in.every == 0 {
		in.every = 250 * time.Millisecond
	}
	in.waiting = make(map[wire.Hash][]flat.Pos)
	in.p.Total = in.src.total
	in.start = time.Now()
	in.told = in.start

	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	in.ahead = make(chan found, aheadBlocks)
	var readErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(in.ahead)
		readErr = in.src.scan(func(at flat.Pos, payload []byte, read int64) error {
			f := in.prepare(at, payload)
			f.read = read
			select {
			case in.ahead <- f:
				return nil
			case <-inner.Done():
				return inner.Err()
			}
		})
	})
	var m many
	for (m.more || !in.over) && in.err == nil {
		in.batch, in.began = nil, time.Now()
		err := in.l.addMany(ctx, &m, in.next)
		for _, a := range in.batch {
			if in.err == nil {
				in.err = in.judge(a.hash, a.err)
			}
		}
		if in.err == nil {
			in.err = err
		}
	}
	stopped := inner.Err() != nil
	cancel()
	for range in.ahead { // let the reader see that it is over
		stopped = true
	}
	wg.Wait()
	if in.err == nil && !stopped {
		in.err = readErr
	}
	if in.err == nil {
		in.err = ctx.Err()
	}
	in.tell()
	return in.p, in.err
}

// prepare decodes and checks a block, unless it is known. It runs ahead of the
// ledger.
func (in *intake) prepare(at flat.Pos, payload []byte) found {
	f := found{at: at}
	h, err := wire.DecodeHeader(payload[:min(len(payload), wire.HeaderSize)])
	if err != nil {
		f.err = err
		return f
	}
	f.hash = h.Hash()
	if f.hash == in.l.params.GenesisHash || in.l.known(f.hash) != nil {
		return f
	}
	b, err := wire.DecodeBlock(payload)
	if err == nil {
		err = consensus.CheckBlock(in.l.params, b)
	}
	f.block, f.err = b, err
	return f
}

// next gives the ledger its next block, or nil to end the batch.
func (in *intake) next() *arrival {
	if n := len(in.batch); n > 0 {
		last := in.batch[n-1]
		if in.strict && (len(in.l.verdicts) > 0 || last.err != nil && !errors.Is(last.err, ErrDuplicate)) {
			return nil // judged at the end of the batch
		}
		in.free(last.hash)
	}
	for {
		if time.Since(in.told) >= in.every {
			in.tell()
		}
		if stop := in.l.cfg.StopAtHeight; stop != 0 && in.l.tip.Load().node.height >= stop {
			in.over = true
		}
		if in.over || in.err != nil || time.Since(in.began) > batchTime {
			return nil
		}
		f, ok := in.pull()
		switch {
		case !ok:
			in.over = in.err == nil
		case f.err != nil:
			in.err = in.judge(f.hash, f.err)
		case f.block == nil:
			if in.inPlace && f.hash == in.l.params.GenesisHash {
				in.l.placeGenesis(f.at)
			}
			in.free(f.hash) // it is known; what waits for it may not be
		case in.l.tree.get(f.block.Header.PrevBlock) == nil:
			parent := f.block.Header.PrevBlock
			in.waiting[parent] = append(in.waiting[parent], f.at)
		default:
			a := &arrival{block: f.block, hash: f.hash}
			if in.inPlace {
				a.at = &f.at
			}
			in.batch = append(in.batch, a)
			in.p.Added++
			in.p.Inputs += uint64(inputsOf(f.block))
			in.p.Transactions += uint64(len(f.block.Txs))
			return a
		}
	}
}

// pull returns the next block: one whose parent has come since, or one from
// the source.
func (in *intake) pull() (f found, ok bool) {
	if len(in.ready) > 0 {
		at := in.ready[0]
		in.ready = in.ready[1:]
		payload, err := in.src.read(at)
		if err != nil {
			in.err = err
			return f, false
		}
		return in.prepare(at, payload), true
	}
	if f, ok = <-in.ahead; ok {
		in.p.Blocks++
		in.p.Read = f.read
	}
	return f, ok
}

// free makes the blocks ready that wait for the one named hash.
func (in *intake) free(hash wire.Hash) {
	if places, ok := in.waiting[hash]; ok {
		in.ready = append(in.ready, places...)
		delete(in.waiting, hash)
	}
}

// judge returns err, which a block has met with, if it ends the intake.
func (in *intake) judge(hash wire.Hash, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrDuplicate):
		return nil
	case errors.Is(err, ErrFault):
		return err
	case in.strict:
		return fmt.Errorf("block %v: %w", hash, err)
	}
	// A rule, or bytes that are no block.
	in.p.Invalid++
	in.l.log.Warn().Err(err).Stringer("hash", hash).Msg("a block was passed over")
	return nil
}

// check says what is wrong with a source that gave no usable block.
func (in *intake) check(path string) error {
	switch {
	case in.p.Blocks == 0:
		return fmt.Errorf("%s holds no block of network %q", path, in.l.params.Name)
	case len(in.waiting) > 0 && in.p.Added == 0:
		return fmt.Errorf("%s does not connect to the chain: %w", path, ErrUnknownParent)
	case len(in.waiting) > 0:
		in.l.log.Warn().Int("blocks", len(in.waiting)).Msg("some blocks do not connect to the chain")
	}
	return nil
}

// tell reports the progress.
func (in *intake) tell() {
	now := time.Now()
	in.p.Height = in.l.tip.Load().node.height
	in.p.Elapsed = now.Sub(in.start)
	if span := now.Sub(in.told).Seconds(); span > 0 {
		in.p.InputsPerSec = float64(in.p.Inputs-in.toldInputs) / span
	}
	in.told, in.toldInputs = now, in.p.Inputs
	in.p.ETA = 0
	if in.p.Read > 0 && in.p.Total > in.p.Read {
		in.p.ETA = time.Duration(float64(in.p.Elapsed) * float64(in.p.Total-in.p.Read) / float64(in.p.Read))
	}
	if in.progress != nil {
		in.progress(in.p)
	}
}
