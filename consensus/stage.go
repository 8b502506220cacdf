package consensus

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/pow"
)

// Stage is another difficulty rule from a height on (SPEC.md, K-9).
type Stage struct {
	Height uint32 // of its first block, at least 1
	// Bits are those of the first block and, under Fixed, of all.
	Bits pow.Bits
	// Rule is Fixed, or ASERT anchored at the block before the first, which
	// counts as mined on schedule.
	Rule Difficulty
	// Spacing and HalfLife are for ASERT, in seconds.
	Spacing, HalfLife int64
}

const (
	// stageSpacing is what an ASERT stage has if no spacing is given, and
	// halfLifeBlocks its half-life: those of the main network.
	stageSpacing   = 120
	halfLifeBlocks = 288
	// maxStages and maxStageSpacing are no rules: they bound what a node is told.
	maxStages       = 1000
	maxStageSpacing = 1_000_000
)

// ParseStages reads the values of the setting testdifficulty, each
// "HEIGHT@BITS", "HEIGHT@BITS,fixed" or "HEIGHT@BITS,asert[,SPACING]" with BITS as eight
// hexadecimal digits and SPACING in seconds, in the order of their heights.
func ParseStages(texts []string) ([]Stage, error) {
	if len(texts) > maxStages {
		return nil, fmt.Errorf("%d stages are too many: at most %d", len(texts), maxStages)
	}
	var stages []Stage
	for i, text := range texts {
		stage, err := parseStage(text)
		if err != nil {
			return nil, err
		}
		if i > 0 && stage.Height <= stages[i-1].Height {
			return nil, fmt.Errorf("%q must have a height above %d, which the one before it has", text, stages[i-1].Height)
		}
		stages = append(stages, stage)
	}
	return stages, nil
}

func parseStage(text string) (Stage, error) {
	invalid := func(format string, args ...any) (Stage, error) {
		return Stage{}, fmt.Errorf("%q: %s (HEIGHT@BITS[,fixed|,asert[,SPACING]])", text, fmt.Sprintf(format, args...))
	}
	number, rest, ok := strings.Cut(text, "@")
	height, err := strconv.ParseUint(number, 10, 31)
	if !ok || err != nil || height == 0 || height == math.MaxInt32 {
		return invalid("the height must be from 1 to %d", math.MaxInt32-1)
	}
	words := strings.Split(rest, ",")
	s := Stage{Height: uint32(height)}
	if s.Bits, err = parseBits("bits", words[0]); err != nil {
		return invalid("%v", err)
	}
	target, err := s.Bits.Target()
	switch easiest := limit(regtestBits); {
	case err != nil:
		return invalid("%v", err)
	case target.Bits() != s.Bits:
		return invalid("bits %v are written %v", s.Bits, target.Bits())
	case target.Cmp(easiest) > 0:
		return invalid("bits %v are easier than the limit %v", s.Bits, easiest.Bits())
	}
	switch words = words[1:]; {
	case len(words) == 0 || slices.Equal(words, []string{"fixed"}):
		return s, nil
	case words[0] != "asert" || len(words) > 2:
		return invalid("the rule must be fixed or asert")
	}
	s.Rule, s.Spacing = ASERT, stageSpacing
	if len(words) == 2 {
		if s.Spacing, err = strconv.ParseInt(words[1], 10, 64); err != nil || s.Spacing < 1 || s.Spacing > maxStageSpacing {
			return invalid("the spacing must be from 1 to %d seconds", maxStageSpacing)
		}
	}
	s.HalfLife = halfLifeBlocks * s.Spacing
	return s, nil
}

// stage returns the stage that a block at height is in, nil before the first.
func (p *Params) stage(height uint32) *Stage {
	for i := len(p.Stages) - 1; i >= 0; i-- {
		if height >= p.Stages[i].Height {
			return &p.Stages[i]
		}
	}
	return nil
}

// stageBits returns the bits of the child of s.Tip, which is in a stage.
func (s State) stageBits(stage *Stage) pow.Bits {
	if stage.Rule == Fixed {
		return stage.Bits
	}
	asert := pow.ASERT{
		AnchorHeight:     int64(stage.Height) - 1,
		AnchorParentTime: int64(s.StageTime) - stage.Spacing,
		AnchorBits:       stage.Bits,
		Spacing:          stage.Spacing,
		HalfLife:         stage.HalfLife,
		Limit:            s.Params.PowLimit,
	}
	return asert.Next(int64(s.Tip.Height), int64(s.Times[0]))
}
