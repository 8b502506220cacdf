package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// netInfoLevel reads the argument of -netinfo, as bitcoin-cli does.
func netInfoLevel(args []string) (level int, err error) {
	if len(args) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseUint(args[0], 10, 8)
	if err != nil {
		return 0, fmt.Errorf("invalid -netinfo argument: %s\n"+
			"0: counts; 1: the peers as well; 2: with their addresses; 3: with what they call themselves; 4: with both", args[0])
	}
	return min(int(n), 4), nil
}

// netInfo asks for the peers and lays them out as a person wants to see them,
// after bitcoin-cli's -netinfo. now is the time of the person's machine.
func netInfo(ctx context.Context, c *client.Client, level int, now time.Time) (string, error) {
	results, err := c.Batch(ctx, "getpeerinfo", "getnetworkinfo", "getblockchaininfo")
	if err != nil {
		return "", err
	}
	for _, r := range results {
		if r.Err != nil {
			return "", r.Err
		}
	}
	peers, network, chain := &results[0].Value, &results[1].Value, &results[2].Value

	var b strings.Builder
	fmt.Fprintf(&b, "Keelson %s - %s%s\n\n", chain.Get("chain").Text, network.Get("protocolversion").Text, network.Get("subversion").Text)
	if level > 0 && peers.Len() > 0 {
		b.WriteString(peerTable(peers, level, now.Unix()) + "\n")
	}
	b.WriteString(countTable(peers, network) + "\n")

	local := network.Get("localaddresses")
	if local.Len() == 0 {
		b.WriteString("Local addresses: n/a")
		return b.String(), nil
	}
	b.WriteString("Local addresses")
	for i := range local.Len() {
		a := local.At(i)
		fmt.Fprintf(&b, "\n%s    port %s    score %s", a.Get("address").Text, a.Get("port").Text, a.Get("score").Text)
	}
	return b.String(), nil
}

// peerTable has a row for each peer: those that called first, and of each kind
// the fastest.
func peerTable(peers *jsonrpc.Value, level int, now int64) string {
	list := make([]*jsonrpc.Value, peers.Len())
	for i := range list {
		list[i] = peers.At(i)
	}
	slices.SortStableFunc(list, func(p, o *jsonrpc.Value) int {
		return cmp.Or(-cmp.Compare(p.Get("inbound").Text, o.Get("inbound").Text), cmp.Compare(numberOf(p, "minping"), numberOf(o, "minping")))
	})
	head := []string{"<->", "type", "net", "mping", "ping", "send", "recv", "txn", "blk", "hb", "addrp", "addrl", "age", "id"}
	foot := []string{"", "", "", "ms", "ms", "sec", "sec", "min", "min", "", "", "", "min", ""}
	left := len(head) // columns from there on are aligned to the left
	if level == 2 || level == 4 {
		head, foot = append(head, "address"), append(foot, "")
	}
	if level == 3 || level == 4 {
		head, foot = append(head, "version"), append(foot, "")
	}
	rows := [][]string{head}
	for _, p := range list {
		// ago is how long ago something happened, in units of so many seconds.
		ago := func(key string, unit int64, never string) string {
			at := int64(numberOf(p, key))
			if at == 0 {
				return never
			}
			return strconv.FormatInt((now-at)/unit, 10)
		}
		noTxs, noAddrs := "", ""
		if p.Get("relaytxes").Text == "false" {
			noTxs = "*"
		}
		if p.Get("addr_relay_enabled").Text == "false" {
			noAddrs = "."
		}
		row := []string{
			direction(p), shortKind(p.Get("connection_type").Text), shortNetwork(p.Get("network").Text),
			milliseconds(p, "minping"), milliseconds(p, "pingtime"),
			ago("lastsend", 1, ""), ago("lastrecv", 1, ""), ago("last_transaction", 60, noTxs), ago("last_block", 60, ""),
			mark(p, "bip152_hb_to", ".") + mark(p, "bip152_hb_from", "*"),
			cmp.Or(notZero(p, "addr_processed"), noAddrs), notZero(p, "addr_rate_limited"),
			ago("conntime", 60, ""), p.Get("id").Text,
		}
		if level == 2 || level == 4 {
			row = append(row, p.Get("addr").Text)
		}
		if level == 3 || level == 4 {
			row = append(row, p.Get("version").Text+p.Get("subver").Text)
		}
		rows = append(rows, row)
	}
	return layOut(append(rows, foot), left)
}

// countTable counts the peers by network and direction.
func countTable(peers, network *jsonrpc.Value) string {
	counts := map[string]map[string]int{"in": {}, "out": {}, "total": {}}
	manual := 0
	for i := range peers.Len() {
		p := peers.At(i)
		for _, row := range []string{direction(p), "total"} {
			counts[row][p.Get("network").Text]++
			counts[row]["total"]++
			if p.Get("connection_type").Text == string(peerinfo.BlockOnly) {
				counts[row]["block"]++
			}
		}
		if p.Get("connection_type").Text == string(peerinfo.Manual) {
			manual++
		}
	}
	var names []string
	networks := network.Get("networks")
	for i := range networks.Len() {
		if n := networks.At(i); n.Get("reachable").Text == "true" || counts["total"][n.Get("name").Text] > 0 {
			names = append(names, n.Get("name").Text)
		}
	}
	if counts["total"][string(peerinfo.Unroutable)] > 0 {
		names = append(names, string(peerinfo.Unroutable))
	}
	head := []string{""}
	for _, name := range names {
		head = append(head, shortNetwork(name))
	}
	head = append(head, "total", "block", "manual")
	rows := [][]string{head}
	for _, direction := range []string{"in", "out", "total"} {
		row := []string{direction}
		for _, name := range append(slices.Clone(names), "total") {
			row = append(row, strconv.Itoa(counts[direction][name]))
		}
		if direction == "out" {
			row = append(row, strconv.Itoa(counts["out"]["block"]), strconv.Itoa(manual))
		}
		rows = append(rows, row)
	}
	return layOut(rows, len(head))
}

// layOut aligns rows, two spaces apart: the columns before left to the right, but
// for the first, and the others to the left.
func layOut(rows [][]string, left int) string {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			if i > 0 {
				line += "  "
			}
			if i == 0 || i >= left {
				line += fmt.Sprintf("%-*s", width[i], cell)
			} else {
				line += fmt.Sprintf("%*s", width[i], cell)
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func numberOf(p *jsonrpc.Value, key string) float64 {
	n, _ := strconv.ParseFloat(p.Get(key).Text, 64)
	return n
}

// milliseconds shows a number of seconds that may not be there.
func milliseconds(p *jsonrpc.Value, key string) string {
	if _, ok := p.Lookup(key); !ok {
		return ""
	}
	return strconv.FormatFloat(1000*numberOf(p, key), 'f', 0, 64)
}

func notZero(p *jsonrpc.Value, key string) string {
	if text := p.Get(key).Text; text != "0" {
		return text
	}
	return ""
}

func mark(p *jsonrpc.Value, key, sign string) string {
	if p.Get(key).Text == "true" {
		return sign
	}
	return " "
}

func direction(p *jsonrpc.Value) string {
	if p.Get("inbound").Text == "true" {
		return "in"
	}
	return "out"
}

// shortKind is a kind of connection in a narrow column; of those that called us
// there is one kind only.
func shortKind(kind string) string {
	switch peerinfo.Kind(kind) {
	case peerinfo.Inbound:
		return ""
	case peerinfo.FullRelay:
		return "full"
	case peerinfo.BlockOnly:
		return "block"
	case peerinfo.AddressFetch:
		return "addr"
	}
	return kind
}

func shortNetwork(name string) string {
	if name == string(peerinfo.Unroutable) {
		return "npr"
	}
	return name
}
