package consensus

import (
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// medianTimeSpan is how many blocks the median time past is taken over.
const medianTimeSpan = 11

// State is everything that a child block is judged by, except the coins that
// it spends: what is left of the chain of headers up to Tip. It is a small
// value; make one with GenesisState, ApplyHeader, ApplyBlock or StateAt.
type State struct {
	Params *Params
	Tip    wire.BlockRef
	// Times are the times of Tip and its ancestors, newest first, in seconds
	// since 1970; NumTimes of them exist.
	Times    [medianTimeSpan]uint32
	NumTimes uint8
	// PeriodTime is the time of the first block of Tip's difficulty period.
	PeriodTime uint32
	// StageTime is the time of the last block before the stage that a child of
	// Tip is in, 0 if it is in none: see Params.Stages.
	StageTime uint32
	// TipBits are the difficulty bits of Tip itself: see NextBits.
	TipBits pow.Bits
	// Work is that of all blocks up to Tip, the genesis block included.
	Work pow.Work
	// OnBIP34Chain is set if the chain has Params.BIP34Hash in it.
	OnBIP34Chain bool
}

// GenesisState returns the State whose tip is the genesis block.
func GenesisState(p *Params) State {
	return State{Params: p}.extend(&p.Genesis.Header, p.GenesisHash, 0)
}

// StateAt returns the State whose tip is the block ref with the total work
// given, by looking at a few ancestors: header must return the header at a
// height up to ref.Height of the chain that ends in ref. It is for who keeps
// headers and not States; the result equals that of applying every header.
func StateAt(p *Params, ref wire.BlockRef, work pow.Work, header func(height uint32) wire.Header) State {
	s := State{Params: p, Tip: ref, Work: work}
	for s.NumTimes < medianTimeSpan && uint32(s.NumTimes) <= ref.Height {
		h := header(ref.Height - uint32(s.NumTimes))
		if s.NumTimes == 0 {
			s.TipBits = pow.Bits(h.Bits)
		}
		s.Times[s.NumTimes] = h.Time
		s.NumTimes++
	}
	first := header(ref.Height - ref.Height%p.Window)
	s.PeriodTime = first.Time
	if stage := p.stage(ref.Height + 1); stage != nil {
		h := header(stage.Height - 1)
		s.StageTime = h.Time
	}
	if at := p.Activation[BIP34]; !p.BIP34Hash.IsZero() && ref.Height >= at {
		h := header(at)
		s.OnBIP34Chain = h.Hash() == p.BIP34Hash
	}
	return s
}

// ApplyHeader returns the State after h, which must be valid as a child of
// s.Tip.
func ApplyHeader(s State, h *wire.Header) State {
	return s.extend(h, h.Hash(), s.Tip.Height+1)
}

func (s State) extend(h *wire.Header, hash wire.Hash, height uint32) State {
	s.Tip = wire.BlockRef{Height: height, Hash: hash}
	copy(s.Times[1:], s.Times[:])
	s.Times[0] = h.Time
	s.NumTimes = min(s.NumTimes+1, medianTimeSpan)
	if height%s.Params.Window == 0 {
		s.PeriodTime = h.Time
	}
	if stage := s.Params.stage(height + 1); stage != nil && stage.Height == height+1 {
		s.StageTime = h.Time
	}
	s.TipBits = pow.Bits(h.Bits)
	if target, err := s.TipBits.Target(); err == nil {
		s.Work = s.Work.Add(target.Work())
	}
	if height == s.Params.Activation[BIP34] && !s.Params.BIP34Hash.IsZero() {
		s.OnBIP34Chain = hash == s.Params.BIP34Hash
	}
	return s
}

// MedianTimePast returns the median of the times of the last eleven blocks up
// to Tip, in seconds since 1970 (BIP 113). With an even number of blocks it is
// the later of the two in the middle.
func (s State) MedianTimePast() uint32 {
	var sorted [medianTimeSpan]uint32
	n := int(s.NumTimes)
	for i := range n {
		t, j := s.Times[i], i
		for ; j > 0 && sorted[j-1] > t; j-- {
			sorted[j] = sorted[j-1]
		}
		sorted[j] = t
	}
	return sorted[n/2]
}

// MinTime returns the earliest time that a child block may have, in seconds
// since 1970.
func (s State) MinTime() int64 {
	earliest := int64(s.MedianTimePast()) + 1
	if grace, ok := s.timeWarpGrace(); ok {
		earliest = max(earliest, int64(s.Times[0])-grace)
	}
	if s.endsPeriod() && s.Active(BIP54) {
		earliest = max(earliest, int64(s.PeriodTime))
	}
	return earliest
}

// timeWarpGrace returns by how many seconds the child may be earlier than Tip,
// if it is the first block of a period and a rule limits that.
func (s State) timeWarpGrace() (grace int64, ok bool) {
	if (s.Tip.Height+1)%s.Params.Window != 0 {
		return 0, false
	}
	grace, ok = s.Params.TimeWarpGrace, s.Params.TimeWarpGrace >= 0
	if s.Active(BIP54) && (!ok || bip54TimeWarpGrace < grace) {
		grace, ok = bip54TimeWarpGrace, true
	}
	return grace, ok
}

// endsPeriod reports whether the child is the last block of a period.
func (s State) endsPeriod() bool {
	return (s.Tip.Height+1)%s.Params.Window == s.Params.Window-1
}

// NextBits returns the difficulty bits that the child must have.
func (s State) NextBits() pow.Bits {
	p := s.Params
	if stage := p.stage(s.Tip.Height + 1); stage != nil {
		return s.stageBits(stage)
	}
	switch p.Difficulty {
	case ASERT:
		asert := pow.ASERT{
			AnchorHeight: 0,
			// Genesis has no parent: it counts as mined on schedule.
			AnchorParentTime: int64(p.Genesis.Header.Time) - p.Spacing,
			AnchorBits:       p.Anchor,
			Spacing:          p.Spacing,
			HalfLife:         p.HalfLife,
			Limit:            p.PowLimit,
		}
		return asert.Next(int64(s.Tip.Height), int64(s.Times[0]))
	case Window:
		if (s.Tip.Height+1)%p.Window != 0 {
			return s.TipBits
		}
		actual := int64(s.Times[0]) - int64(s.PeriodTime)
		return pow.Retarget(s.TipBits, actual, int64(p.Window)*p.Spacing, p.PowLimit)
	}
	return pow.Bits(p.Genesis.Header.Bits)
}

// Active reports whether the rules of d apply to the child.
func (s State) Active(d Deployment) bool { return s.Params.Active(d, s.Tip.Height+1) }

// ScriptFlags returns the flags that the child's scripts are run with.
func (s State) ScriptFlags() script.Flags {
	flags := script.VerifyP2SH | script.VerifyWitness
	if s.Active(Taproot) {
		flags |= script.VerifyTaproot
	}
	return flags | s.deployedFlags()
}

// scriptFlagsFor is ScriptFlags for the child with a hash, which may be an
// exception.
func (s State) scriptFlagsFor(b *wire.Block) script.Flags {
	if len(s.Params.ScriptFlagExceptions) > 0 {
		if flags, ok := s.Params.ScriptFlagExceptions[b.Hash()]; ok {
			return flags | s.deployedFlags()
		}
	}
	return s.ScriptFlags()
}

// deployedFlags returns the flags that exceptions do not touch.
func (s State) deployedFlags() (flags script.Flags) {
	if s.Active(BIP66) {
		flags |= script.VerifyDERSig
	}
	if s.Active(BIP65) {
		flags |= script.VerifyCheckLockTimeVerify
	}
	if s.Active(CSV) {
		flags |= script.VerifyCheckSequenceVerify
	}
	if s.Active(Segwit) {
		flags |= script.VerifyNullDummy
	}
	return flags
}
