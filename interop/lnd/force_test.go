package lnd

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/lightningnetwork/lnd/lnrpc"
)

// TestForceClose closes a channel without asking the other side, and waits until
// each has its coins: alice after the delay that the script of her output wants
// (OP_CHECKSEQUENCEVERIFY), bob after a block.
func TestForceClose(t *testing.T) {
	for _, s := range setups {
		t.Run(s.String(), func(t *testing.T) {
			k := startKeelson(t, s)
			alice, bob := startLnd(k, "alice"), startLnd(k, "bob")
			k.fund(alice)
			c := alice.open(bob, nil)
			alice.pay(bob.invoice(30 * price))
			alice.idle(c)
			commitment := alice.close(c, true)
			hash := k.mine(1)[0]
			k.synced(alice, bob)
			if !slices.Contains(k.mined(hash), commitment) {
				t.Fatalf("the block has %v, not %s", k.mined(hash), commitment)
			}
			alice.closed(c)
			bob.closed(c)
			k.swept(t, commitment, hash, alice, bob)
		})
	}
}

// swept wants the coins of a commitment in the chain to be with their owners: what
// alice, whose commitment it is, had to wait for, and 30 prices of bob's.
func (k *keelson) swept(t *testing.T, commitment, hash string, alice, bob *lightning) {
	t.Helper()
	first := k.heightOf(hash)
	delayed := 0
	for _, s := range k.spenders(commitment, first) {
		for _, in := range s.tx.Vin {
			if in.Txid == commitment && in.Sequence == toSelfDelay {
				delayed++
				if s.height < first+toSelfDelay {
					t.Errorf("%s spends at height %d what is locked for %d blocks above %d", s.tx.Txid, s.height, toSelfDelay, first)
				}
				t.Logf("commitment %s at height %d, alice's own output swept by %s at %d", commitment, first, s.tx.Txid, s.height)
			}
		}
	}
	if delayed != 1 {
		t.Errorf("%d inputs with a sequence of %d spend the commitment, want 1", delayed, toSelfDelay)
	}
	eventually(t, "both have their coins", func() error {
		a, b := alice.confirmed(), bob.confirmed()
		// Fees are a few thousand, and anchors, of 330 each, may be left.
		if a < 50*coin-30*price-20_000 || b < 30*price-10_000 {
			k.mine(1)
			k.synced(alice, bob)
			return fmt.Errorf("alice has %d, bob %d", a, b)
		}
		return nil
	})
}

// coin is one in satoshi.
const coin = 100_000_000

// heightOf is the height of a block.
func (k *keelson) heightOf(hash string) int {
	k.t.Helper()
	var header struct{ Height int }
	k.call(&header, "getblockheader", hash)
	return header.Height
}

// spent is a transaction with where it stands.
type spent struct {
	tx     transaction
	height int
}

// spenders finds the transactions of the chain, from a height on, that spend
// outputs of one.
func (k *keelson) spenders(txid string, from int) (found []spent) {
	k.t.Helper()
	for height := from; height <= k.height(); height++ {
		var hash string
		k.call(&hash, "getblockhash", height)
		var block struct{ Tx []transaction }
		k.call(&block, "getblock", hash, 2)
		for _, tx := range block.Tx {
			for _, in := range tx.Vin {
				if in.Txid == txid {
					found = append(found, spent{tx, height})
					break
				}
			}
		}
	}
	return found
}

// TestKilledNode kills the node with SIGKILL at each step of a forced close, and
// once stops it in order. What lnd had sent and no block has is in the pool again: no
// coin and no payment is lost.
func TestKilledNode(t *testing.T) {
	k := startKeelson(t, setup{txindex: true})
	alice, bob := startLnd(k, "alice"), startLnd(k, "bob")
	k.fund(alice)
	c := alice.open(bob, nil)
	again := func(when string) {
		t.Helper()
		height, waiting := k.height(), k.pool()
		k.kill()
		k.run()
		if k.height() < height-1 {
			t.Errorf("%s: height %d after SIGKILL, %d before", when, k.height(), height)
		}
		for back := k.pool(); len(waiting) > 0; waiting = waiting[1:] {
			if !slices.Contains(back, waiting[0]) {
				t.Errorf("%s: the pool has lost %s", when, waiting[0])
			}
		}
		t.Logf("killed %s: height %d, %d in the pool", when, k.height(), len(k.pool()))
	}
	// Without its chain lnd does not begin a payment: it asks for the height first.
	k.kill()
	k.run()
	alice.pay(bob.invoice(20 * price))
	k.interrupt()
	k.run()
	alice.pay(bob.invoice(10 * price))
	alice.idle(c)
	k.mine(1)
	k.synced(alice, bob)

	commitment := alice.close(c, true)
	again("with the commitment in the pool")
	k.resent(alice, commitment)
	again("with the commitment sent again")
	hash := k.until(alice, commitment)
	again("with the commitment in a block")
	k.synced(alice, bob)
	for range toSelfDelay + 2 {
		k.mine(1)
		k.synced(alice, bob)
		again("on the way to the sweep")
	}
	alice.closed(c)
	bob.closed(c)
	k.swept(t, commitment, hash, alice, bob)
}

// resent mines until lnd has sent a transaction again that the pool has lost, or
// until it is in a block.
func (k *keelson) resent(l *lightning, txid string) {
	k.t.Helper()
	eventually(k.t, l.name+" sends "+txid+" again", func() error {
		if slices.Contains(k.pool(), txid) || k.transactionBlock(txid) != "" {
			return nil
		}
		k.mine(1)
		k.synced(l)
		return errors.New("it is in no block, and not in the pool")
	})
}

// until mines until a transaction is in a block, whose hash it returns.
func (k *keelson) until(l *lightning, txid string) (hash string) {
	k.t.Helper()
	eventually(k.t, txid+" is in a block", func() error {
		if hash = k.transactionBlock(txid); hash != "" {
			return nil
		}
		k.mine(1)
		k.synced(l)
		return errors.New("it is not")
	})
	return hash
}

// transactionBlock is the block that a transaction is in, by the index; "" if it
// is in none.
func (k *keelson) transactionBlock(txid string) string {
	var tx transaction
	if k.try(&tx, "getrawtransaction", txid, 1) != nil {
		return ""
	}
	return tx.Blockhash
}

// TestTaproot opens, uses and closes channels whose funding output is taproot: in
// peace and by force.
func TestTaproot(t *testing.T) {
	k := startKeelson(t, setup{txindex: true})
	alice := startLnd(k, "alice", "--protocol.simple-taproot-chans")
	bob := startLnd(k, "bob", "--protocol.simple-taproot-chans")
	k.fund(alice)
	taproot := func(r *lnrpc.OpenChannelRequest) {
		r.CommitmentType = lnrpc.CommitmentType_SIMPLE_TAPROOT
		r.Private = true // lnd does not tell others of such channels
	}
	open := func() channel {
		c := alice.open(bob, taproot)
		if out := k.transaction(c.txid, "").Vout[c.vout]; out.ScriptPubKey.Type != "witness_v1_taproot" {
			t.Errorf("the funding output is %s", out.ScriptPubKey.Type)
		}
		alice.pay(bob.invoice(31 * price))
		bob.pay(alice.invoice(price))
		alice.idle(c)
		return c
	}
	peace := open()
	closing := alice.close(peace, false)
	hash := k.mine(1)[0]
	if tx := k.transaction(closing, hash); len(tx.Vin) != 1 || len(tx.Vin[0].TxInWitness) != 1 {
		t.Errorf("a cooperative close is to have one signature, by both: %+v", tx.Vin)
	}
	alice.closed(peace)
	bob.closed(peace)
	t.Logf("channel %v closed by %s", peace, closing)

	force := open()
	commitment := alice.close(force, true)
	hash = k.mine(1)[0]
	k.synced(alice, bob)
	alice.closed(force)
	bob.closed(force)
	first := k.heightOf(hash)
	sweeps := k.spenders(commitment, first)
	if len(sweeps) < 2 {
		t.Errorf("%d transactions spend the commitment, want alice's and bob's", len(sweeps))
	}
	eventually(t, "bob has his coins", func() error {
		if got := bob.confirmed(); got < 60*price-10_000 {
			k.mine(1)
			k.synced(alice, bob)
			return fmt.Errorf("%d", got)
		}
		return nil
	})
	t.Logf("channel %v closed by force by %s, which %d transactions sweep", force, commitment, len(sweeps))
}
