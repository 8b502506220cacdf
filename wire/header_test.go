package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

func TestHeaderFields(t *testing.T) {
	raw := unhex(t, "01000000"+ // version
		"6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"+
		"982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e"+
		"61bc6649"+"ffff001d"+"01e36299") // time, bits, nonce of Bitcoin's block 1
	h, err := wire.DecodeHeader(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := wire.Header{
		Version:    1,
		PrevBlock:  wire.MustHash("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"),
		MerkleRoot: wire.MustHash("0e3e2357e806b6cdb1f70b54c3a3a17b6714ee1f0e68bebb44a74b1efd512098"),
		Time:       1231469665,
		Bits:       0x1d00ffff,
		Nonce:      2573394689,
	}
	if h != want {
		t.Errorf("%+v, want %+v", h, want)
	}
	if h.Hash().String() != "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048" {
		t.Errorf("hash %v", h.Hash())
	}
	if !bytes.Equal(h.Append([]byte{9})[1:], raw) {
		t.Errorf("encodes to %x", h.Append(nil))
	}
}

func TestDecodeHeaderErrors(t *testing.T) {
	raw := make([]byte, 100)
	for n := range raw {
		_, err := wire.DecodeHeader(raw[:n])
		switch {
		case n < 80 && !errors.Is(err, wire.ErrTruncated), n > 80 && !errors.Is(err, wire.ErrTrailing), n == 80 && err != nil:
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func FuzzDecodeHeader(f *testing.F) {
	f.Add(make([]byte, 80))
	f.Add(bytes.Repeat([]byte{0xff}, 81))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := wire.DecodeHeader(raw)
		if (err == nil) != (len(raw) == 80) {
			t.Fatalf("%d bytes: %v", len(raw), err)
		}
		if err == nil && (!bytes.Equal(h.Append(nil), raw) || h.Hash() != dumbHash(raw)) {
			t.Fatalf("%x encodes to %x, hash %v", raw, h.Append(nil), h.Hash())
		}
	})
}
