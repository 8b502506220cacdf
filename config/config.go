package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/p2p"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/rpc/explorer"
	"github.com/keelson-chain/keelson/rpc/zmq"
)

// Config is everything that a node is told, validated and with defaults filled
// in. What only exists at run time (logs, clocks, the ledger that the RPC
// server serves) is for the node to add.
type Config struct {
	Params *consensus.Params
	// DataDir is the root, Dir the network's folder in it; neither is made.
	DataDir, Dir string
	// File is the settings file that was read, or would have been.
	File string

	Ledger ledger.Config
	// CheckBlocks and CheckLevel say how VerifyChain is called at start.
	CheckBlocks, CheckLevel int
	// MockTime is the time at which the clock stands, in seconds since 1970;
	// 0: it runs.
	MockTime int64
	// Miner has no Chain, Source, Now and Log yet. Its Plan is off unless the node
	// is to mine from its start.
	Miner miner.Config
	RPC   rpc.Config

	// Pool has no Chain, SigCache, Now and Log yet, which only exist at run time.
	Pool mempool.Config
	// SigCacheBytes is for the cache that ledger and pool share.
	SigCacheBytes int
	// MaxOrphans is how many transactions without their parents to keep.
	MaxOrphans int

	// P2P has no Params, Chain, Pool, Now and Log yet.
	P2P p2p.Config

	// Metrics is where metrics are shown, and with PProf profiles; not valid:
	// nowhere.
	Metrics netip.AddrPort
	PProf   bool

	// Explorer has no Subversion, Now and Log yet.
	Explorer explorer.Config

	// ZMQ has no Now and Log yet.
	ZMQ zmq.Config

	// Ready, if it is there, is called once by node.Run when the node serves calls
	// and peers. It must return soon. No setting has it: it is for who runs a node
	// in its own process and leaves the ports to the system.
	Ready func(Endpoints)
	// OwnProcess says that the process has nothing to do but run this node, so that
	// the pace of its garbage collector is the node's to set.
	OwnProcess bool

	// BlockNotify, StartupNotify and ShutdownNotify are commands for a shell to
	// run; empty: none.
	BlockNotify, StartupNotify, ShutdownNotify string

	LogJSON bool
	// LogFile is where the log goes; empty: to the standard output. It is renamed
	// and begun anew at LogMaxSize MiB; LogMaxFiles old ones are kept, 0: all.
	LogFile                 string
	LogMaxSize, LogMaxFiles int
	LogLevel                zerolog.Level
}

// Endpoints are where a running node can be reached: the addresses that it has
// opened, with the actual ports where port 0 was asked for.
type Endpoints struct {
	// RPC are those of JSON-RPC, as HOST:PORT; there is one at least.
	RPC []string
	// P2P are the multi-addresses for peers, of every interface, such as
	// /ip4/127.0.0.1/tcp/18444; none for a node that does not listen.
	P2P []string
	// Explorer and Metrics are those of the explorer and of the metrics, as
	// HOST:PORT; empty for a node without.
	Explorer, Metrics string
	// ZMQ says what is published to ZeroMQ subscribers, and where.
	ZMQ []zmq.Endpoint
}

// ErrHelp is returned by Load when --help was among the arguments.
var ErrHelp = errors.New("help asked for")

// Load reads the settings from args (what follows the sub-command), environ
// (in the form of os.Environ) and the settings file. It also returns the
// arguments that are not flags. Every error but ErrHelp is one line for the
// user that says which setting of which source is wrong, and what would be
// right.
func Load(args, environ []string) (cfg *Config, rest []string, err error) {
	flags, rest, err := fromFlags(args)
	if err != nil {
		return nil, nil, err
	}
	env, err := fromEnv(environ)
	if err != nil {
		return nil, nil, err
	}

	// The file's name may be a flag or a variable; the data folder, where the
	// default file lies, as well.
	l := newLoader()
	if err := l.apply(env, flags); err != nil {
		return nil, nil, err
	}
	dataDir, err := l.dataDir()
	if err != nil {
		return nil, nil, err
	}
	file := l.v.config
	if file == "" {
		file = filepath.Join(dataDir, "keelson.toml")
	}
	fileSet, err := fromFile(file, l.v.config != "")
	if err != nil {
		return nil, nil, err
	}
	for _, g := range fileSet {
		if g.setting.name == "config" {
			return nil, nil, fmt.Errorf("%s: a settings file cannot name another one", g.where)
		}
	}

	l = newLoader()
	if err := l.apply(fileSet, env, flags); err != nil {
		return nil, nil, err
	}
	cfg, err = l.build()
	if err != nil {
		return nil, nil, err
	}
	cfg.File = file
	return cfg, rest, nil
}

// loader applies sources, weakest first, and remembers which one set what.
type loader struct {
	v     values
	where map[string]string
}

func newLoader() *loader {
	l := &loader{where: map[string]string{}}
	each(func(s *setting) { s.setDefault(&l.v) })
	return l
}

func (l *loader) apply(sources ...[]given) error {
	for _, source := range sources {
		seen := map[string]bool{}
		for _, g := range source {
			name := g.setting.name
			if g.none {
				g.setting.setDefault(&l.v)
				delete(l.where, name)
				if g.text == "" {
					continue
				}
			}
			if err := g.setting.set(&l.v, g.text, !seen[name]); err != nil {
				return fmt.Errorf("%s: %w", g.where, err)
			}
			seen[name] = true
			l.where[name] = g.where
		}
	}
	return nil
}

// is reports whether any source set the setting.
func (l *loader) is(name string) bool { return l.where[name] != "" }

// errorf is an error about the value of one setting.
func (l *loader) errorf(name, format string, args ...any) error {
	where := l.where[name]
	if where == "" {
		where = flagName(name)
	}
	return fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...))
}

func (l *loader) dataDir() (string, error) {
	if l.v.datadir != "" {
		dir, err := filepath.Abs(l.v.datadir)
		if err != nil {
			return "", l.errorf("datadir", "%w", err)
		}
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home directory to keep data in (%w); say --datadir DIR", err)
	}
	return filepath.Join(home, ".keelson"), nil
}
