package control

import (
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// Parts of the table that several methods have.
var (
	nodeParam  = param{name: "node", kind: jsonrpc.Number, required: true, help: "The number of the node, from 0"}
	linkParams = []param{
		{name: "a", kind: jsonrpc.Number, help: "A node; without it, all links are meant"},
		{name: "b", kind: jsonrpc.Number, help: "The node at the other end"},
	}
)

const (
	stateResult  = `{ "height" : n, "tip" : "hash" }    of the first node that runs`
	timeResult   = `{ "time" : n, "offset" : n }    seconds since 1970; what the machine's clock lacks to that`
	miningResult = `{ "mode" : "every=10s", "shares" : [ n, ... ] }`
)

// methods returns the table. It is a function since help is one of the rows.
func methods() []method {
	return []method{
		{
			name: "help", run: help,
			help:     "List the methods of the test network, or explain one.",
			params:   []param{{name: "method", kind: jsonrpc.String, help: "The method to explain"}},
			result:   `"text"`,
			examples: []string{"", "testnet_mine"},
		},
		{
			name: "status", run: status,
			help: "The state of the network. The same is at /testnet, where it needs no password.",
			result: `{
  "height" : n, "tip" : "hash",         of the first node that runs
  "synced" : bool,                      whether all nodes that run have one tip
  "nodes" : [ { "id" : n, "alive" : bool, "rpc" : "HOST:PORT", "p2p" : "HOST:PORT", "explorer" : "URL",
                "height" : n, "tip" : "hash", "pool" : n, "peers" : [ n, ... ] }, ... ],
  "groups" : [ [ n, ... ], ... ],       the parts of the network; one unless it is cut
  "links" : [ { "a" : n, "b" : n, "connected" : bool, "latency" : n, "jitter" : n, "loss" : n }, ... ],
                                        milliseconds in each direction; percent
  "time" : n, "offset" : n,             the clock of all nodes, as testnet_time has it
  "mining" : { "mode" : "...", "shares" : [ n, ... ] },
  "stages" : [ { "height" : n, "bits" : "hex", "difficulty" : n, "retarget" : bool }, ... ],
                                        where testnet_setdifficulty has changed the difficulty
  "snapshots" : [ n, ... ],
  "control" : "URL", "explorer" : "URL"
}`,
			examples: []string{""},
		},
		{
			name: "accounts", run: accounts,
			help:     "The accounts with their keys, and what coins they have in the chain of the first node that runs.",
			result:   `[ { "index" : n, "address" : "str", "wif" : "str", "descriptor" : "str", "balance" : amount }, ... ]`,
			examples: []string{""},
		},
		{
			name: "mine", run: mine,
			help: "Mine blocks now, of what the node's pool has, and wait until all nodes that it is connected with have them. Their coinbases pay the faucet.",
			params: []param{
				{name: "blocks", kind: jsonrpc.Number, def: "1", help: "How many"},
				{name: "node", kind: jsonrpc.Number, def: "the first that runs", help: "The number of the node, from 0"},
			},
			result:   `{ "node" : n, "height" : n, "blocks" : [ "hash", ... ] }    the height of the last one`,
			examples: []string{"", "6", "1 2"},
		},
		{
			name: "fund", run: fund,
			help: "Pay an address from the faucet. The transaction is in the pool of the first node that runs.",
			params: []param{
				{name: "address", kind: jsonrpc.String, required: true, help: "Any address of regtest"},
				{name: "amount", kind: jsonrpc.Number, def: "1", help: "Coins"},
			},
			result:   `"txid"`,
			examples: []string{`"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080" 1.5`},
		},
		{
			name: "reorg", run: reorg,
			help: "Replace the last blocks by a longer branch: a node mines empty blocks beside them, and all that it is connected with change over. Transactions of the blocks that lose return to the pools.",
			params: []param{
				{name: "depth", kind: jsonrpc.Number, required: true, help: "How many blocks are replaced"},
				{name: "length", kind: jsonrpc.Number, def: "depth + 1", help: "By how many; more than depth"},
			},
			result:   `{ "fork" : n, "forkhash" : "hash", "old" : [ "hash", ... ], "new" : [ "hash", ... ] }    height and hash of the last common block`,
			examples: []string{"1", "3 5"},
		},
		{
			name: "partition", run: partition,
			help: "Cut the network into groups of nodes that have no connection with each other. Nodes that are in none are one more group. An earlier partition is replaced.",
			params: []param{
				{name: "groups", kind: jsonrpc.Array, required: true, help: "Lists of nodes, such as [[0],[1,2]]"},
			},
			result:   "[ [ n, ... ], ... ]    the groups",
			examples: []string{"[[0],[1,2]]"},
		},
		{
			name: "heal", run: heal,
			help:     "Connect all groups again, and wait until they have one chain.",
			result:   stateResult,
			examples: []string{""},
		},
		{
			name: "setlatency", run: setLatency,
			help: "Delay everything between two nodes, or between all, in each direction, by up to a second.",
			params: append([]param{
				{name: "milliseconds", kind: jsonrpc.Number, required: true, help: "The delay; 0: none"},
			}, linkParams...),
			result:   "null",
			examples: []string{"200", "50.5 0 1"},
		},
		{
			name: "setjitter", run: setJitter,
			help: "Delay everything between two nodes, or between all, by up to so much more, at random.",
			params: append([]param{
				{name: "milliseconds", kind: jsonrpc.Number, required: true, help: "The most; 0: none"},
			}, linkParams...),
			result:   "null",
			examples: []string{"20"},
		},
		{
			name: "setloss", run: setLoss,
			help: "Lose a part of the packets between two nodes, or between all; as TCP does then, the data comes later.",
			params: append([]param{
				{name: "percent", kind: jsonrpc.Number, required: true, help: "How many of 100 packets; 0: none"},
			}, linkParams...),
			result:   "null",
			examples: []string{"5", "10 0 1"},
		},
		{
			name: "ping", run: ping,
			help: "Have a node measure how long a message to another one and the answer take.",
			params: []param{
				{name: "a", kind: jsonrpc.Number, required: true, help: "The node that asks"},
				{name: "b", kind: jsonrpc.Number, required: true, help: "The node that answers"},
			},
			result:   "n    milliseconds",
			examples: []string{"0 1"},
		},
		{
			name: "kill", run: kill,
			help:     "End a node at once: with SIGKILL if it is a process of its own.",
			params:   []param{nodeParam},
			result:   "null",
			examples: []string{"1"},
		},
		{
			name: "restart", run: restart,
			help:     "Start a node again, on the same ports and folder. If it runs it is stopped first.",
			params:   []param{nodeParam},
			result:   "null",
			examples: []string{"1"},
		},
		{
			name: "time", run: showTime,
			help:     "The clock of all nodes.",
			result:   timeResult,
			examples: []string{""},
		},
		{
			name: "settime", run: setTime,
			help: "Set the clock of all nodes, which runs on from there.",
			params: []param{
				{name: "time", kind: jsonrpc.Number, required: true, help: "Seconds since 1970; 0: that of the machine"},
			},
			result:   timeResult,
			examples: []string{"1893456000", "0"},
		},
		{
			name: "advance", run: advance,
			help: "Advance the clock of all nodes.",
			params: []param{
				{name: "seconds", kind: jsonrpc.Number, required: true, help: "By how much"},
			},
			result:   timeResult,
			examples: []string{"7200"},
		},
		{
			name: "snapshot", run: snapshot,
			help:     "Remember chain, pools and clock of all nodes, until the network ends.",
			result:   "n    the number by which testnet_revert has them back",
			examples: []string{""},
		},
		{
			name: "revert", run: revert,
			help:     "Go back to a snapshot: chain, pools and clock of all nodes are as they were. It can be done again; later snapshots are forgotten.",
			params:   []param{{name: "snapshot", kind: jsonrpc.Number, required: true, help: "The number that testnet_snapshot has returned"}},
			result:   stateResult,
			examples: []string{"1"},
		},
		{
			name: "setdifficulty", run: setDifficulty,
			help: "Set the difficulty of the blocks to come. The nodes are restarted.",
			params: []param{
				{name: "difficulty", kind: jsonrpc.String, required: true, help: "As getdifficulty has it, or compact bits such as 0x1f00ffff"},
				{name: "retarget", kind: jsonrpc.Bool, def: "false", help: "Whether it follows the hash rate from there"},
			},
			result:   `{ "height" : n, "bits" : "hex", "difficulty" : n, "retarget" : bool }    from which height on`,
			examples: []string{"0.001", "0x1f00ffff true"},
		},
		{
			name: "mining", run: showMining,
			help:     "How blocks come.",
			result:   miningResult,
			examples: []string{""},
		},
		{
			name: "setmining", run: setMining,
			help: "Set how blocks come.",
			params: []param{
				{name: "mode", kind: jsonrpc.String, required: true, help: "manual; instant (a block as soon as there is a transaction);\n" +
					"every=10s; poisson=30s (real proof of work, at random times whose mean this is);\nhashrate=1000 (real proof of work at so many hashes per second)"},
				{name: "shares", kind: jsonrpc.Array, def: "equal", help: "The nodes' parts of the hash rate, of poisson and hashrate"},
			},
			result:   miningResult,
			examples: []string{"every=10s", "poisson=30s [50,30,20]"},
		},
		{
			name: "sync", run: syncNodes,
			help:     "Wait until all nodes that run and are connected have one tip and the same pool.",
			result:   stateResult,
			examples: []string{""},
		},
		{
			name: "stop", run: stop,
			help:     "Stop the network, as Ctrl-C does where it runs.",
			result:   `"Test network stopping"`,
			examples: []string{""},
		},
	}
}
