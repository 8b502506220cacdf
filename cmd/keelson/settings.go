package main

import (
	"errors"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/node"
)

// loadConfig reads the settings of a sub-command. It returns no Config and no
// error if help was asked for, which it has then printed.
func loadConfig(command string, args []string, stdout io.Writer) (*config.Config, []string, error) {
	cfg, rest, err := config.Load(args, os.Environ())
	if errors.Is(err, config.ErrHelp) {
		return nil, nil, runHelp([]string{command}, streams{out: stdout})
	}
	if err != nil {
		return nil, nil, usageError{err}
	}
	node.LimitMemory(cfg.Ledger.CacheBytes + cfg.Pool.MaxBytes + int64(cfg.SigCacheBytes))
	return cfg, rest, nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// versionText is what the version command prints.
func versionText() string { return "keelson " + node.ThisBuild().String() }
