package pow

import (
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// TestSearcherWithoutMidstate runs the way that is taken where crypto/sha256
// encodes its state in another form than expected, beside the usual one.
func TestSearcherWithoutMidstate(t *testing.T) {
	target, err := Bits(0x2000ffff).Target()
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint32(20) {
		h := wire.Header{Version: 0x20000000, Time: seed}
		s, plain := NewSearcher(h, target), NewSearcher(h, target)
		if s.inner == nil {
			t.Fatal("the midstate is not used: crypto/sha256 encodes its state in another form")
		}
		plain.inner, plain.outer = nil, nil
		got, ok := s.Try(0, 1<<16)
		want, wantOK := plain.Try(0, 1<<16)
		if got != want || ok != wantOK {
			t.Errorf("header %d: %d, %v with the midstate, %d, %v without", seed, got, ok, want, wantOK)
		}
		for nonce := range uint32(100) {
			h.Nonce = nonce
			if s.hash(nonce) != h.Hash() {
				t.Errorf("header %d, nonce %d: %v, want %v", seed, nonce, s.hash(nonce), h.Hash())
			}
		}
	}
}
