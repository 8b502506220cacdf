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
	Inputs       uint64        // of the blocks that were added, coinbases excluded
	Transactions uint64        // in the blocks that were added
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
// error; in a folder, which may hold invalid branches, it is passed over.
// What was added before an error stays. What was connected is safe on disk
// when Import returns.
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

	p           ImportProgress
	waiting     map[wire.Hash][]flat.Pos // by the parent that they wait for
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
	ahead := make(chan found, aheadBlocks)
	var readErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(ahead)
		readErr = in.src.scan(func(at flat.Pos, payload []byte, read int64) error {
			f := in.prepare(at, payload)
			f.read = read
			select {
			case ahead <- f:
				return nil
			case <-inner.Done():
				return inner.Err()
			}
		})
	})
	var err error
	for f := range ahead {
		in.p.Blocks++
		in.p.Read = f.read
		if err = in.take(ctx, f); err != nil {
			break
		}
		if stop := in.l.cfg.StopAtHeight; stop != 0 && in.l.tip.Load().node.height >= stop {
			break
		}
		if time.Since(in.told) >= in.every {
			in.tell()
		}
	}
	stopped := err != nil || inner.Err() != nil
	cancel()
	for range ahead { // let the reader see that it is over
		stopped = true
	}
	wg.Wait()
	if err == nil && !stopped {
		err = readErr
	}
	if err == nil {
		err = ctx.Err()
	}
	in.tell()
	return in.p, err
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

// take adds a block, and then those that have waited for it.
func (in *intake) take(ctx context.Context, f found) error {
	if f.block == nil && f.err == nil {
		if in.inPlace && f.hash == in.l.params.GenesisHash {
			in.l.placeGenesis(f.at)
		}
		return in.follow(ctx, f.hash) // known; what waits for it may not be
	}
	err := f.err
	if err == nil {
		if parent := f.block.Header.PrevBlock; in.l.tree.get(parent) == nil {
			in.waiting[parent] = append(in.waiting[parent], f.at)
			return nil
		}
		err = in.add(ctx, f.block, f.at)
	}
	if err := in.judge(f, err); err != nil {
		return err
	}
	return in.follow(ctx, f.hash)
}

// follow adds the blocks that wait for the one named hash, and those that wait
// for them.
func (in *intake) follow(ctx context.Context, hash wire.Hash) error {
	queue := []wire.Hash{hash}
	for len(queue) > 0 {
		places := in.waiting[queue[0]]
		delete(in.waiting, queue[0])
		queue = queue[1:]
		for _, at := range places {
			payload, err := in.src.read(at)
			if err != nil {
				return err
			}
			f := in.prepare(at, payload)
			if f.block != nil && f.err == nil {
				f.err = in.add(ctx, f.block, at)
			}
			if err := in.judge(f, f.err); err != nil {
				return err
			}
			queue = append(queue, f.hash)
		}
	}
	return nil
}

// add hands a block to the ledger.
func (in *intake) add(ctx context.Context, b *wire.Block, at flat.Pos) error {
	var place *flat.Pos
	if in.inPlace {
		place = &at
	}
	if err := in.l.addChecked(ctx, b, place); err != nil {
		return err
	}
	in.p.Added++
	in.p.Inputs += uint64(inputsOf(b))
	in.p.Transactions += uint64(len(b.Txs))
	return nil
}

// judge returns err if it ends the intake.
func (in *intake) judge(f found, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrDuplicate):
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, ErrFault), errors.Is(err, ErrClosed):
		return err
	case in.strict:
		return fmt.Errorf("block %d of the file, %v: %w", in.p.Blocks, f.hash, err)
	}
	// A rule, or bytes that are no block.
	in.p.Invalid++
	in.l.log.Warn().Err(err).Stringer("hash", f.hash).Msg("a block was passed over")
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
