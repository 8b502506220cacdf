package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

func TestHashText(t *testing.T) {
	var h wire.Hash
	for i := range h {
		h[i] = byte(i)
	}
	const text = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100"
	if h.String() != text {
		t.Errorf("%v, want %s", h, text)
	}
	for _, s := range []string{text, strings.ToUpper(text)} {
		if back, err := wire.ParseHash(s); err != nil || back != h || wire.MustHash(s) != h {
			t.Errorf("ParseHash(%s) = %v, %v", s, back, err)
		}
	}
	for _, s := range []string{"", text[1:], text + "00", "0x" + text[2:], text[:63] + "g", text[:63] + " "} {
		if back, err := wire.ParseHash(s); err == nil || !back.IsZero() {
			t.Errorf("ParseHash(%q) = %v, %v", s, back, err)
		}
	}

	encoded, err := json.Marshal(map[string]wire.Hash{"h": h})
	if err != nil || string(encoded) != `{"h":"`+text+`"}` {
		t.Errorf("JSON %s, %v", encoded, err)
	}
	var decoded struct{ H wire.Hash }
	if err := json.Unmarshal(encoded, &decoded); err != nil || decoded.H != h {
		t.Errorf("from JSON: %v, %v", decoded.H, err)
	}
	decoded.H = h
	if err := json.Unmarshal([]byte(`{"h":"12"}`), &decoded); err == nil || decoded.H != h {
		t.Errorf("a short hash in JSON: %v, %v", decoded.H, err)
	}
	if h.IsZero() || !(wire.Hash{}).IsZero() || (wire.Hash{31: 1}).IsZero() {
		t.Error("IsZero")
	}
}

func TestMustHashPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("MustHash took a malformed constant")
		}
	}()
	wire.MustHash("12")
}

func TestDoubleSHA256(t *testing.T) {
	// SHA-256 of SHA-256 of "hello".
	want := unhex(t, "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50")
	if got := wire.DoubleSHA256([]byte("hello")); got != wire.Hash(want) {
		t.Errorf("%x, want %x", got[:], want)
	}
}
