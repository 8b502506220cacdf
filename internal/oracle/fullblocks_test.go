package oracle

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/blockchain/fullblocktests"
	btcwire "github.com/btcsuite/btcd/wire/v2"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/wire"
)

// A chain is what the sequence of full blocks is played to.
type chain interface {
	// submit hands in a block and returns what Bitcoin Core's submitblock
	// does: a reject string, "inconclusive" for a block that is kept beside
	// the active chain, "" for one that is connected.
	submit(t *testing.T, raw []byte) string
	tip(t *testing.T) wire.BlockRef
	// unspent reports whether the output is a coin at the tip.
	unspent(t *testing.T, op wire.OutPoint) bool
}

// noCoinbase is the error of submitblock for a block that does not begin with a
// coinbase, which it finds before the rules do.
const noCoinbase = "Block does not start with a coinbase"

// reasons are the reject strings of Bitcoin Core for btcd's codes.
var reasons = map[blockchain.ErrorCode]string{
	blockchain.ErrBadCoinbaseHeight:    "bad-cb-height",
	blockchain.ErrBadCoinbaseScriptLen: "bad-cb-length",
	blockchain.ErrBadCoinbaseValue:     "bad-cb-amount",
	blockchain.ErrBadMerkleRoot:        "bad-txnmrklroot",
	blockchain.ErrBlockTooBig:          "bad-blk-length",
	blockchain.ErrDuplicateTx:          "bad-txns-duplicate",
	blockchain.ErrFirstTxNotCoinbase:   "bad-cb-missing",
	blockchain.ErrHighHash:             "high-hash",
	blockchain.ErrImmatureSpend:        "bad-txns-premature-spend-of-coinbase",
	blockchain.ErrMissingTxOut:         "bad-txns-inputs-missingorspent",
	blockchain.ErrMultipleCoinbases:    "bad-cb-multiple",
	blockchain.ErrNoTransactions:       "bad-blk-length",
	blockchain.ErrOverwriteTx:          "bad-txns-BIP30",
	blockchain.ErrSpendTooHigh:         "bad-txns-in-belowout",
	blockchain.ErrTimeTooNew:           "time-too-new",
	blockchain.ErrTimeTooOld:           "time-too-old",
	blockchain.ErrTooManySigOps:        "bad-blk-sigops",
	blockchain.ErrUnexpectedDifficulty: "bad-diffbits",
	blockchain.ErrUnfinalizedTx:        "bad-txns-nonfinal",
}

// otherReasons are those of the blocks that Bitcoin Core rejects by another
// rule than btcd does.
var otherReasons = map[string]string{
	// The fault lies in the parent, which was not looked at while it was on a
	// side chain: submitblock cannot tell what became of the block itself.
	"b8":  "inconclusive",
	"b19": "inconclusive",
	// A negative target is met by no hash (CheckProofOfWork), and that is
	// looked at before what the target should be.
	"b49a": "high-hash",
	// The merkle tree is ambiguous only where equal leaves or nodes are a
	// pair; btcd looks for equal ids anywhere. Otherwise the second one finds
	// its coins spent, or is not looked at, being on a side chain.
	"b51":   "bad-txns-inputs-missingorspent",
	"b56p2": "inconclusive",
}

// playFullBlocks plays btcd's sequence of full blocks to c.
func playFullBlocks(t *testing.T, c chain, largeReorg bool) {
	tests, err := fullblocktests.Generate(largeReorg)
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	orphans := make(map[wire.Hash][]byte) // by parent
	coins := make(map[wire.OutPoint]bool) // what is expected after a reorganisation
	// submit hands in the block and then the orphans that wait for it, and
	// returns the last answer.
	submit := func(raw []byte) string {
		for {
			reason := c.submit(t, raw)
			next := orphans[wire.DoubleSHA256(raw[:wire.HeaderSize])]
			if reason != "" && reason != "inconclusive" || next == nil {
				return reason
			}
			delete(orphans, wire.DoubleSHA256(raw[:wire.HeaderSize]))
			raw = next
		}
	}
	for _, test := range tests {
		for _, item := range test {
			switch item := item.(type) {
			case fullblocktests.AcceptedBlock:
				counts["accepted"]++
				raw := encode(t, item.Block)
				reason := submit(raw)
				if item.IsOrphan {
					if reason != "prev-blk-not-found" {
						t.Fatalf("%s: %q, want an unknown parent", item.Name, reason)
					}
					orphans[wire.Hash(item.Block.Header.PrevBlock)] = raw
					continue
				}
				if reason != "" && (item.IsMainChain || reason != "inconclusive") {
					t.Fatalf("%s of height %d should be accepted: %s", item.Name, item.Height, reason)
				}
				if isTip := c.tip(t).Hash == wire.Hash(item.Block.BlockHash()); isTip != item.IsMainChain {
					t.Fatalf("%s of height %d: is the tip %v, want %v", item.Name, item.Height, isTip, item.IsMainChain)
				}
			case fullblocktests.RejectedBlock:
				counts["rejected"]++
				want, ok := otherReasons[item.Name]
				if !ok {
					want, ok = reasons[item.RejectCode]
				}
				if !ok {
					t.Fatalf("%s: no reject string for %v", item.Name, item.RejectCode)
				}
				reason := submit(encode(t, item.Block))
				if reason == noCoinbase && (want == "bad-blk-length" || want == "bad-cb-missing") {
					counts["without a coinbase"]++
					continue
				}
				if reason != want {
					t.Errorf("%s of height %d: %q, want %q", item.Name, item.Height, reason, want)
				}
			case fullblocktests.RejectedNonCanonicalBlock:
				counts["not canonical"]++
				if reason := c.submit(t, item.RawBlock); !strings.Contains(reason, "decode") {
					t.Errorf("%s of height %d: %q, want a failure to decode", item.Name, item.Height, reason)
				}
			case fullblocktests.OrphanOrRejectedBlock:
				counts["orphan or rejected"]++
				if reason := submit(encode(t, item.Block)); reason != "prev-blk-not-found" && reason != "bad-prevblk" {
					t.Errorf("%s of height %d: %q, want an unknown or invalid parent", item.Name, item.Height, reason)
				}
			case fullblocktests.ExpectedTip:
				counts["expected tip"]++
				if tip := c.tip(t); tip.Hash != wire.Hash(item.Block.BlockHash()) || tip.Height != uint32(item.Height) {
					t.Fatalf("tip is %v, want %s of height %d", tip, item.Name, item.Height)
				}
			case fullblocktests.BlockDisconnectExpectUTXO:
				// Stated for the moment of a disconnection; the last one of an
				// output holds when the reorganisation is over.
				counts["expected coin"]++
				coins[wire.OutPoint{TxID: wire.Hash(item.OutPoint.Hash), Index: item.OutPoint.Index}] = item.Expected
			default:
				t.Fatalf("no way to play a %T", item)
			}
		}
	}
	for op, want := range coins {
		if got := c.unspent(t, op); got != want {
			t.Errorf("%v: unspent %v, want %v", op, got, want)
		}
	}
	t.Logf("%v", counts)
	accepted := 143
	if largeReorg {
		accepted = 2322
	}
	if counts["accepted"] != accepted || counts["rejected"] != 43 || counts["not canonical"] != 1 || len(coins) != 2 {
		t.Errorf("%v, %d coins: some blocks went missing", counts, len(coins))
	}
}

func encode(t *testing.T, b *btcwire.MsgBlock) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := b.Serialize(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// ledgerChain plays to a ledger without a node around it.
type ledgerChain struct{ l *ledger.Ledger }

func (c ledgerChain) submit(t *testing.T, raw []byte) string {
	b, err := wire.DecodeBlock(raw)
	if err != nil {
		return err.Error()
	}
	err = c.l.AddBlock(t.Context(), b)
	switch {
	case err == nil:
		if e, _ := c.l.Entry(b.Hash()); !e.Active {
			return "inconclusive"
		}
		return ""
	case errors.Is(err, ledger.ErrInvalidParent):
		return "bad-prevblk"
	case errors.Is(err, ledger.ErrInvalidBranch):
		return "inconclusive"
	}
	if reason := consensus.RejectReason(err); reason != "" {
		return reason
	}
	t.Fatal(err)
	return ""
}

func (c ledgerChain) tip(*testing.T) wire.BlockRef { return c.l.Tip().Tip }

func (c ledgerChain) unspent(t *testing.T, op wire.OutPoint) bool {
	_, found, err := c.l.Coin(op)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFullBlocks plays the sequence to a ledger; with KEELSON_LARGE_REORG set
// it ends with two reorganisations of 1,088 full blocks.
func TestFullBlocks(t *testing.T) {
	l, err := ledger.Open(context.Background(), ledger.Config{
		Dir:    t.TempDir(),
		Params: consensus.Regtest(consensus.RegtestOptions{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	playFullBlocks(t, ledgerChain{l}, os.Getenv("KEELSON_LARGE_REORG") != "")
}
