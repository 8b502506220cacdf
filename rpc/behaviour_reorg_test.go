package rpc

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// What is in behaviour_*_test.go follows what Bitcoin Core's functional tests
// look at, subject by subject, with tests of our own.

// holds checks that the pool has these transactions and no others.
func (p *pooled) holds(txs ...*wire.Tx) {
	p.t.Helper()
	p.checked(len(txs))
	var got, want []string
	v := p.call("getrawmempool")
	for i := range v.Len() {
		got = append(got, v.At(i).Text)
	}
	for _, tx := range txs {
		want = append(want, tx.TxID().String())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		p.t.Errorf("the pool holds %v, want %v", got, want)
	}
}

// verdict is what testmempoolaccept says of one transaction: "allowed", or the
// reason against it.
func (p *pooled) verdict(tx *wire.Tx) string {
	p.t.Helper()
	v := p.call("testmempoolaccept", []any{raw(tx)}, 0)
	if v.At(0).Get("allowed").Text == "true" {
		return "allowed"
	}
	return v.At(0).Get("reject-reason").Text
}

// invalidate takes back the block at a height and all above it, in the node
// and in the generator.
func (p *pooled) invalidate(height uint32) {
	p.t.Helper()
	hash := p.call("getblockhash", height)
	parent := p.call("getblockhash", height-1)
	p.call("invalidateblock", hash.Text)
	to, err := wire.ParseHash(parent.Text)
	if err != nil {
		p.t.Fatal(err)
	}
	p.chain.GotoHash(to)
}

func (p *pooled) height() uint32 { return p.chain.State().Tip.Height }

// Transactions of blocks that are taken back wait again, with those that
// depend on them, and with their totals (mempool_resurrect, mempool_packages).
func TestResurrection(t *testing.T) {
	p := startPooled(t, 3, nil, nil)
	var first, second []*wire.Tx
	for i := range 3 {
		tx := p.pay(1_000, p.coins[i])
		first = append(first, tx)
		second = append(second, p.pay(2_000, p.out(tx, 0)))
	}
	p.mine(first...)
	p.mine(second...)
	p.holds()
	// Nobody has asked for the pool since the last block: it gets that back all
	// the same.
	third := p.pay(3_000, p.out(second[0], 0))
	p.mine(third)
	p.invalidate(p.height() - 2)
	all := slices.Concat(first, second, []*wire.Tx{third})
	p.holds(all...)
	v := p.call("getmempoolentry", first[0].TxID())
	if v.Get("descendantcount").Text != "3" || v.Get("fees").Get("descendant").Text != "0.00006000" || v.Get("unbroadcast").Text != "false" {
		t.Errorf("%s", encoded(v))
	}
	if v := p.call("getmempoolentry", third.TxID()); v.Get("ancestorcount").Text != "3" || v.Get("depends").Len() != 1 {
		t.Errorf("%s", encoded(v))
	}
	p.mine(all...)
	p.holds()
}

// A block given by generateblock or submitblock and taken back at once.
func TestResurrectionAtOnce(t *testing.T) {
	p := startPooled(t, 1, nil, nil)
	tx := p.pay(1_000, p.coins[0])
	hash := p.call("generateblock", "raw(51)", []any{raw(tx)}).Get("hash").Text
	p.call("invalidateblock", hash)
	p.holds(tx)
	p.call("reconsiderblock", hash)
	p.holds()
}

// Outputs of coinbases are spent no earlier than in the block that makes them
// mature, and what spends them leaves when a reorganisation makes them younger
// (mempool_spend_coinbase, mempool_reorg).
func TestSpentCoinbases(t *testing.T) {
	p := startPooled(t, 2, nil, nil)
	young := p.coinbaseAt(3)
	tx, early := p.pay(1_000, p.coins[1]), p.pay(1_000, young)
	p.send(tx)
	const premature = "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 99"
	p.sendFails(-26, premature, early)
	if got := p.verdict(early); got != "bad-txns-premature-spend-of-coinbase" {
		t.Errorf("%s", got)
	}
	child := p.pay(1_000, p.out(tx, 0))
	p.send(child)
	p.mine()
	p.send(early)
	p.holds(tx, child, early)
	// One block less: the last of them has to go; another one: the others, too.
	p.invalidate(p.height())
	p.holds(tx, child)
	p.sendFails(-26, premature, early)
	p.invalidate(p.height())
	p.holds()
}

// coinbaseAt is the output of the coinbase at a height.
func (p *pooled) coinbaseAt(height uint32) consensus.OutCoin {
	b := p.chain.Blocks()[height-1]
	op := wire.OutPoint{TxID: b.Txs[0].TxID()}
	return consensus.OutCoin{OutPoint: op, Coin: p.chain.Coins()[op]}
}

// Lock times are those of the next block, and a reorganisation takes out what
// they forbid again (mempool_reorg, feature_bip68_sequence).
func TestLockTimesInThePool(t *testing.T) {
	p := startPooled(t, 6, nil, nil)
	locked := func(coin consensus.OutCoin, version, lockTime, sequence uint32) *wire.Tx {
		tx := p.pay(1_000, coin)
		tx.Version, tx.LockTime, tx.Inputs[0].Sequence = version, lockTime, sequence
		p.chain.Sign(tx, []consensus.OutCoin{coin})
		return tx
	}
	height := p.height()
	// Lock times: the height below that of the next block; the median time past.
	p.send(locked(p.coins[0], 2, height, 0))
	p.sendFails(-26, "non-final", locked(p.coins[1], 2, height+1, 0))
	median := p.chain.State().MedianTimePast()
	p.sendFails(-26, "non-final", locked(p.coins[1], 2, median, 0))
	timed := locked(p.coins[1], 2, median-1, 0)
	p.send(timed)
	// A sequence number that is final switches them off.
	p.send(locked(p.coins[2], 2, height+1_000, wire.SequenceFinal))
	p.checked(3)
	p.mine()
	p.call("invalidateblock", p.call("getbestblockhash").Text)
	p.chain.GotoHash(p.chain.Tip().Header.PrevBlock)
	p.checked(3)
	p.call("invalidateblock", p.call("getbestblockhash").Text)
	p.chain.GotoHash(p.chain.Tip().Header.PrevBlock)
	p.checked(1) // only the one that is final

	// Relative ones count from the block of what is spent, by blocks or in steps
	// of 512 seconds. Version 1 and the highest bit switch them off.
	p = startPooled(t, 6, nil, nil)
	const disabled, seconds = 1 << 31, 1 << 22
	coin := p.coins[0]
	split := p.chain.Spend([]consensus.OutCoin{coin}, p.chain.Out(chaingen.P2WPKH, 0, 1e9), p.chain.Out(chaingen.P2WPKH, 1, 1e9),
		p.chain.Out(chaingen.P2WPKH, 2, 1e9), p.chain.Out(chaingen.P2WPKH, 3, 1e9), p.chain.Out(chaingen.P2WPKH, 4, 999_990_000))
	p.send(split)
	// What spends the unconfirmed may have no lock above zero.
	p.sendFails(-26, "non-BIP68-final", locked(p.out(split, 0), 2, 0, 1))
	p.sendFails(-26, "non-BIP68-final", locked(p.out(split, 0), 2, 0, seconds|1))
	zero := locked(p.out(split, 0), 2, 0, 0)
	p.send(zero)
	p.mine(split)
	confirmed := p.height()
	outs := p.chain.OutputsOf(split)
	for i := range outs {
		outs[i].Coin = p.chain.Coins()[outs[i].OutPoint]
	}
	p.holds(zero)
	p.send(locked(outs[1], 2, 0, disabled|100), locked(outs[2], 1, 0, 100))
	byHeight := locked(outs[3], 2, 0, 2)
	p.sendFails(-26, "non-BIP68-final", byHeight)
	byTime := locked(outs[4], 2, 0, seconds|3) // 1536 seconds, and a block takes 600
	p.sendFails(-26, "non-BIP68-final", byTime)
	p.mine()
	p.send(byHeight)
	if got := p.verdict(byTime); got != "non-BIP68-final" {
		t.Errorf("%s", got)
	}
	p.mine()
	p.send(byTime)
	// Back at where it was not allowed, it is not there.
	p.invalidate(confirmed + 1)
	p.checked(3)
	for _, tx := range []*wire.Tx{byHeight, byTime} {
		if got := p.verdict(tx); got != "non-BIP68-final" {
			t.Errorf("%s", got)
		}
	}
}

// A block that spends what a waiting transaction spends drives that out, with
// its descendants and what was said of its fee (mempool_reorg,
// mining_prioritisetransaction).
func TestConflictingBlock(t *testing.T) {
	p := startPooled(t, 2, nil, nil)
	tx := p.pay(1_000, p.coins[0])
	child := p.pay(1_000, p.out(tx, 0))
	bystander := p.pay(1_000, p.coins[1])
	p.send(tx, child, bystander)
	p.call("prioritisetransaction", tx.TxID(), nil, 500)
	p.mine(p.pay(9_000, p.coins[0]))
	p.holds(bystander)
	if got := p.text("getprioritisedtransactions"); got != "{}" {
		t.Errorf("%s", got)
	}
	p.sendFails(-25, "bad-txns-inputs-missingorspent", tx)
}

// What waited longer than mempoolexpiry leaves with its descendants when the
// next one comes (mempool_expiry).
func TestExpiry(t *testing.T) {
	const hours = 10
	p := startPooled(t, 3, nil, func(c *mempool.Config) { c.Expiry = hours * time.Hour })
	began := p.clock.Now().Unix()
	parent := p.pay(1_000, p.coins[0])
	independent := p.pay(1_000, p.coins[1])
	p.send(parent)
	p.call("setmocktime", began+hours*3600/2)
	child := p.pay(1_000, p.out(parent, 0))
	p.send(child, independent)
	if v := p.call("getmempoolentry", parent.TxID()); v.Get("time").Text != fmt.Sprint(began) {
		t.Errorf("%s", encoded(v))
	}
	// Exactly at its age nothing happens, a second later it does.
	p.call("setmocktime", began+hours*3600)
	trigger := p.pay(1_000, p.coins[2])
	p.send(trigger)
	p.holds(parent, child, independent, trigger)
	p.call("setmocktime", began+hours*3600+1)
	again := p.pay(1_000, p.out(trigger, 0))
	p.send(again)
	p.holds(independent, trigger, again)
}

// Signature operations count as size (mempool_sigoplimit).
func TestSignatureOperationsAsSize(t *testing.T) {
	for _, bytesPerSigOp := range []int{20, 43, 327} {
		p := startPooled(t, 1, nil, func(c *mempool.Config) { c.Rules.BytesPerSigOp = bytesPerSigOp })
		const ops = 142
		b := new(script.Builder).Op(script.Op0).Op(script.OpIf)
		for range ops / 20 {
			b.Op(script.OpCheckMultisig)
		}
		for range ops % 20 {
			b.Op(script.OpCheckSig)
		}
		code := b.Op(script.OpEndIf).Op(script.Op1).Script()
		fund := p.chain.Spend(p.coins, wire.TxOut{Value: 50*wire.Coin - 10_000, PkScript: witnessScript(code)})
		p.send(fund)
		tx := &wire.Tx{
			Version: 2,
			Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: fund.TxID()}, Sequence: wire.SequenceFinal, Witness: [][]byte{code}}},
			Outputs: []wire.TxOut{{Value: 48 * wire.Coin, PkScript: append([]byte{0x6a, 0x4d, 0, 1}, make([]byte, 256)...)}},
		}
		size := (ops*bytesPerSigOp + 3) / 4
		for _, more := range []int{0, 1, -1} {
			padded := tx.Clone()
			n := 256 + size - virtualSize(tx) + more
			if n < 256 {
				continue
			}
			padded.Outputs[0].PkScript = append([]byte{0x6a, 0x4d, byte(n), byte(n >> 8)}, make([]byte, n)...)
			v := p.call("testmempoolaccept", []any{raw(padded)}, 0)
			if got, want := v.At(0).Get("vsize").Text, fmt.Sprint(max(size, size+more)); got != want {
				t.Errorf("%d bytes per operation: size %s, want %s (%s)", bytesPerSigOp, got, want, encoded(v))
			}
		}
		small := tx.Clone()
		small.Outputs[0].PkScript = []byte{0x6a, 7, 't', 'e', 's', 't', '1', '2', '3'}
		p.call("sendrawtransaction", raw(small), 0, 49)
		all := fmt.Sprint(virtualSize(fund) + size)
		if v := p.call("getmempoolentry", small.TxID()); v.Get("descendantsize").Text != fmt.Sprint(size) || v.Get("ancestorsize").Text != all || v.Get("vsize").Text != fmt.Sprint(size) {
			t.Errorf("%s", encoded(v))
		}
		if v := p.call("getmempoolentry", fund.TxID()); v.Get("descendantsize").Text != all || v.Get("ancestorsize").Text != fmt.Sprint(virtualSize(fund)) {
			t.Errorf("%s", encoded(v))
		}
		p.checked(2)
	}
}

// witnessScript is the P2WSH output script of a script.
func witnessScript(code []byte) []byte {
	hash := sha256.Sum256(code)
	return append([]byte{0, 32}, hash[:]...)
}
