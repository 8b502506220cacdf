package p2p

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// maxHeld is how many bytes of blocks wait for those below them, and heldTime
	// how long. Then they are handed on all the same: the ledger stores them, and
	// reads them again when their turn comes.
	maxHeld  = 32 << 20
	heldTime = time.Second
)

// blockLine puts blocks that come from several peers at once in the order of
// the chain, as far as it can, since the ledger takes them best like that.
type blockLine struct {
	chain Chain
	out   chan ledger.Delivery // for the ledger

	mu      sync.Mutex
	ready   deliveries // the lowest first
	waiting map[wire.Hash][]delivery
	bytes   int       // that wait
	given   wire.Hash // the last that was handed on
	wake    chan struct{}
}

func newBlockLine(chain Chain) *blockLine {
	return &blockLine{
		chain: chain, out: make(chan ledger.Delivery),
		waiting: make(map[wire.Hash][]delivery), wake: make(chan struct{}, 1),
	}
}

// put takes a block in, and never waits. How many there are is bounded by what the
// machine asks for.
func (l *blockLine) put(height uint32, d ledger.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	parent := d.Block.Header.PrevBlock
	if e, ok := l.chain.Entry(parent); parent == l.given || !ok || e.Status.Has(ledger.HaveBody) {
		heap.Push(&l.ready, delivery{height, d})
	} else {
		l.waiting[parent] = append(l.waiting[parent], delivery{height, d})
		if l.bytes += d.Block.Size(); l.bytes > maxHeld {
			l.flush()
		}
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// flush makes everything ready.
func (l *blockLine) flush() {
	for parent := range l.waiting {
		l.free(parent)
	}
}

// free makes ready what waits for a block.
func (l *blockLine) free(parent wire.Hash) {
	for _, d := range l.waiting[parent] {
		heap.Push(&l.ready, d)
		l.bytes -= d.Block.Size()
	}
	delete(l.waiting, parent)
}

// run hands blocks on until ctx ends.
func (l *blockLine) run(ctx context.Context) error {
	timer := time.NewTimer(heldTime)
	defer timer.Stop()
	for {
		d, ok := l.next()
		if !ok {
			timer.Reset(heldTime)
			select {
			case <-l.wake:
			case <-timer.C:
				// What they wait for is late, or has come by other means.
				l.mu.Lock()
				l.flush()
				l.mu.Unlock()
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		select {
		case l.out <- d:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// next takes the lowest block out whose turn has come.
func (l *blockLine) next() (ledger.Delivery, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ready) == 0 {
		return ledger.Delivery{}, false
	}
	d := heap.Pop(&l.ready).(delivery)
	l.given = d.Block.Hash()
	l.free(l.given)
	return d.Delivery, true
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
	x = q.list[0]
	q.list = q.list[1:]
	return x, true
}
