package rpc

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestBudget: who comes first is served first, nobody waits longer than the
// budget's patience or than anybody cares, and nothing is lost on the way.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := &budget{total: 100, patience: 10 * time.Second, giveWay: func() { asked++ }}
		ctx := t.Context()
		if err := b.take(ctx, 60); err != nil {
			t.Fatal(err)
		}
		if err := b.take(ctx, 40); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := b.take(ctx, 1); !errors.Is(err, errBudget) || time.Since(begin) != b.patience {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if asked < 9 {
			t.Errorf("others were asked to give way %d times", asked)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if err := b.take(gone, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}

		// No two of these fit in at once.
		var order []int64
		var all sync.WaitGroup
		for _, n := range []int64{96, 5, 97, 1000} {
			all.Go(func() {
				if err := b.take(ctx, n); err != nil {
					t.Errorf("%d: %v", n, err)
				}
				order = append(order, n)
				b.give(n)
			})
			synctest.Wait()
		}
		b.give(60)
		synctest.Wait()
		if len(order) != 0 {
			t.Errorf("%v went past those in front", order)
		}
		b.give(40)
		all.Wait()
		if want := []int64{96, 5, 97, 1000}; !slices.Equal(order, want) {
			t.Errorf("served in order %v, want %v", order, want)
		}
		if b.used != 0 || len(b.queue) != 0 {
			t.Errorf("%d used by nobody, %d waiting", b.used, len(b.queue))
		}
	})
}
