package metrics

import "github.com/keelson-chain/keelson/p2p/peerinfo"

// Network is what P2P shows; the node's peer-to-peer layer has it.
type Network interface {
	Local() peerinfo.Local
	Peers() []peerinfo.Peer
	Totals() peerinfo.Totals
	Bans() []peerinfo.Ban
	Stats() peerinfo.Stats
}

// Addresses are what P2P shows of the address tables.
type Addresses interface {
	TableSizes() []peerinfo.TableSize
}

// P2P reports on the peers, on what they relay, and on the download of the
// chain. What libp2p counts itself is registered by it: see Server.Registerer. a may be nil.
func P2P(n Network, a Addresses) Source {
	return func(r *Report) {
		peers := map[peerinfo.Kind]int{}
		for _, p := range n.Peers() {
			peers[p.Kind]++
		}
		for _, kind := range peerinfo.Kinds() {
			r.Gauge("keelson_p2p_peers", "Peers, by what the connection is for.", float64(peers[kind]), "kind", string(kind))
		}
		r.Bool("keelson_p2p_active", "1 unless the network is switched off (setnetworkactive).", n.Local().Active)

		totals := n.Totals()
		for _, way := range []struct {
			direction string
			traffic   peerinfo.Traffic
		}{{"in", totals.Received}, {"out", totals.Sent}} {
			for message, bytes := range way.traffic.ByMessage {
				r.Counter("keelson_p2p_bytes_total", "Bytes to and from peers, by message or request.", bytes, "direction", way.direction, "message", message)
			}
		}

		if a != nil {
			reportAddresses(r, a.TableSizes())
		}
		r.Gauge("keelson_p2p_bans", "Bans that have not ended.", float64(len(n.Bans())))

		s := n.Stats()
		reportConnections(r, &s.Peers)
		reportBlocks(r, &s.Blocks)
		reportTxs(r, &s.Txs)
		reportSync(r, &s.Sync)
	}
}

func reportAddresses(r *Report, list []peerinfo.TableSize) {
	sizes := map[peerinfo.Network]peerinfo.TableSize{}
	for _, size := range list {
		sizes[size.Network] = size
	}
	for _, network := range []peerinfo.Network{peerinfo.IPv4, peerinfo.IPv6, peerinfo.Unroutable} {
		const help = "Known addresses, by network and by whether they were tried and have worked."
		r.Gauge("keelson_p2p_addresses", help, float64(sizes[network].New), "network", string(network), "table", "new")
		r.Gauge("keelson_p2p_addresses", help, float64(sizes[network].Tried), "network", string(network), "table", "tried")
	}
}

func reportConnections(r *Report, c *peerinfo.Counts) {
	const help = "Events in the life of connections."
	for _, event := range []struct {
		name string
		n    uint64
	}{
		{"connected", c.Connected}, {"failed", c.Failed}, {"refused", c.Refused},
		{"evicted", c.Evicted}, {"banned", c.Banned}, {"disconnected", c.Disconnected},
	} {
		r.Counter("keelson_p2p_connections_total", help, event.n, "event", event.name)
	}
	r.Counter("keelson_p2p_penalties_total", "Times that a peer was blamed for something.", c.Penalties)
}

func reportBlocks(r *Report, b *peerinfo.Blocks) {
	r.Durations("keelson_p2p_block_relay_seconds", "Time from the first word of a new block until it was passed on.", b.Relay)
	r.Durations("keelson_p2p_block_ready_seconds", "Time from the first word of a new block until it was valid and connected.", b.Ready)
	r.Counter("keelson_p2p_compact_blocks_total", "Compact blocks that came, by whether they were new.", b.Compact-min(b.Duplicate, b.Compact), "known", "no")
	r.Counter("keelson_p2p_compact_blocks_total", "Compact blocks that came, by whether they were new.", b.Duplicate, "known", "yes")
	for _, way := range []struct {
		name string
		n    uint64
	}{{"pool", b.FromPool}, {"asked", b.WithAsked}, {"whole", b.Whole}} {
		r.Counter("keelson_p2p_blocks_total", "New blocks, by how they became whole.", way.n, "way", way.name)
	}
	r.Counter("keelson_p2p_short_id_collisions_total", "Compact blocks whose short ids meant two transactions.", b.Collisions)
	r.Counter("keelson_p2p_block_transactions_total", "Transactions of compact blocks, by whether they were there.", b.TxsKnown, "known", "yes")
	r.Counter("keelson_p2p_block_transactions_total", "Transactions of compact blocks, by whether they were there.", b.TxsAsked, "known", "no")
	r.Counter("keelson_p2p_headers_by_gossip_total", "New headers that came by gossip first.", b.Gossiped)
}

func reportTxs(r *Report, t *peerinfo.Txs) {
	for _, step := range []struct {
		name string
		n    uint64
	}{
		{"announced", t.Announced}, {"asked", t.Asked}, {"unanswered", t.Unanswered}, {"received", t.Received},
		{"accepted", t.Accepted}, {"refused", t.Refused}, {"invalid", t.Invalid}, {"repeated", t.Repeated}, {"told", t.Told}, {"sent", t.Sent},
	} {
		r.Counter("keelson_p2p_transactions_total", "Transactions of relay, by step.", step.n, "step", step.name)
	}
	r.Gauge("keelson_p2p_orphans", "Transactions that wait for their parents.", float64(t.Orphans))
}

func reportSync(r *Report, s *peerinfo.Sync) {
	r.Gauge("keelson_p2p_sync_progress", "Share of the chain that is there, 0 to 1.", s.Progress)
	r.Gauge("keelson_p2p_sync_blocks_per_second", "Blocks a second lately.", s.Rate)
	r.Gauge("keelson_p2p_sync_left_seconds", "About what the rest of the chain will take; 0: nothing to do, or not known.", s.Left.Seconds())
	r.Gauge("keelson_p2p_blocks_in_flight", "Blocks that were asked for.", float64(s.InFlight))
	r.Counter("keelson_p2p_stalls_total", "Blocks asked of another peer because the first one was too slow.", s.Stalls)
}
