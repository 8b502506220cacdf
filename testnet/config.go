package testnet

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Defaults and bounds of a Config.
const (
	DefaultNodes    = 3
	MaxNodes        = 50
	DefaultAccounts = 10
	MaxAccounts     = 20
	// DefaultSeed is the mnemonic that development networks of other chains have,
	// too. Its keys are no secret.
	DefaultSeed = "test test test test test test test test test test test junk"
	DefaultUser = "testnet"
)

// portStep is how far the ports of one node lie from those of the next, of which
// each has three: JSON-RPC, peers, explorer.
const portStep = 10

// Config says what network to make. The zero value of every field but Dir means
// its default.
type Config struct {
	// Dir is the folder of the network; each node has one in it. It is made if
	// missing.
	Dir string
	// Keep leaves the folder's content when the network ends, and goes on from what
	// an earlier network has left there: its chain, pools, clock and difficulty, and
	// whatever other fields do not say. Nodes, accounts, seed and ports cannot be
	// others than they were.
	Keep bool

	Nodes int // DefaultNodes; at most MaxNodes

	// Processes runs every node in a process of its own, started from Binary, the
	// keelson command; empty: the program that runs.
	Processes bool
	Binary    string

	// Seed is the text, a BIP 39 mnemonic or any other of printable ASCII, from
	// which the keys come; empty: DefaultSeed.
	Seed     string
	Accounts int // DefaultAccounts; at most MaxAccounts

	// Mining is how blocks come; the zero value: when Mine is called.
	Mining Mining

	// BasePort is the JSON-RPC port of node 0. Its port for peers and that of its
	// explorer are the next two, and those of other nodes lie 10 higher each. 0:
	// free ports.
	BasePort uint16

	// User and Password are for JSON-RPC; empty: DefaultUser and a random one.
	User, Password string

	// Args are further settings for all nodes, as on the command line.
	Args []string

	// Log says what the network does; the nodes write into files in their folders.
	Log zerolog.Logger
}

// normal checks cfg and returns it with its defaults.
func (cfg Config) normal() (Config, error) {
	if cfg.Dir == "" {
		return cfg, bad("a folder is needed for the network's data")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return cfg, err
	}
	cfg.Dir = dir
	if cfg.Nodes == 0 {
		cfg.Nodes = DefaultNodes
	}
	if cfg.Nodes < 1 || cfg.Nodes > MaxNodes {
		return cfg, bad("%d nodes: there must be from 1 to %d", cfg.Nodes, MaxNodes)
	}
	if cfg.Accounts == 0 {
		cfg.Accounts = DefaultAccounts
	}
	if cfg.Accounts < 1 || cfg.Accounts > MaxAccounts {
		return cfg, bad("%d accounts: there must be from 1 to %d", cfg.Accounts, MaxAccounts)
	}
	if cfg.Seed == "" {
		cfg.Seed = DefaultSeed
	}
	if strings.ContainsFunc(cfg.Seed, func(r rune) bool { return r < ' ' || r > '~' }) || len(cfg.Seed) > 1000 {
		return cfg, bad("the seed must be at most 1000 printable ASCII characters")
	}
	if last := int(cfg.BasePort) + portStep*(cfg.Nodes-1) + 2; cfg.BasePort != 0 && last > 65535 {
		return cfg, bad("base port %d: %d nodes would need ports up to %d", cfg.BasePort, cfg.Nodes, last)
	}
	if cfg.User == "" {
		cfg.User = DefaultUser
	}
	if strings.Contains(cfg.User, ":") {
		return cfg, bad("a user name cannot contain a colon")
	}
	if cfg.Password == "" {
		cfg.Password = rand.Text()
	}
	if cfg.Processes && cfg.Binary == "" {
		if cfg.Binary, err = os.Executable(); err != nil {
			return cfg, err
		}
	}
	if cfg.Processes {
		if _, err := os.Stat(cfg.Binary); errors.Is(err, fs.ErrNotExist) {
			return cfg, bad("there is no command %s", cfg.Binary)
		}
	}
	return cfg, cfg.Mining.check(cfg.Nodes)
}

// args are the settings of a node.
func (n *Network) args(nd *Node) []string {
	args := append([]string{
		"--network=regtest", "--datadir=" + nd.Dir,
		"--rpcbind=" + nd.RPCAddress, "--rpcport=" + port(nd.RPCAddress),
		"--rpcuser=" + n.cfg.User, "--rpcpassword=" + n.cfg.Password,
		"--bind=/ip4/127.0.0.1/tcp/" + port(nd.P2PAddress), "--connect=0", "--findpeers=0",
		"--uacomment=" + nd.name(),
		"--explorer=" + nd.ExplorerAddress, "--explorerfaucet=" + FaucetPath,
		"--addressindex", "--dbcache=8", "--maxmempool=50", "--maxsigcachesize=4",
		"--maxtipage=2147483647", // the clock may be set far ahead of the tip
		"--txdelay=" + txDelay,
	}, n.cfg.Args...)
	for _, s := range n.stages {
		args = append(args, s.arg())
	}
	return args
}

// FaucetPath is where the form for the faucet that explorers show posts to. Nodes
// have no faucet: it is for a server in front of them, as package control has it.
const FaucetPath = "/faucet"

// txDelay is for how many milliseconds a node keeps a new transaction to itself
// on the average: so few that it is everywhere before anybody looks.
const txDelay = "5"

// patience is how long things may take that happen soon, on a slow and busy
// machine.
const patience = time.Minute
