package host

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keelson-chain/keelson/p2p/message"
)

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue{wake: make(chan struct{}, 1)}
		push := func(size int) bool {
			ok, _ := q.push(outgoing{kind: message.KindInv, frame: make([]byte, size)})
			return ok
		}
		if !push(2 * maxQueuedBytes) { // a single one of any size
			t.Error("the first was refused")
		}
		if push(1) {
			t.Error("queued beyond the limit of bytes")
		}
		if _, ok := q.pop(); !ok || q.bytes != 0 {
			t.Errorf("%d bytes are left", q.bytes)
		}
		for i := range maxQueued {
			if !push(10) {
				t.Fatalf("message %d was refused", i)
			}
		}
		time.Sleep(stuckTime)
		if ok, stuck := q.push(outgoing{}); ok || stuck {
			t.Error("stuck at the first refusal")
		}
		time.Sleep(stuckTime - time.Nanosecond)
		if ok, stuck := q.push(outgoing{}); ok || stuck {
			t.Error("stuck too early")
		}
		time.Sleep(time.Nanosecond)
		if ok, stuck := q.push(outgoing{}); ok || !stuck {
			t.Error("not stuck")
		}
		q.pop()
		if ok, _ := q.push(outgoing{}); !ok {
			t.Error("refused with room")
		}
		if ok, stuck := q.push(outgoing{}); ok || stuck {
			t.Error("the time before the room counts")
		}
	})
}

func TestBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket{rate: 2, burst: 10}
		for range 10 {
			if !b.take(1) {
				t.Fatal("empty too early")
			}
		}
		if b.take(1) {
			t.Error("not empty")
		}
		time.Sleep(500 * time.Millisecond)
		if !b.take(1) || b.take(1) {
			t.Error("gained something else than one")
		}
		if d := b.borrow(4); d != 2*time.Second {
			t.Errorf("wait %v", d)
		}
		time.Sleep(time.Hour)
		if d := b.borrow(10); d != 0 {
			t.Errorf("wait %v", d)
		}
		if b.take(0.1) {
			t.Error("more than it holds")
		}
	})
}

// The slowest frame goes when there is no room, and none that is fast.
func TestHoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hoard{limit: 100 << 10}
		var dropped []int
		hold := func(i int) *holding {
			return h.hold(func() { dropped = append(dropped, i) })
		}
		ctx, cancel := context.WithTimeout(t.Context(), slowTime/2)
		defer cancel()
		stuck, slow, fast := hold(1), hold(2), hold(3)
		for _, x := range []*holding{stuck, slow, fast} {
			if err := x.add(ctx, 33<<10); err != nil {
				t.Fatal(err)
			}
			x.moving()
		}
		late := hold(4)
		wantErr(t, late.add(ctx, 33<<10), context.DeadlineExceeded)
		if len(dropped) != 0 {
			t.Fatalf("dropped %v before their time", dropped)
		}
		time.Sleep(slowTime)
		slow.rest(1000)
		fast.rest(slowSpeed * 10)
		for _, x := range []*holding{late, hold(5)} {
			if err := x.add(t.Context(), 33<<10); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(dropped, []int{1, 2}) {
			t.Errorf("dropped %v", dropped)
		}
		stuck.end()
		fast.end()
		late.end()
		late.end()
		if h.bytes != 33<<10 {
			t.Errorf("%d bytes are held", h.bytes)
		}
		// Whoever waits goes on at once when something is let go.
		h3 := hoard{limit: 10}
		first, next := h3.hold(nil), h3.hold(nil)
		if err := first.add(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		time.AfterFunc(time.Millisecond, first.end)
		if err := next.add(t.Context(), 10); err != nil || time.Since(began) != time.Millisecond {
			t.Errorf("went on after %v: %v", time.Since(began), err)
		}
		// One alone may be of any size.
		h2 := hoard{limit: 10}
		if err := h2.hold(nil).add(t.Context(), 1000); err != nil {
			t.Error(err)
		}
	})
}

// Frames that take all the room with their first parts do not wait for each other:
// each is read in the end, and no more than one goes beyond the limit.
func TestHoardOfParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const frames, size, limit = 100, 64 << 10, 200 << 10
		h := hoard{limit: limit}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		for range frames {
			wg.Go(func() {
				x := h.hold(func() { t.Error("one that is fast is dropped") })
				defer x.end()
				r := readerFunc(func(b []byte) (int, error) {
					time.Sleep(time.Millisecond)
					return min(len(b), 4<<10), nil
				})
				if _, err := readBody(ctx, r, size, x); err != nil {
					t.Error(err)
				}
				h.mu.Lock()
				defer h.mu.Unlock()
				if h.bytes > limit+size {
					t.Errorf("%d bytes are held", h.bytes)
				}
			})
		}
		wg.Wait()
		if h.bytes != 0 || len(h.held) != 0 {
			t.Errorf("%d bytes are left", h.bytes)
		}
	})
}

func TestReadBody(t *testing.T) {
	want := make([]byte, 5*firstChunk+7)
	for i := range want {
		want[i] = byte(i * i)
	}
	for _, n := range []int{0, 1, firstChunk, firstChunk + 1, len(want)} {
		h := hoard{limit: 1 << 30}
		x := h.hold(nil)
		b, err := readBody(t.Context(), bytes.NewReader(want), n, x)
		if err != nil || !bytes.Equal(b, want[:n]) {
			t.Errorf("%d: %v", n, err)
		}
		if h.bytes != max(0, n-firstChunk) || x.moved != n {
			t.Errorf("%d: held %d, moved %d bytes", n, h.bytes, x.moved)
		}
		if n > 0 {
			_, err = readBody(t.Context(), bytes.NewReader(want[:n-1]), n, nil)
			wantErr(t, err, io.ErrUnexpectedEOF)
		}
	}
	// An announced length costs nothing.
	var asked int
	_, err := readBody(t.Context(), readerFunc(func(b []byte) (int, error) {
		asked = max(asked, len(b))
		return 0, io.EOF
	}), 1<<30, nil)
	if wantErr(t, err, io.ErrUnexpectedEOF); asked > firstChunk {
		t.Errorf("made room for %d bytes before any came", asked)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			t.Error(err)
		}
		wantErr(t, sleep(ctx, time.Hour), context.DeadlineExceeded)
	})
}

func TestConfig(t *testing.T) {
	for name, break_ := range map[string]func(*Config){
		"genesis": func(c *Config) { c.Genesis = [32]byte{} },
		"hello":   func(c *Config) { c.Hello = nil },
		"handler": func(c *Config) { c.Handler = nil },
		"weight":  func(c *Config) { c.MaxBlockWeight = 0 },
		"weight2": func(c *Config) { c.MaxBlockWeight = -1 },
		"ban":     func(c *Config) { c.BanTime = -1 },
	} {
		cfg := testConfig()
		cfg.Handler = newRecorder()
		break_(&cfg)
		if h, err := New(cfg); err == nil {
			_ = h.Close()
			t.Errorf("%s: no error", name)
		}
	}
	cfg := testConfig()
	cfg.Handler = newRecorder()
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil { // without Run
		t.Error(err)
	}
}

// An answer that we could not read, being busy ourselves, is not overdue.
func TestPingOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g pings
		if g.overdue(time.Now(), time.Time{}) {
			t.Error("without a ping")
		}
		nonce, ok := g.begin()
		if _, again := g.begin(); !ok || again {
			t.Error("two pings at a time")
		}
		time.Sleep(pingTimeout)
		if !g.overdue(time.Now(), time.Time{}) {
			t.Error("in time")
		}
		if g.overdue(time.Now(), time.Now().Add(-time.Second)) {
			t.Error("overdue, though the peer talks")
		}
		time.Sleep(answerTimeout)
		if !g.overdue(time.Now(), time.Now()) {
			t.Error("in time, as long as it talks")
		}
		g.busy.Store(true)
		if g.overdue(time.Now(), time.Time{}) {
			t.Error("overdue, though we are busy")
		}
		g.idle(time.Now())
		time.Sleep(pingTimeout - time.Second)
		if g.overdue(time.Now(), time.Time{}) {
			t.Error("overdue, though we were busy")
		}
		g.pong(nonce + 1) // of another ping
		if _, ok := g.begin(); ok {
			t.Error("a wrong answer counts")
		}
		g.pong(nonce)
		if g.min != g.last || g.last < pingTimeout {
			t.Errorf("measured %v, %v", g.min, g.last)
		}
	})
}
