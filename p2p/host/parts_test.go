package host

import (
	"bytes"
	"context"
	"io"
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
		time.Sleep(stuckTime - 1)
		if ok, stuck := q.push(outgoing{}); ok || stuck {
			t.Error("stuck too early")
		}
		time.Sleep(1)
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

// The oldest frame goes when there is too much, but none that is young.
func TestHoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hoard{limit: 100, safe: time.Second}
		var dropped []int
		hold := func(i int) *holding { return h.hold(func() { dropped = append(dropped, i) }) }
		first := hold(1)
		first.add(60)
		second := hold(2)
		second.add(60)
		if len(dropped) != 0 {
			t.Fatalf("dropped %v, which are young", dropped)
		}
		time.Sleep(time.Second)
		third := hold(3)
		third.add(1)
		if len(dropped) != 1 || dropped[0] != 1 || h.bytes != 61 {
			t.Errorf("dropped %v, %d bytes left", dropped, h.bytes)
		}
		first.end()
		third.add(39)
		if len(dropped) != 1 || h.bytes != 100 {
			t.Errorf("dropped %v, %d bytes left", dropped, h.bytes)
		}
		second.end()
		third.end()
		third.end()
		if h.bytes != 0 || len(h.held) != 0 {
			t.Errorf("%d bytes of %d left", h.bytes, len(h.held))
		}
	})
}

func TestReadBody(t *testing.T) {
	want := make([]byte, 5*firstChunk+7)
	for i := range want {
		want[i] = byte(i * i)
	}
	for _, n := range []int{0, 1, firstChunk, firstChunk + 1, len(want)} {
		grown := 0
		b, err := readBody(bytes.NewReader(want), n, func(m int) { grown += m })
		if err != nil || !bytes.Equal(b, want[:n]) {
			t.Errorf("%d: %v", n, err)
		}
		if grown != max(0, n-firstChunk) {
			t.Errorf("%d: heard of %d more bytes", n, grown)
		}
		if n > 0 {
			_, err = readBody(bytes.NewReader(want[:n-1]), n, nil)
			wantErr(t, err, io.ErrUnexpectedEOF)
		}
	}
	// An announced length costs nothing.
	var asked int
	_, err := readBody(readerFunc(func(b []byte) (int, error) {
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
