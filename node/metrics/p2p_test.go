package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/internal/latency"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// network is a Network that says what it is told to.
type network struct {
	peers  []peerinfo.Peer
	totals peerinfo.Totals
	sizes  []peerinfo.TableSize
	bans   []peerinfo.Ban
	stats  peerinfo.Stats
}

func (n *network) Local() peerinfo.Local            { return peerinfo.Local{Active: true} }
func (n *network) Peers() []peerinfo.Peer           { return n.peers }
func (n *network) Totals() peerinfo.Totals          { return n.totals }
func (n *network) TableSizes() []peerinfo.TableSize { return n.sizes }
func (n *network) Bans() []peerinfo.Ban             { return n.bans }
func (n *network) Stats() peerinfo.Stats            { return n.stats }

func TestP2P(t *testing.T) {
	var relay, ready latency.Histogram
	relay.Observe(2 * time.Millisecond)
	ready.Observe(200 * time.Millisecond)
	ready.Observe(400 * time.Millisecond)
	n := &network{
		peers: []peerinfo.Peer{{Kind: peerinfo.Inbound}, {Kind: peerinfo.Manual}, {Kind: peerinfo.Inbound}},
		totals: peerinfo.Totals{
			Sent:     peerinfo.Traffic{Total: 3, ByMessage: map[string]uint64{"ping": 3}},
			Received: peerinfo.Traffic{Total: 9, ByMessage: map[string]uint64{"pong": 4, "blocks": 5}},
		},
		sizes: []peerinfo.TableSize{{Network: peerinfo.IPv6, New: 11, Tried: 12}},
		bans:  make([]peerinfo.Ban, 13),
		stats: peerinfo.Stats{
			Blocks: peerinfo.Blocks{
				Relay: relay.Snapshot(), Ready: ready.Snapshot(), FromPool: 14, WithAsked: 15, Whole: 16, Collisions: 17,
				TxsKnown: 18, TxsAsked: 19, Compact: 50, Duplicate: 20, Gossiped: 21,
			},
			Txs:   peerinfo.Txs{Announced: 22, Asked: 23, Received: 24, Accepted: 25, Refused: 26, Invalid: 27, Unanswered: 28, Repeated: 44, Sent: 29, Told: 31, Orphans: 32},
			Sync:  peerinfo.Sync{Progress: 0.5, Rate: 33, Left: 34 * time.Second, InFlight: 35, Stalls: 36},
			Peers: peerinfo.Counts{Connected: 37, Failed: 38, Refused: 39, Evicted: 40, Penalties: 41, Banned: 42, Disconnected: 43},
		},
	}
	s := start(t, false)
	s.Add(P2P(n, n))
	_, body := get(t, s, "/metrics", "")
	for _, line := range []string{
		`keelson_p2p_peers{kind="inbound"} 2`, `keelson_p2p_peers{kind="manual"} 1`, `keelson_p2p_peers{kind="feeler"} 0`,
		`keelson_p2p_active 1`,
		`keelson_p2p_bytes_total{direction="in",message="pong"} 4`, `keelson_p2p_bytes_total{direction="in",message="blocks"} 5`,
		`keelson_p2p_bytes_total{direction="out",message="ping"} 3`,
		`keelson_p2p_addresses{network="ipv4",table="new"} 0`, `keelson_p2p_addresses{network="ipv6",table="new"} 11`,
		`keelson_p2p_addresses{network="ipv6",table="tried"} 12`, `keelson_p2p_bans 13`,
		`keelson_p2p_blocks_total{way="pool"} 14`, `keelson_p2p_blocks_total{way="asked"} 15`, `keelson_p2p_blocks_total{way="whole"} 16`,
		`keelson_p2p_short_id_collisions_total 17`,
		`keelson_p2p_block_transactions_total{known="yes"} 18`, `keelson_p2p_block_transactions_total{known="no"} 19`,
		`keelson_p2p_compact_blocks_total{known="no"} 30`, `keelson_p2p_compact_blocks_total{known="yes"} 20`,
		`keelson_p2p_headers_by_gossip_total 21`,
		`keelson_p2p_transactions_total{step="announced"} 22`, `keelson_p2p_transactions_total{step="asked"} 23`,
		`keelson_p2p_transactions_total{step="received"} 24`, `keelson_p2p_transactions_total{step="accepted"} 25`,
		`keelson_p2p_transactions_total{step="refused"} 26`, `keelson_p2p_transactions_total{step="invalid"} 27`,
		`keelson_p2p_transactions_total{step="unanswered"} 28`, `keelson_p2p_transactions_total{step="sent"} 29`,
		`keelson_p2p_transactions_total{step="repeated"} 44`,
		`keelson_p2p_transactions_total{step="told"} 31`, `keelson_p2p_orphans 32`,
		`keelson_p2p_sync_progress 0.5`, `keelson_p2p_sync_blocks_per_second 33`, `keelson_p2p_sync_left_seconds 34`,
		`keelson_p2p_blocks_in_flight 35`, `keelson_p2p_stalls_total 36`,
		`keelson_p2p_connections_total{event="connected"} 37`, `keelson_p2p_connections_total{event="failed"} 38`,
		`keelson_p2p_connections_total{event="refused"} 39`, `keelson_p2p_connections_total{event="evicted"} 40`,
		`keelson_p2p_penalties_total 41`, `keelson_p2p_connections_total{event="banned"} 42`, `keelson_p2p_connections_total{event="disconnected"} 43`,
		`keelson_p2p_block_relay_seconds_count 1`, `keelson_p2p_block_relay_seconds_sum 0.002`, `keelson_p2p_block_relay_seconds_bucket{le="0.003"} 1`,
		`keelson_p2p_block_ready_seconds_count 2`, `keelson_p2p_block_ready_seconds_bucket{le="0.3"} 1`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	if t.Failed() {
		t.Log(body)
	}
}

// TestRegisterer: what others register is shown; where nothing is shown there is
// nothing to register with.
func TestRegisterer(t *testing.T) {
	var none *Server
	if none.Registerer() != nil {
		t.Error("metrics that nobody sees can be registered")
	}
	s := start(t, false)
	s.Registerer().MustRegister(Source(func(r *Report) { r.Gauge("libp2p_test", "A gauge.", 7) }))
	if _, body := get(t, s, "/metrics", ""); !strings.Contains(body, "\nlibp2p_test 7\n") {
		t.Error(body)
	}
}
