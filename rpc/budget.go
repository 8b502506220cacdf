package rpc

import (
	"context"
	"errors"
	"sync"
	"time"
)

// budget bounds the memory, in bytes, of all large requests and answers
// together: bodies while they come in, the values that they are parsed into, and
// answers until the client has taken them. What is small is not counted, so
// that it always gets through; the number of connections bounds it.
//
// When it is used up, whoever wants more waits its turn, and those who keep
// memory without moving are asked to give way.
type budget struct {
	total    int64
	patience time.Duration // how long to wait
	giveWay  func()        // called once a second while somebody waits

	mu    sync.Mutex
	used  int64
	queue []*claim // of those who wait, first come, first served
}

// claim is what somebody waits for.
type claim struct {
	n     int64
	ready chan struct{} // closed once n is theirs
}

// errBudget is returned by take when there was no room for too long.
var errBudget = errors.New("the server's memory for requests and answers is in use")

// take takes n bytes, or waits until it can. More than there is counts as all
// there is, so that one large answer can be had. What was taken must be given
// back, with the same n.
func (b *budget) take(ctx context.Context, n int64) error {
	n = min(n, b.total)
	b.mu.Lock()
	if len(b.queue) == 0 && b.used+n <= b.total {
		b.used += n
		b.mu.Unlock()
		return nil
	}
	c := &claim{n, make(chan struct{})}
	b.queue = append(b.queue, c)
	b.mu.Unlock()

	patience := time.NewTimer(b.patience)
	defer patience.Stop()
	second := time.NewTicker(min(time.Second, b.patience/10))
	defer second.Stop()
	b.giveWay()
	for {
		select {
		case <-c.ready:
			return nil
		case <-second.C:
			b.giveWay()
			continue
		case <-patience.C:
		case <-ctx.Done():
		}
		break
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-c.ready: // just now
		b.put(n)
	default:
		for i := range b.queue {
			if b.queue[i] == c {
				b.queue = append(b.queue[:i], b.queue[i+1:]...)
				break
			}
		}
		b.serve()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errBudget
}

// give returns what take has taken.
func (b *budget) give(n int64) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(min(n, b.total))
}

func (b *budget) put(n int64) {
	b.used -= n
	b.serve()
}

// serve lets those in that there is room for.
func (b *budget) serve() {
	for len(b.queue) > 0 && b.used+b.queue[0].n <= b.total {
		b.used += b.queue[0].n
		close(b.queue[0].ready)
		b.queue = b.queue[1:]
	}
}

// held returns how much is taken.
func (b *budget) held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
