package message_test

import (
	"bytes"
	"errors"
	"math"
	"runtime/metrics"
	"testing"

	"github.com/keelson-chain/keelson/p2p/message"
)

func FuzzHello(f *testing.F)          { fuzz(f, "hello") }
func FuzzPing(f *testing.F)           { fuzz(f, "ping") }
func FuzzPong(f *testing.F)           { fuzz(f, "pong") }
func FuzzHave(f *testing.F)           { fuzz(f, "have") }
func FuzzCompact(f *testing.F)        { fuzz(f, "compact") }
func FuzzPush(f *testing.F)           { fuzz(f, "push") }
func FuzzInv(f *testing.F)            { fuzz(f, "inv") }
func FuzzFeeFilter(f *testing.F)      { fuzz(f, "feefilter") }
func FuzzHead(f *testing.F)           { fuzz(f, "head") }
func FuzzPart(f *testing.F)           { fuzz(f, "part") }
func FuzzHeadersRequest(f *testing.F) { fuzz(f, "headers request") }
func FuzzHeaders(f *testing.F)        { fuzz(f, "headers") }
func FuzzBlocksRequest(f *testing.F)  { fuzz(f, "blocks request") }
func FuzzCompactRequest(f *testing.F) { fuzz(f, "compact request") }
func FuzzTxnRequest(f *testing.F)     { fuzz(f, "blocktxn request") }
func FuzzTxs(f *testing.F)            { fuzz(f, "blocktxn") }
func FuzzTxsRequest(f *testing.F)     { fuzz(f, "txs request") }
func FuzzPoolRequest(f *testing.F)    { fuzz(f, "pool request") }
func FuzzPool(f *testing.F)           { fuzz(f, "pool") }
func FuzzAddresses(f *testing.F)      { fuzz(f, "addrs") }

// fuzz puts any bytes before a decoder: it never panics, allocates no more than a
// multiple of its input, refuses with ErrMalformed, and what it takes is written
// as it was read.
func fuzz(f *testing.F, what string) {
	for _, e := range examples {
		if e.name == what {
			f.Add(unhex(e.hex))
		}
	}
	f.Add([]byte{})
	f.Add(unhex("feffffff01"))
	f.Add(append(unhex(headerHex+"0600000000000000"), unhex("feffffff01")...))
	f.Add(append(make([]byte, 32), unhex("feffffff01")...))
	decode := decoders[what]
	f.Fuzz(func(t *testing.T, b []byte) {
		var m appender
		var err error
		limit, least := uint64(64*len(b)+64<<10), uint64(math.MaxUint64)
		for round := 0; round < 10 && least > limit; round++ { // others allocate too
			input, before := bytes.Clone(b), allocated()
			m, err = decode(input)
			least = min(least, allocated()-before)
		}
		if least > limit {
			t.Fatalf("%d bytes made the decoder allocate %d", len(b), least)
		}
		if err != nil {
			if !errors.Is(err, message.ErrMalformed) {
				t.Fatalf("%x: %v, want %v", b, err, message.ErrMalformed)
			}
			return
		}
		back := m.Append(nil)
		if h, ok := m.(*message.Hello); ok && !bytes.Equal(back, b) {
			// A name may have lost letters; what is left stays.
			again, err := message.DecodeHello(back)
			if err != nil || !bytes.Equal(again.Append(nil), back) || len(back) >= len(b) || again.Subver != h.Subver {
				t.Fatalf("%x reads as %+v, then as %+v, %v", b, h, again, err)
			}
			return
		}
		if !bytes.Equal(back, b) {
			t.Fatalf("%x is written %x", b, back)
		}
		// The bytes that a compact block came in say the same as its fields do.
		if c, ok := m.(*message.Compact); ok {
			fresh := &message.Compact{Header: c.Header, Nonce: c.Nonce, IDSize: c.IDSize, ShortIDs: c.ShortIDs, Prefilled: c.Prefilled}
			if built := fresh.Append(nil); !bytes.Equal(built, b) {
				t.Fatalf("%x is built %x", b, built)
			}
		}
	})
}

// allocated returns how many bytes have been allocated so far: large pieces
// exactly, and small ones some time later.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// FuzzRelay puts any frame's kind and payload before DecodeRelay.
func FuzzRelay(f *testing.F) {
	for _, e := range examples {
		if m, ok := e.m.(message.Message); ok {
			f.Add(byte(m.Kind()), unhex(e.hex))
		}
	}
	f.Add(byte(99), []byte{1})
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		m, err := message.DecodeRelay(message.Kind(kind), b)
		if err != nil {
			known := message.Kind(kind).String() != "*other*"
			if m != nil || known && !errors.Is(err, message.ErrMalformed) || !known && !errors.Is(err, message.ErrUnknownKind) {
				t.Fatalf("kind %d: %v, %v", kind, m, err)
			}
			return
		}
		if m.Kind() != message.Kind(kind) {
			t.Fatalf("kind %d reads as %v", kind, m.Kind())
		}
	})
}
