package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// What people are shown of the results of testnet_* methods, whose shapes
// package control documents in their help.

func showText(_ *testnetCall, v *jsonrpc.Value) string { return v.Text }

func showNothing(*testnetCall, *jsonrpc.Value) string { return "" }

// said is what a command says that has nothing to tell but its success.
func said(text string) func(*testnetCall, *jsonrpc.Value) string {
	return func(*testnetCall, *jsonrpc.Value) string { return text }
}

// texts lists the elements of an array.
func texts(v *jsonrpc.Value) []string {
	var list []string
	for i := range v.Len() {
		list = append(list, v.At(i).Text)
	}
	return list
}

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// columns aligns lines whose cells are separated by tabs.
func columns(lines ...string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
	_ = w.Flush() // a Builder takes everything
	aligned := strings.Split(b.String(), "\n")
	for i := range aligned {
		aligned[i] = strings.TrimRight(aligned[i], " ") // cells that are empty
	}
	return strings.Join(aligned, "\n")
}

func showMine(_ *testnetCall, v *jsonrpc.Value) string {
	hashes := texts(v.Get("blocks"))
	last, _ := strconv.Atoi(v.Get("height").Text)
	lines := make([]string, len(hashes))
	for i, hash := range hashes {
		lines[i] = fmt.Sprintf("%d\t%s", last-len(hashes)+1+i, hash)
	}
	return columns(lines...)
}

func showReorg(_ *testnetCall, v *jsonrpc.Value) string {
	fork, _ := strconv.Atoi(v.Get("fork").Text)
	before, after := texts(v.Get("old")), texts(v.Get("new"))
	lines := []string{fmt.Sprintf("%s above height %d replaced by %d", plural(len(before), "block"), fork, len(after))}
	for i, hash := range before {
		lines = append(lines, fmt.Sprintf("- %d  %s", fork+1+i, hash))
	}
	for i, hash := range after {
		lines = append(lines, fmt.Sprintf("+ %d  %s", fork+1+i, hash))
	}
	return strings.Join(lines, "\n")
}

// groups shows groups of nodes as the partition command takes them.
func groups(v *jsonrpc.Value) string {
	var list []string
	for i := range v.Len() {
		list = append(list, strings.Join(texts(v.At(i)), ","))
	}
	return strings.Join(list, " | ")
}

func showGroups(_ *testnetCall, v *jsonrpc.Value) string { return groups(v) }

// clockTime shows seconds since 1970.
func clockTime(v *jsonrpc.Value) string {
	seconds, _ := strconv.ParseInt(v.Text, 10, 64)
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

func showTime(_ *testnetCall, v *jsonrpc.Value) string {
	text := clockTime(v.Get("time"))
	if seconds, _ := strconv.ParseInt(v.Get("offset").Text, 10, 64); seconds != 0 {
		text += fmt.Sprintf(" (%v from the machine's clock)", time.Duration(seconds)*time.Second)
	}
	return text
}

func showSnapshot(_ *testnetCall, v *jsonrpc.Value) string { return v.Text }

func showRevert(_ *testnetCall, v *jsonrpc.Value) string {
	return fmt.Sprintf("height %s, tip %s", v.Get("height").Text, v.Get("tip").Text)
}

func showDifficulty(_ *testnetCall, v *jsonrpc.Value) string {
	text := fmt.Sprintf("%s (bits %s) from height %s", v.Get("difficulty").Text, v.Get("bits").Text, v.Get("height").Text)
	if v.Get("retarget").Text == "true" {
		text += ", and then with the hash rate"
	}
	return text
}

func showMining(_ *testnetCall, v *jsonrpc.Value) string {
	text := v.Get("mode").Text
	if shares := texts(v.Get("shares")); len(shares) > 0 {
		text += ", shares " + strings.Join(shares, ",")
	}
	return text
}

func showAccounts(_ *testnetCall, v *jsonrpc.Value) string {
	lines := []string{"\tADDRESS\tPRIVATE KEY\tCOINS"}
	for i := range v.Len() {
		a := v.At(i)
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s\t%s", a.Get("index").Text, a.Get("address").Text, a.Get("wif").Text, a.Get("balance").Text))
	}
	return columns(lines...)
}

func showStatus(_ *testnetCall, v *jsonrpc.Value) string {
	lines := []string{"NODE\tJSON-RPC\tPEERS AT\tHEIGHT\tTIP\tPOOL\tPEERS"}
	nodes := v.Get("nodes")
	for i := range nodes.Len() {
		n := nodes.At(i)
		line := fmt.Sprintf("%s\t%s\t%s\t", n.Get("id").Text, n.Get("rpc").Text, n.Get("p2p").Text)
		if n.Get("alive").Text != "true" {
			lines = append(lines, line+"down\t\t\t")
			continue
		}
		lines = append(lines, line+fmt.Sprintf("%s\t%s\t%s\t%s", n.Get("height").Text, n.Get("tip").Text,
			n.Get("pool").Text, strings.Join(texts(n.Get("peers")), ",")))
	}
	text := columns(lines...) + "\n"
	rows := []string{"mining\t" + showMining(nil, v.Get("mining")), "clock\t" + showTime(nil, v)}
	if g := v.Get("groups"); g.Len() > 1 {
		rows = append(rows, "parted\t"+groups(g))
	}
	if stages := v.Get("stages"); stages.Len() > 0 {
		rows = append(rows, "difficulty\t"+showDifficulty(nil, stages.At(stages.Len()-1)))
	}
	links := v.Get("links")
	for i := range links.Len() {
		l := links.At(i)
		latency, jitter, loss := l.Get("latency").Text, l.Get("jitter").Text, l.Get("loss").Text
		if latency == "0" && jitter == "0" && loss == "0" {
			continue
		}
		row := fmt.Sprintf("link %s-%s\t%s ms", l.Get("a").Text, l.Get("b").Text, latency)
		if jitter != "0" {
			row += " and up to " + jitter + " more"
		}
		rows = append(rows, row+", loss "+loss+" %")
	}
	if s := texts(v.Get("snapshots")); len(s) > 0 {
		rows = append(rows, "snapshots\t"+strings.Join(s, ", "))
	}
	rows = append(rows, "explorer\t"+v.Get("explorer").Text)
	return text + columns(rows...)
}
