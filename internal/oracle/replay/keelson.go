package replay

import (
	"context"
	"path/filepath"
	"runtime"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/node"
	"github.com/keelson-chain/keelson/script/sig"
)

// Keelson imports the chain file at path through the ledger into an empty
// folder in dir, with the default settings, and flushes it.
func Keelson(path, dir string) (Result, error) { return keelson("keelson", path, dir, sig.DCRD()) }

// KeelsonNoSigs is the same with a curve that says yes to everything: what is
// left is all that is not a signature check.
func KeelsonNoSigs(path, dir string) (Result, error) {
	return keelson("keelson-nosigs", path, dir, yes{})
}

func keelson(name, path, dir string, sigs sig.Verifier) (r Result, err error) {
	r = Result{Name: name, File: filepath.Base(path), Procs: runtime.GOMAXPROCS(0)}
	m, err := start()
	if err != nil {
		return r, err
	}
	node.LimitMemory(ledger.DefaultCacheBytes) // as the command does
	ctx := context.Background()
	l, err := ledger.Open(ctx, ledger.Config{
		Dir:    filepath.Join(dir, "keelson"),
		Params: consensus.Regtest(consensus.RegtestOptions{}),
		Sigs:   sigs,
	})
	if err != nil {
		return r, err
	}
	defer func() {
		if cerr := l.Close(); err == nil {
			err = cerr
		}
	}()
	done, err := l.Import(ctx, path, nil)
	if err != nil {
		return r, err
	}
	r.Blocks, r.Inputs = int(done.Added), int(done.Inputs)
	r.Tip = l.Tip().Tip.Hash.String()
	return r, m.stop(&r)
}

// yes is a curve on which every check holds.
type yes struct{}

func (yes) Verify(*sig.Check) bool     { return true }
func (yes) VerifyAll([]sig.Check) bool { return true }
