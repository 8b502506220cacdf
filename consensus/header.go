package consensus

import (
	"fmt"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// bip54TimeWarpGrace is by how many seconds the first block of a period may be
// earlier than its parent under BIP 54.
const bip54TimeWarpGrace = 7200

// ValidateHeader judges h as a child of s.Tip; now is the time in seconds
// since 1970. Every error is a *RuleError, and all but ErrTimeTooNew are final.
func ValidateHeader(s State, h *wire.Header, now int64) error {
	if err := checkWork(s.Params, h); err != nil {
		return err
	}
	return s.validateHeader(h, now)
}

// validateHeader is ValidateHeader but for the proof of work.
func (s State) validateHeader(h *wire.Header, now int64) error {
	if h.PrevBlock != s.Tip.Hash {
		return ruleError(ErrPrevBlock, "parent is %v, not %v", h.PrevBlock, s.Tip.Hash)
	}
	if want := s.NextBits(); pow.Bits(h.Bits) != want {
		return ruleError(ErrDifficultyBits, "%08x, not %08x", h.Bits, uint32(want)).
			debug("incorrect proof of work")
	}
	time := int64(h.Time)
	if mtp := s.MedianTimePast(); h.Time <= mtp {
		return ruleError(ErrTimeTooOld, "%d, median of its ancestors %d", time, mtp).
			debug("block's timestamp is too early")
	}
	if grace, ok := s.timeWarpGrace(); ok && time < int64(s.Times[0])-grace {
		return ruleError(ErrTimeWarp, "%d, its parent's %d", time, s.Times[0]).
			debug("block's timestamp is too early on diff adjustment block")
	}
	if s.Active(BIP54) && s.endsPeriod() && h.Time < s.PeriodTime {
		return ruleError(ErrNegativePeriod, "it would end at %d and began at %d", time, s.PeriodTime)
	}
	if time > now+s.Params.MaxFutureBlockTime {
		return ruleError(ErrTimeTooNew, "%d, the clock says %d", time, now).
			debug("block timestamp too far in the future")
	}
	if h.Version < 2 && s.Active(BIP34) || h.Version < 3 && s.Active(BIP66) || h.Version < 4 && s.Active(BIP65) {
		err := ruleError(ErrBlockVersion, "%d", h.Version).debug("rejected nVersion=0x%08x block", uint32(h.Version))
		err.detail = fmt.Sprintf("(0x%08x)", uint32(h.Version))
		return err
	}
	return nil
}

// checkWork checks the hash of h against the bits that h itself claims, which
// must be well-formed and no easier than the network's limit.
func checkWork(p *Params, h *wire.Header) error {
	const debug = "proof of work failed"
	target, err := pow.Bits(h.Bits).Target()
	if err != nil {
		return &RuleError{Kind: ErrHighHash, Desc: fmt.Sprintf("bits %08x", h.Bits), Debug: debug, Err: err}
	}
	if target.Cmp(p.PowLimit) > 0 {
		return ruleError(ErrHighHash, "bits %08x are easier than the limit", h.Bits).debug(debug)
	}
	if hash := h.Hash(); !target.Met(hash) {
		return ruleError(ErrHighHash, "hash %v, target %v", hash, target).debug(debug)
	}
	return nil
}
