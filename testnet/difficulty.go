package testnet

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// Stage is a change of the difficulty.
type Stage struct {
	Height uint32   `json:"height"` // of the first block
	Bits   pow.Bits `json:"bits"`   // its difficulty
	// Retarget says that from there on the difficulty follows the hash rate, as on
	// the main network; otherwise it stays.
	Retarget bool `json:"retarget,omitempty"`
}

// maxStages bounds the stages of a network.
const maxStages = 1000

// arg is the stage as testdifficulty takes it.
func (s Stage) arg() string {
	text := fmt.Sprintf("--testdifficulty=%d@%08x", s.Height, uint32(s.Bits))
	if s.Retarget {
		text += ",asert"
	}
	return text
}

// SetDifficulty sets the difficulty of the blocks to come, and returns where that
// begins: above the highest tip of all nodes. Nodes that run are restarted, since their
// rules change.
func (n *Network) SetDifficulty(ctx context.Context, bits pow.Bits, retarget bool) (Stage, error) {
	if err := checkBits(bits); err != nil {
		return Stage{}, err
	}
	stage := Stage{Bits: bits, Retarget: retarget}
	err := n.inTurn(ctx, func(ctx context.Context) error {
		if _, err := n.first(); err != nil {
			return err
		}
		if err := n.rest(ctx); err != nil {
			return err
		}
		for _, nd := range n.Nodes {
			if !nd.Alive() {
				continue
			}
			tip, err := nd.tip(ctx)
			if err != nil {
				return err
			}
			stage.Height = max(stage.Height, tip.Height+1)
		}
		// After a reorganisation the chain may be shorter than where a stage begins.
		stages := slices.DeleteFunc(slices.Clone(n.stages), func(s Stage) bool { return s.Height >= stage.Height })
		if len(stages) == maxStages {
			return bad("the difficulty has been set %d times", maxStages)
		}
		n.setStages(append(stages, stage))
		if err := n.restartAll(ctx); err != nil {
			return err
		}
		if err := n.settle(ctx); err != nil {
			return err
		}
		return n.save()
	})
	return stage, err
}

func (n *Network) setStages(stages []Stage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stages = stages
}

// ParseDifficulty reads a difficulty as getdifficulty tells it, such as 0.001, or as a
// block has it, 0x1f00ffff. The error is an ErrArgument.
func ParseDifficulty(text string) (pow.Bits, error) {
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		n, err := strconv.ParseUint(digits, 16, 32)
		if err != nil {
			return 0, bad("the difficulty %q is not compact bits such as 0x1f00ffff", text)
		}
		return pow.Bits(n), checkBits(pow.Bits(n))
	}
	d, err := strconv.ParseFloat(text, 64)
	if err != nil || !(d >= 0) || d > maxDifficulty {
		return 0, bad("the difficulty %q is neither a number such as 0.001 nor compact bits such as 0x1f00ffff", text)
	}
	// Difficulty 1 is the target 0xffff * 2^208.
	if least := regtest.PowLimit.Bits(); d <= least.Difficulty() {
		return least, nil
	}
	one := new(big.Float).SetInt(new(big.Int).Lsh(big.NewInt(0xffff), 208))
	target, _ := one.Quo(one, big.NewFloat(d)).Int(nil)
	return compact(target), nil
}

// compact is a positive target in compact form, rounded down.
func compact(target *big.Int) pow.Bits {
	size := uint((target.BitLen() + 7) / 8)
	if target.BitLen()%8 == 0 {
		size++ // the highest bit of the mantissa is a sign
	}
	mantissa := new(big.Int).Lsh(target, 24) // so that there are three bytes to take
	mantissa.Rsh(mantissa, 8*size)
	return pow.Bits(size<<24 | uint(mantissa.Uint64()))
}

// maxDifficulty is more than any network has.
const maxDifficulty = 1e15

// checkBits reports what is wrong with a difficulty.
func checkBits(bits pow.Bits) error {
	target, err := bits.Target()
	if err != nil {
		return bad("the difficulty 0x%08x: %v", uint32(bits), err)
	}
	if limit := regtest.PowLimit; target.Cmp(limit) > 0 {
		return bad("the difficulty 0x%08x is less than the least, 0x%08x", uint32(bits), uint32(limit.Bits()))
	}
	return nil
}

// nextBits is the difficulty of a node's next block.
func (nd *Node) nextBits(ctx context.Context) (pow.Bits, error) {
	var template struct{ Bits string }
	rules := jsonrpc.Object{{Key: "rules", Value: []string{"segwit"}}}
	if err := nd.Call(ctx, &template, "getblocktemplate", rules); err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(template.Bits, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("node %d: getblocktemplate tells of bits %q", nd.ID, template.Bits)
	}
	return pow.Bits(n), nil
}
