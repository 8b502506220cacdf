package host

import (
	"context"
	"testing"

	"github.com/keelson-chain/keelson/p2p/message"
)

// BenchmarkAskMany is the speed at which blocks come from a peer on the same
// machine, 16 of 1 MB in one answer.
func BenchmarkAskMany(b *testing.B) {
	for _, transport := range []string{"tcp", "quic-v1"} {
		b.Run(transport, func(b *testing.B) {
			n, asker := start(b, nil), start(b, nil)
			block := make([]byte, 1<<20)
			n.serving(func(_ context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
				for range 16 {
					if err := answer(block); err != nil {
						return err
					}
				}
				return nil
			})
			ofN, ofAsker := join(b, asker, n, transport)
			ofAsker.permissions = Download | NoBan // no limits
			b.SetBytes(16 << 20)
			b.ReportAllocs()
			for b.Loop() {
				if err := ofN.AskMany(b.Context(), message.NameBlocks, nil, 1<<20, func([]byte) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAsk is the time of a small request and its answer.
func BenchmarkAsk(b *testing.B) {
	for _, transport := range []string{"tcp", "quic-v1"} {
		b.Run(transport, func(b *testing.B) {
			n, asker := start(b, nil), start(b, nil)
			n.serving(func(_ context.Context, _ *Peer, _ string, request []byte, answer func([]byte) error) error {
				return answer(request)
			})
			ofN, ofAsker := join(b, asker, n, transport)
			ofAsker.permissions = Download | NoBan
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ofN.Ask(b.Context(), message.NameTxs, make([]byte, 33), 100); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSend is the way of a small message from Send to Received.
func BenchmarkSend(b *testing.B) {
	for _, transport := range []string{"tcp", "quic-v1"} {
		b.Run(transport, func(b *testing.B) {
			got := make(chan struct{}, 1)
			n := start(b, func(c *Config) {
				c.Handler.(*recorder).onMessage = func(*Peer, message.Message) { got <- struct{}{} }
			})
			sender := start(b, nil)
			ofN, ofSender := join(b, sender, n, transport)
			ofSender.permissions = NoBan
			b.ReportAllocs()
			for b.Loop() {
				ofN.Send(&message.Have{})
				<-got
			}
		})
	}
}
