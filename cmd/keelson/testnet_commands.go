package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/testnet"
)

var miningChoices = []string{"manual", "instant", "every=", "poisson=", "hashrate="}

const miningHelp = "  manual         when you call for a block: keelson testnet mine\n" +
	"  instant        as soon as there is a transaction to put into one\n" +
	"  every=10s      after equal intervals\n" +
	"  poisson=30s    by real proof of work at random times whose mean this is\n" +
	"  hashrate=1000  by real proof of work at so many hashes per second\n"

// testnetCommands returns the table.
func testnetCommands() []testnetCommand {
	sharesFlag := testnetFlag{name: "shares", arg: "50,30,20", help: "the nodes' parts of the hash rate, for poisson and hashrate"}
	nodeFlag := testnetFlag{name: "node", arg: "N", help: "the node that mines (the first that runs)"}
	return []testnetCommand{
		{name: "up", args: "[-- SETTINGS]", run: testnetUp, flags: append(upFlags(), sharesFlag),
			help: "start a network and run it until Ctrl-C",
			more: "Starts a network of real nodes and runs it until Ctrl-C, SIGTERM or \"keelson testnet stop\".\n" +
				"It begins with accounts that have coins; the same seed gives the same ones each time. With\n" +
				"--keep the folder stays, and the next call with --keep goes on from there. Settings behind\n" +
				"-- go to every node, as in: keelson testnet up -- --minrelaytxfee=0\n\nBlocks come, with --mine,\n" + miningHelp},
		{name: "status", call: noArguments("testnet_status"), show: showStatus,
			help: "show nodes, tips, links, clock and mining"},
		{name: "accounts", call: noArguments("testnet_accounts"), show: showAccounts,
			help: "show the accounts: address, private key, coins"},
		{name: "mine", args: "[BLOCKS]", most: 1, flags: []testnetFlag{nodeFlag}, call: callMine, show: showMine,
			help: "mine blocks (1), and wait until all nodes have them"},
		{name: "fund", args: "ADDRESS [AMOUNT]", least: 1, most: 2, show: showText,
			call: func(c *testnetCall) (string, []any, error) {
				if len(c.args) == 1 {
					return "testnet_fund", []any{c.args[0]}, nil
				}
				return "testnet_fund", []any{c.args[0], c.args[1]}, nil
			},
			help: "pay from the faucet (1 coin); prints the transaction's id"},
		{name: "reorg", args: "DEPTH [LENGTH]", least: 1, most: 2, call: callWholes("testnet_reorg"), show: showReorg,
			help: "replace the last DEPTH blocks by LENGTH others (DEPTH+1)",
			more: "Has a node mine LENGTH empty blocks beside the last DEPTH ones. They are more, so that all nodes\n" +
				"reorganise, as they do on a real network; transactions of the blocks that lose are in\n" +
				"the pools again. Nodes that cannot be reached from the first do not take part."},
		{name: "partition", args: "NODES NODES...", least: 1, most: -1, call: callPartition, show: showGroups,
			help: "cut the network: partition 0 1,2",
			more: "Cuts the network into groups that have no connection: \"keelson testnet partition 0 1,2\".\n" +
				"Nodes that are in none of the groups are one more. Whatever was cut before is joined again."},
		{name: "heal", call: noArguments("testnet_heal"), show: said("all nodes are connected again"),
			help: "undo a partition"},
		{name: "latency", args: "DURATION [NODE NODE]", least: 1, most: 3, call: callDelay("testnet_setlatency"), show: showNothing,
			help: "delay everything between two nodes, or between all: latency 200ms",
			more: "Delays everything that a node sends to another by so much, in both directions: between two\n" +
				"nodes, or between all. It is at most a second; 0 ends it."},
		{name: "jitter", args: "DURATION [NODE NODE]", least: 1, most: 3, call: callDelay("testnet_setjitter"), show: showNothing,
			help: "delay by up to so much more, at random: jitter 20ms"},
		{name: "loss", args: "PERCENT [NODE NODE]", least: 1, most: 3, call: callLoss, show: showNothing,
			help: "lose packets between two nodes, or between all: loss 5%",
			more: "Loses so many of the packets between two nodes, or between all; as TCP does then, they\n" +
				"come later. 0 ends it."},
		{name: "kill", args: "NODE", least: 1, most: 1, call: callWholes("testnet_kill"), show: showNothing,
			help: "end a node, with SIGKILL if it is a process (--processes)"},
		{name: "restart", args: "NODE", least: 1, most: 1, call: callWholes("testnet_restart"), show: showNothing,
			help: "start a node again, stopping it first if it runs"},
		{name: "time", args: "[+DURATION|TIME|now]", most: 1, call: callTime, show: showTime,
			help: "show, advance or set the clock of all nodes: time +2h",
			more: "Without an argument, shows the clock of all nodes. \"time +2h\" advances it, \"time\n" +
				"2030-01-01T00:00:00Z\" or a number of seconds since 1970 sets it, \"time now\" makes it that of the\n" +
				"machine again. It runs on from there. Mine a block for the chain to have the new time."},
		{name: "snapshot", call: noArguments("testnet_snapshot"), show: showSnapshot,
			help: "remember chain, pools and clock; prints a number for revert",
			more: "Remembers chain, pools and clock of all nodes, and prints a number by which revert has them\n" +
				"back. Snapshots end with the network."},
		{name: "revert", args: "SNAPSHOT", least: 1, most: 1, call: callWholes("testnet_revert"), show: showRevert,
			help: "go back to a snapshot, as often as you like"},
		{name: "difficulty", args: "DIFFICULTY", least: 1, most: 1, call: callDifficulty, show: showDifficulty,
			flags: []testnetFlag{{name: "retarget", help: "let the difficulty follow the hash rate from there"}},
			help:  "set the difficulty of the blocks to come",
			more: "Sets the difficulty of the blocks to come: a number as getdifficulty returns it, or compact bits\n" +
				"such as 0x1f00ffff. The nodes restart, which takes a moment. With --retarget it follows the hash\n" +
				"rate from there, as on our main network."},
		{name: "mining", args: "[MODE]", most: 1, flags: []testnetFlag{sharesFlag}, call: callMining, show: showMining,
			help: "show or set how blocks come: mining every=10s",
			more: "Shows or sets how blocks come:\n\n" + miningHelp},
		{name: "sync", call: noArguments("testnet_sync"), show: said("all connected nodes have one tip"),
			help: "wait until all connected nodes have one tip"},
		{name: "stop", call: noArguments("testnet_stop"), show: showText,
			help: "stop the network, as Ctrl-C does where it runs"},
	}
}

// noArguments is the call of a method without parameters.
func noArguments(method string) func(*testnetCall) (string, []any, error) {
	return func(*testnetCall) (string, []any, error) { return method, nil, nil }
}

// callWholes is the call of a method whose parameters are whole numbers.
func callWholes(method string) func(*testnetCall) (string, []any, error) {
	return func(c *testnetCall) (string, []any, error) {
		var params []any
		for _, word := range c.args {
			n, err := whole(word)
			if err != nil {
				return "", nil, err
			}
			params = append(params, n)
		}
		return method, params, nil
	}
}

// whole reads a whole number that is not negative.
func whole(word string) (int, error) {
	n, err := strconv.ParseUint(word, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", word)
	}
	return int(n), nil
}

func callMine(c *testnetCall) (string, []any, error) {
	blocks := 1
	if len(c.args) > 0 {
		var err error
		if blocks, err = whole(c.args[0]); err != nil {
			return "", nil, err
		}
	}
	if word, given := c.flags["node"]; given {
		node, err := whole(word)
		if err != nil {
			return "", nil, fmt.Errorf("--node: %w", err)
		}
		return "testnet_mine", []any{blocks, node}, nil
	}
	return "testnet_mine", []any{blocks}, nil
}

// callPartition reads 0 1,2 and 0|1,2.
func callPartition(c *testnetCall) (string, []any, error) {
	var groups []any
	for word := range strings.SplitSeq(strings.Join(c.args, "|"), "|") {
		var group []any
		for text := range strings.SplitSeq(word, ",") {
			n, err := whole(text)
			if err != nil {
				return "", nil, fmt.Errorf("%w: groups are written as in \"partition 0 1,2\"", err)
			}
			group = append(group, n)
		}
		groups = append(groups, group)
	}
	return "testnet_partition", []any{groups}, nil
}

// twoNodes reads the nodes of a link behind the first argument.
func (c *testnetCall) twoNodes(params []any) ([]any, error) {
	if len(c.args) == 2 {
		return nil, errors.New("a link has two nodes: " + c.line())
	}
	for _, word := range c.args[1:] {
		n, err := whole(word)
		if err != nil {
			return nil, err
		}
		params = append(params, n)
	}
	return params, nil
}

// callDelay is the call of a method that takes milliseconds and a link.
func callDelay(method string) func(*testnetCall) (string, []any, error) {
	return func(c *testnetCall) (string, []any, error) {
		d, err := duration(c.args[0])
		if err != nil {
			return "", nil, err
		}
		params, err := c.twoNodes([]any{float64(d) / float64(time.Millisecond)})
		return method, params, err
	}
}

// duration reads 200ms, or 0.
func duration(word string) (time.Duration, error) {
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 200ms, 10s or 2h30m", word)
	}
	return d, nil
}

func callLoss(c *testnetCall) (string, []any, error) {
	percent, err := strconv.ParseFloat(strings.TrimSuffix(c.args[0], "%"), 64)
	if err != nil || !(percent >= 0 && percent <= 100) { // nor NaN
		return "", nil, fmt.Errorf("%q is not a part of 100, such as 5%%", c.args[0])
	}
	params, err := c.twoNodes([]any{percent})
	return "testnet_setloss", params, err
}

func callTime(c *testnetCall) (string, []any, error) {
	if len(c.args) == 0 {
		return "testnet_time", nil, nil
	}
	word := c.args[0]
	if by, advance := strings.CutPrefix(word, "+"); advance {
		d, err := duration(by)
		if err != nil {
			return "", nil, err
		}
		if d%time.Second != 0 {
			return "", nil, fmt.Errorf("the clock advances by whole seconds, not by %v", d)
		}
		return "testnet_advance", []any{int64(d / time.Second)}, nil
	}
	if word == "now" {
		return "testnet_settime", []any{0}, nil
	}
	if seconds, err := strconv.ParseUint(word, 10, 32); err == nil {
		return "testnet_settime", []any{int64(seconds)}, nil
	}
	at, err := time.Parse(time.RFC3339, word)
	if err != nil {
		return "", nil, fmt.Errorf("%q is none of +2h, now, 2030-01-01T00:00:00Z and a number of seconds since 1970", word)
	}
	return "testnet_settime", []any{at.Unix()}, nil
}

func callDifficulty(c *testnetCall) (string, []any, error) {
	return "testnet_setdifficulty", []any{c.args[0], c.on("retarget")}, nil
}

func callMining(c *testnetCall) (string, []any, error) {
	shares, given := c.flags["shares"]
	if len(c.args) == 0 {
		if given {
			return "", nil, errors.New("--shares needs a mode, poisson or hashrate")
		}
		return "testnet_mining", nil, nil
	}
	list, err := readShares(shares, given)
	if err != nil {
		return "", nil, err
	}
	if _, err := testnet.ParseMining(c.args[0]); err != nil {
		return "", nil, err
	}
	params := []any{c.args[0]}
	if given {
		params = append(params, floats(list))
	}
	return "testnet_setmining", params, nil
}

// readShares reads 50,30,20.
func readShares(text string, given bool) ([]float64, error) {
	if !given {
		return nil, nil
	}
	var list []float64
	for word := range strings.SplitSeq(text, ",") {
		share, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, fmt.Errorf("--shares: %q is not a number", word)
		}
		list = append(list, share)
	}
	return list, nil
}

func floats(list []float64) []any {
	out := make([]any, len(list))
	for i, f := range list {
		out[i] = f
	}
	return out
}
