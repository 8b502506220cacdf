package p2p

import (
	"container/heap"
	"context"
	"sync"

	"github.com/keelson-chain/keelson/ledger"
)

// blockLine is where blocks that come from several peers wait for the ledger. The
// lowest goes first, since the ledger takes blocks best in the order of the chain;
// for those that come before their ancestors it has a place of its own.
type blockLine struct {
	out chan ledger.Delivery // for the ledger

	mu   sync.Mutex
	list deliveries
	wake chan struct{}
}

func newBlockLine() *blockLine {
	return &blockLine{out: make(chan ledger.Delivery), wake: make(chan struct{}, 1)}
}

// put takes a block in, and never waits. How many there are is bounded by what the
// machine asks for.
func (l *blockLine) put(height uint32, d ledger.Delivery) {
	l.mu.Lock()
	heap.Push(&l.list, delivery{height, d})
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run hands blocks on until ctx ends.
func (l *blockLine) run(ctx context.Context) error {
	for {
		d, ok := l.lowest()
		if !ok {
			select {
			case <-l.wake:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case l.out <- d:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lowest takes the lowest block out.
func (l *blockLine) lowest() (ledger.Delivery, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == 0 {
		return ledger.Delivery{}, false
	}
	return heap.Pop(&l.list).(delivery).Delivery, true
}

// deliveries is a heap by height.
type deliveries []delivery

type delivery struct {
	height uint32
	ledger.Delivery
}

func (d deliveries) Len() int           { return len(d) }
func (d deliveries) Less(i, j int) bool { return d[i].height < d[j].height }
func (d deliveries) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deliveries) Push(x any)        { *d = append(*d, x.(delivery)) }
func (d *deliveries) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	(*d)[last] = delivery{}
	*d = (*d)[:last]
	return x
}

// queue hands things from goroutines that must not wait to one that may.
type queue[T any] struct {
	mu   sync.Mutex
	list []T
	wake chan struct{}
}

func newQueue[T any]() *queue[T] { return &queue[T]{wake: make(chan struct{}, 1)} }

func (q *queue[T]) put(x T) {
	q.mu.Lock()
	q.list = append(q.list, x)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for the next one, or for the end of ctx.
func (q *queue[T]) take(ctx context.Context) (x T, err error) {
	for {
		if x, ok := q.first(); ok {
			return x, nil
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return x, ctx.Err()
		}
	}
}

func (q *queue[T]) first() (x T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return x, false
	}
	var none T
	x, q.list[0] = q.list[0], none // lest it be kept for as long as the list
	q.list = q.list[1:]
	return x, true
}
