package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/rpc/client"
)

// getInfo asks for a summary of the node's state and lays it out as
// bitcoin-cli's -getinfo does.
func getInfo(ctx context.Context, c *client.Client, color bool) (string, error) {
	results, err := c.Batch(ctx, "getnetworkinfo", "getblockchaininfo")
	if err != nil {
		return "", err
	}
	for _, r := range results {
		if r.Err != nil {
			return "", r.Err
		}
	}
	network, chain := &results[0].Value, &results[1].Value
	paint := func(code, text string) string {
		if !color {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	progress, _ := strconv.ParseFloat(chain.Get("verificationprogress").Text, 64)
	bar := ""
	if progress < 0.99 {
		bar = progressBar(progress) + " "
	}
	var warnings []string
	for i := range network.Get("warnings").Len() {
		warnings = append(warnings, network.Get("warnings").At(i).Text)
	}
	if len(warnings) == 0 {
		warnings = []string{"(none)"}
	}
	relayFee, _ := strconv.ParseFloat(network.Get("relayfee").Text, 64)

	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", paint("34", "Chain: "+chain.Get("chain").Text))
	fmt.Fprintf(&b, "Blocks: %s\n", chain.Get("blocks").Text)
	fmt.Fprintf(&b, "Headers: %s\n", chain.Get("headers").Text)
	fmt.Fprintf(&b, "Verification progress: %s%.4f%%\n", bar, progress*100)
	fmt.Fprintf(&b, "Difficulty: %s\n\n", chain.Get("difficulty").Text)
	fmt.Fprintf(&b, "%s\n", paint("32", fmt.Sprintf("Network: in %s, out %s, total %s",
		network.Get("connections_in").Text, network.Get("connections_out").Text, network.Get("connections").Text)))
	fmt.Fprintf(&b, "Version: %s\n", network.Get("version").Text)
	fmt.Fprintf(&b, "Time offset (s): %s\n", network.Get("timeoffset").Text)
	fmt.Fprintf(&b, "Proxies: n/a\n")
	fmt.Fprintf(&b, "Min tx relay fee rate (BTC/kvB): %.8f\n\n", relayFee)
	fmt.Fprintf(&b, "%s %s", paint("33", "Warnings:"), strings.Join(warnings, "\n"))
	return b.String(), nil
}

// progressBar draws a share of 1 in twenty letters.
func progressBar(progress float64) string {
	const width = 21
	done := min(int(progress*width), width)
	return strings.Repeat("▒", done) + strings.Repeat("░", width-done)
}
