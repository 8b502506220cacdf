package testnet

import (
	"context"
	"time"
)

// TB is what Start needs of a *testing.T or a *testing.B.
type TB interface {
	Helper()
	TempDir() string
	Context() context.Context
	Cleanup(func())
	Fatal(args ...any)
	Error(args ...any)
}

// Option is a choice that Start is given.
type Option func(*Config)

// Nodes sets how many nodes there are, in place of DefaultNodes.
func Nodes(count int) Option { return func(cfg *Config) { cfg.Nodes = count } }

// Accounts sets how many accounts there are, in place of DefaultAccounts.
func Accounts(count int) Option { return func(cfg *Config) { cfg.Accounts = count } }

// Seed sets where the keys come from, in place of DefaultSeed.
func Seed(text string) Option { return func(cfg *Config) { cfg.Seed = text } }

// Processes runs every node in a process of its own: binary is the keelson
// command.
func Processes(binary string) Option {
	return func(cfg *Config) { cfg.Processes, cfg.Binary = true, binary }
}

// Args adds settings for all nodes, as on the command line.
func Args(args ...string) Option { return func(cfg *Config) { cfg.Args = append(cfg.Args, args...) } }

// Dir sets the folder of the network, in place of a temporary one.
func Dir(dir string) Option { return func(cfg *Config) { cfg.Dir = dir } }

// WithMining sets how blocks come, in place of Manual.
func WithMining(m Mining) Option { return func(cfg *Config) { cfg.Mining = m } }

// MineInstantly is WithMining for the mode Instant.
func MineInstantly() Option { return WithMining(Mining{Mode: Instant}) }

// MineEvery is WithMining for the mode Every.
func MineEvery(d time.Duration) Option { return WithMining(Mining{Mode: Every, Interval: d}) }

// Start starts a network for a test and ends it with the test. Without options it
// has three nodes in the test's process, ten accounts, a temporary folder, and
// blocks come when Mine is called.
func Start(t TB, opts ...Option) *Network {
	t.Helper()
	var cfg Config
	for _, o := range opts {
		o(&cfg)
	}
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	n, err := Up(t.Context(), cfg)
	if err != nil {
		t.Fatal("test network: ", err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error("test network: ", err)
		}
	})
	return n
}
