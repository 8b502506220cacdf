package consensus

import (
	"errors"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// TestFirstFailure: the lowest counts, in whatever order failures come.
func TestFirstFailure(t *testing.T) {
	var f firstFailure
	if f.before(1 << 30) {
		t.Error("something failed before anything did")
	}
	for _, step := range []struct{ add, lowest int }{{7, 7}, {9, 7}, {3, 3}, {5, 3}, {0, 0}, {1, 0}} {
		f.add(step.add, ErrorKind(step.add))
		if !errors.Is(f.err, ErrorKind(step.lowest)) || f.before(step.lowest) || !f.before(step.lowest+1) {
			t.Errorf("after %d the first failure is not %d: %v", step.add, step.lowest, f.err)
		}
	}
}

// TestLateFailureFirst: a worker that is ahead has failed already; the inputs
// before are run all the same.
func TestLateFailureFirst(t *testing.T) {
	const n, failing, ahead = 200, 33, 50
	tx := &wire.Tx{Inputs: make([]wire.TxIn, n), Outputs: []wire.TxOut{{}}}
	spent := make([]Coin, n)
	for i := range spent {
		tx.Inputs[i].PrevOut.Index = uint32(i)
		spent[i].Out.PkScript = []byte{0x51}
	}
	spent[failing].Out.PkScript = []byte{0x00}
	for workers := range 4 {
		r := scriptRun{txs: []*wire.Tx{tx}, spent: spent, options: Options{Workers: workers}}
		r.failure.add(ahead, errors.New("of the worker that is ahead"))
		err := r.verify()
		if at := r.failure.input.Load() - 1; !errors.Is(err, ErrScript) || at != failing {
			t.Errorf("%d workers: input %d, %v", workers, at, err)
		}
	}
}

// TestChunks: every input is handed out once, whoever takes it, and chunks are
// neither tiny nor huge.
func TestChunks(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 16} {
		for _, total := range []int{1, 15, 16, 17, 100, 1999, 2000, 25_000} {
			r := scriptRun{total: total, workers: workers}
			next, count := 0, 0
			for {
				first, end := r.take()
				if first == end {
					break
				}
				if first != next || end > total || end-first > maxChunk || end-first < minChunk && end != total {
					t.Fatalf("%d workers, %d inputs: chunk from %d to %d after %d", workers, total, first, end, next)
				}
				if workers > 1 && total > workers*2*minChunk && end-first > total/workers {
					t.Fatalf("%d workers, %d inputs: a chunk of %d", workers, total, end-first)
				}
				next = end
				count++
			}
			if next != total {
				t.Fatalf("%d workers: %d inputs of %d", workers, next, total)
			}
		}
	}
}
