package accept

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/node"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

const sigCacheBytes = 16 << 20

// Memory is what a pool takes.
type Memory struct {
	Count int
	Raw   int64 // bytes of the transactions with witnesses
	Heap  int64 // bytes that the heap is larger by with them
	Usage int64 // what the pool itself reckons
}

// Keelson is Keelson's side, on a chain that was imported once.
type Keelson struct {
	in     Input
	ledger *ledger.Ledger
}

// OpenKeelson imports the chain into a ledger in dir.
func OpenKeelson(in Input, dir string) (*Keelson, error) {
	ctx := context.Background()
	node.LimitMemory(ledger.DefaultCacheBytes) // as the command does
	l, err := ledger.Open(ctx, ledger.Config{
		Dir: filepath.Join(dir, "keelson"), Params: consensus.Regtest(consensus.RegtestOptions{}),
	})
	if err != nil {
		return nil, err
	}
	if _, err := l.Import(ctx, in.Chain, nil); err != nil {
		_ = l.Close()
		return nil, err
	}
	return &Keelson{in, l}, nil
}

// Close closes the ledger.
func (k *Keelson) Close() error { return k.ledger.Close() }

func (k *Keelson) pool(cache *sig.Cache) (*mempool.Pool, error) {
	return mempool.New(mempool.Config{
		Chain: k.ledger, Rules: policy.DefaultRules(), Workers: runtime.GOMAXPROCS(0), SigCache: cache,
	})
}

func (k *Keelson) decode() ([]*wire.Tx, error) {
	txs := make([]*wire.Tx, len(k.in.Valid))
	for i, raw := range k.in.Valid {
		var err error
		if txs[i], err = wire.DecodeTx(raw); err != nil {
			return nil, err
		}
	}
	return txs, nil
}

// One adds everything to an empty pool one by one.
func (k *Keelson) One() (Result, error) {
	return k.add("keelson Add", func(pool *mempool.Pool, txs []*wire.Tx, refused []string) error {
		for i, tx := range txs {
			if err := answer(pool.Add(context.Background(), tx, mempool.AddOptions{}), &refused[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// All adds everything to an empty pool together.
func (k *Keelson) All() (Result, error) {
	return k.add("keelson AddAll", func(pool *mempool.Pool, txs []*wire.Tx, refused []string) error {
		errs, err := pool.AddAll(context.Background(), txs, mempool.AddOptions{})
		if err != nil {
			return err
		}
		for i, err := range errs {
			if err := answer(err, &refused[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// answer notes a refusal; what is returned is a fault.
func answer(err error, refused *string) error {
	if err != nil && !mempool.IsRejected(err) {
		return err
	}
	*refused = mempool.RejectText(err)
	return nil
}

func (k *Keelson) add(name string, all func(pool *mempool.Pool, txs []*wire.Tx, refused []string) error) (Result, error) {
	r := Result{Name: name, Refused: make([]string, len(k.in.Valid))}
	pool, err := k.pool(sig.NewCache(sigCacheBytes, [32]byte{1}))
	if err != nil {
		return r, err
	}
	defer pool.Close()
	txs, err := k.decode()
	if err != nil {
		return r, err
	}
	if r.CPU, err = measure(func() error { return all(pool, txs, r.Refused) }); err != nil {
		return r, err
	}
	if r.RefusedFull, err = k.addBroken(pool); err != nil {
		return r, err
	}
	empty, err := k.pool(nil)
	if err != nil {
		return r, err
	}
	defer empty.Close()
	if r.RefusedEmpty, err = k.addBroken(empty); err != nil {
		return r, err
	}
	if err := pool.Check(); err != nil {
		return r, fmt.Errorf("the pool is not sound: %w", err)
	}
	return r, nil
}

func (k *Keelson) addBroken(pool *mempool.Pool) ([]string, error) {
	refused := make([]string, len(k.in.Broken))
	for i, b := range k.in.Broken {
		tx, err := wire.DecodeTx(b.Raw)
		if err != nil {
			refused[i] = "decode: " + err.Error()
			continue
		}
		if err := answer(pool.Add(context.Background(), tx, mempool.AddOptions{}), &refused[i]); err != nil {
			return nil, err
		}
	}
	return refused, nil
}

// Memory adds everything to an empty pool and measures what that takes. The
// coins should have been looked up before: then the ledger has them at hand,
// and takes no more memory meanwhile.
func (k *Keelson) Memory() (m Memory, err error) {
	pool, err := k.pool(nil)
	if err != nil {
		return m, err
	}
	defer pool.Close()
	before := heap()
	for _, raw := range k.in.Valid {
		tx, err := wire.DecodeTx(raw)
		if err != nil {
			return m, err
		}
		if err := pool.Add(context.Background(), tx, mempool.AddOptions{}); err != nil {
			if mempool.IsRejected(err) {
				continue
			}
			return m, err
		}
		m.Raw += int64(len(raw))
	}
	m.Heap = heap() - before
	stats := pool.Stats()
	m.Count, m.Usage = stats.Count, stats.Usage
	return m, nil
}
