package lnd

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lightningnetwork/lnd/lnrpc"
	"github.com/lightningnetwork/lnd/lnrpc/watchtowerrpc"
	"github.com/lightningnetwork/lnd/lnrpc/wtclientrpc"
)

// database is where lnd keeps its channels.
func (l *lightning) database() string {
	return filepath.Join(l.dir, "data", "graph", "regtest", "channel.db")
}

// cheat has bob go back to an older state of the channel, in which he had more of
// it, and close it by force with that. Alice is not told by him: she does not listen,
// and does not call him again.
func cheat(t *testing.T, k *keelson, alice, bob *lightning, c channel, before func()) (revoked string) {
	t.Helper()
	alice.pay(bob.invoice(40 * price))
	alice.idle(c)
	bob.idle(c)
	bob.interrupt()
	old := must(os.ReadFile(bob.database()))(t)
	bob.run()
	alice.connect(bob)
	alice.active(c)
	bob.pay(alice.invoice(30 * price))
	alice.idle(c)
	bob.idle(c)
	if before != nil {
		before()
	}
	bob.interrupt()
	if err := os.WriteFile(bob.database(), old, 0o600); err != nil {
		t.Fatal(err)
	}
	bob.run()
	if open := bob.channel(c); open == nil || open.LocalBalance != 40*price {
		t.Fatalf("bob's channel is %v", open)
	}
	return bob.close(c, true)
}

// victim are the settings of one whom a cheat must not reach.
var victim = []string{"--nolisten", "--minbackoff=1h", "--maxbackoff=1h"}

// TestJustice: bob closes with a state that was revoked. Alice, who sees it, takes
// everything.
func TestJustice(t *testing.T) {
	for _, s := range setups {
		t.Run(s.String(), func(t *testing.T) {
			k := startKeelson(t, s)
			alice, bob := startLnd(k, "alice", victim...), startLnd(k, "bob")
			k.fund(alice)
			c := alice.open(bob, nil)
			revoked := cheat(t, k, alice, bob, c, nil)
			hash := k.mine(1)[0]
			if !slices.Contains(k.mined(hash), revoked) {
				t.Fatalf("the block has %v, not %s", k.mined(hash), revoked)
			}
			k.synced(alice, bob)
			alice.closed(c)
			punished(t, k, alice, bob, revoked, hash)
		})
	}
}

// punished wants alice to have the whole channel, and bob nothing.
func punished(t *testing.T, k *keelson, alice, bob *lightning, revoked, hash string) {
	t.Helper()
	eventually(t, "alice has all coins", func() error {
		if got := alice.confirmed(); got < 50*coin-40_000 {
			k.mine(1)
			k.synced(alice)
			return fmt.Errorf("%d", got)
		}
		return nil
	})
	if got := bob.confirmed(); got != 0 {
		t.Errorf("bob has %d", got)
	}
	for _, s := range k.spenders(revoked, k.heightOf(hash)) {
		t.Logf("revoked %s, spent by %s with %d inputs", revoked, s.tx.Txid, len(s.tx.Vin))
	}
}

// TestWatchtower: alice is away while bob cheats. Her watchtower, an lnd without
// channels or keys of hers, takes bob's coins to her wallet.
func TestWatchtower(t *testing.T) {
	k := startKeelson(t, setup{txindex: true})
	port := freePort(t)
	tower := startLnd(k, "tower", "--watchtower.active", "--watchtower.listen="+loopback(port))
	alice, bob := startLnd(k, "alice", append(victim, "--wtclient.active")...), startLnd(k, "bob")
	info := must(tower.tower.GetInfo(t.Context(), &watchtowerrpc.GetInfoRequest{}))(t)
	must(alice.towers.AddTower(t.Context(), &wtclientrpc.AddTowerRequest{Pubkey: info.Pubkey, Address: loopback(port)}))(t)
	k.fund(alice)
	c := alice.open(bob, nil)
	revoked := cheat(t, k, alice, bob, c, func() {
		eventually(t, "the tower has what it needs", func() error {
			stats, err := alice.towers.Stats(t.Context(), &wtclientrpc.StatsRequest{})
			if err != nil {
				return err
			}
			if stats.NumBackups < 3 || stats.NumPendingBackups > 0 {
				return fmt.Errorf("%v of tower %s", stats, hex.EncodeToString(info.Pubkey))
			}
			return nil
		})
		alice.interrupt()
	})
	hash := k.mine(1)[0]
	k.synced(bob, tower)
	tx := k.transaction(revoked, hash)
	// Bob's own output is the one that the revocation key opens.
	found := ""
	eventually(t, "the tower answers", func() error {
		for i := range tx.Vout {
			var answer []struct{ SpendingTxid string }
			if err := k.try(&answer, "gettxspendingprevout", []any{map[string]any{"txid": revoked, "vout": i}}); err != nil {
				return err
			}
			if id := answer[0].SpendingTxid; id != "" && len(k.transaction(id, "").Vin) == 2 {
				found = id
				return nil
			}
		}
		return fmt.Errorf("the pool has %v", k.pool())
	})
	k.mine(1)
	alice.run()
	alice.closed(c)
	punished(t, k, alice, bob, revoked, hash)
	if got := must(alice.ClosedChannels(t.Context(), &lnrpc.ClosedChannelsRequest{Breach: true}))(t).Channels; len(got) != 1 {
		t.Errorf("alice knows of %d breaches", len(got))
	}
	t.Logf("justice of the tower: %s", found)
}
