package consensus

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/wire"
)

// TestBadTx runs the rows of Bitcoin Core's tx_invalid.json that are invalid
// without looking at a script, and all of tx_valid.json.
func TestBadTx(t *testing.T) {
	p := Regtest(RegtestOptions{})
	kinds := make(map[ErrorKind]int)
	for name, want := range map[string]int{"tx_invalid.json": 9, "tx_valid.json": 120} {
		var rows [][]json.RawMessage
		if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/src/test/data/"+name), &rows); err != nil {
			t.Fatal(err)
		}
		n := 0
		comment := ""
		for _, row := range rows {
			if len(row) != 3 {
				_ = json.Unmarshal(row[0], &comment)
				continue
			}
			var text, flags string
			if json.Unmarshal(row[1], &text) != nil || json.Unmarshal(row[2], &flags) != nil {
				t.Fatalf("%s: malformed row", comment)
			}
			bad := flags == "BADTX"
			if name == "tx_invalid.json" && !bad {
				continue
			}
			n++
			tx, err := wire.DecodeTx(unhex(t, text))
			if err != nil {
				t.Fatalf("%s: %v", comment, err)
			}
			err = CheckTx(p, tx)
			if (err != nil) != bad {
				t.Errorf("%s: %v", comment, err)
			}
			var e *RuleError
			if errors.As(err, &e) {
				kinds[e.Kind]++
			}
		}
		if n != want {
			t.Errorf("%s has %d rows, not %d", name, n, want)
		}
	}
	for _, kind := range []ErrorKind{ErrNoOutputs, ErrOutputNegative, ErrOutputTooLarge, ErrOutputTotalTooLarge, ErrDuplicateInput, ErrCoinbaseLength, ErrNullPrevOut} {
		if kinds[kind] == 0 {
			t.Errorf("no row fails for %v: %v", kind, kinds)
		}
	}
}

// TestDuplicateInput compares both ways of looking for a duplicate with a map.
func TestDuplicateInput(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		n := rnd.IntN(30)
		ins := make([]wire.TxIn, n)
		seen := make(map[wire.OutPoint]bool)
		want := false
		for i := range ins {
			op := wire.OutPoint{Index: uint32(rnd.IntN(4 + n))}
			op.TxID[rnd.IntN(2)*31] = byte(rnd.IntN(1 + n))
			ins[i].PrevOut = op
			want = want || seen[op]
			seen[op] = true
		}
		op, got := duplicateInput(ins)
		if got != want || got && !seen[op] {
			t.Fatalf("%d inputs: %v %v, want %v", n, op, got, want)
		}
	}
}

func TestIsFinal(t *testing.T) {
	final, other := wire.SequenceFinal, wire.SequenceFinal-1
	for _, c := range []struct {
		lockTime  uint32
		sequences []uint32
		height    uint32
		time      int64
		want      bool
	}{
		{0, []uint32{0}, 0, 0, true},
		{100, []uint32{other}, 100, 0, false},
		{100, []uint32{other}, 101, 0, true},
		{100, []uint32{final}, 100, 0, true},
		{100, []uint32{final, other}, 100, 0, false},
		{100, []uint32{other, final}, 100, 0, false},
		{499_999_999, []uint32{other}, 499_999_999, 1 << 40, false},
		{499_999_999, []uint32{other}, 500_000_000, 0, true},
		{500_000_000, []uint32{other}, 4_000_000_000, 500_000_000, false},
		{500_000_000, []uint32{other}, 0, 500_000_001, true},
		{0xffffffff, []uint32{other}, 0, 0xffffffff, false},
		{0xffffffff, []uint32{final}, 0, 0, true},
	} {
		tx := &wire.Tx{LockTime: c.lockTime}
		for _, s := range c.sequences {
			tx.Inputs = append(tx.Inputs, wire.TxIn{Sequence: s})
		}
		if got := IsFinal(tx, c.height, c.time); got != c.want {
			t.Errorf("lock time %d, sequences %x at height %d and time %d: %v", c.lockTime, c.sequences, c.height, c.time, got)
		}
	}
}

// TestSequenceLocks holds relative lock times to the block and the second
// (BIP 68).
func TestSequenceLocks(t *testing.T) {
	const height, mtp = 1000, 1_000_000
	type in struct {
		sequence    uint32
		coin, coinT uint32
	}
	for _, c := range []struct {
		name    string
		version uint32
		csv     bool
		ins     []in
		want    bool
	}{
		{"no lock", 2, true, []in{{0, 999, mtp}}, true},
		{"height, in time", 2, true, []in{{10, 990, 0}}, true},
		{"height, one early", 2, true, []in{{10, 991, 0}}, false},
		{"height, a coin of this block", 2, true, []in{{0, 1000, mtp}}, true},
		{"height, one after this block", 2, true, []in{{1, 1000, mtp}}, false},
		{"time, in time", 2, true, []in{{1<<22 | 10, 0, mtp - 5120}}, true},
		{"time, one second early", 2, true, []in{{1<<22 | 10, 0, mtp - 5119}}, false},
		{"time, the longest", 2, true, []in{{1<<22 | 0xffff, 0, 0}}, false},
		{"other bits mean nothing", 2, true, []in{{0x7fbf0000 &^ (1 << 22), 999, 0}}, true},
		{"switched off", 2, true, []in{{1<<31 | 10, 999, 0}}, true},
		{"the second input", 2, true, []in{{0, 1, 0}, {10, 991, 0}}, false},
		{"version 1", 1, true, []in{{10, 999, 0}}, true},
		{"version 0", 0, true, []in{{10, 999, 0}}, true},
		{"version 2^32-1", 0xffffffff, true, []in{{10, 999, 0}}, false},
		{"before BIP 68", 2, false, []in{{10, 999, 0}}, true},
	} {
		tx := &wire.Tx{Version: c.version}
		var spent []Coin
		for _, in := range c.ins {
			tx.Inputs = append(tx.Inputs, wire.TxIn{Sequence: in.sequence})
			spent = append(spent, Coin{Height: in.coin, MTP: in.coinT})
		}
		v := inputs{height: height, mtp: mtp, csv: c.csv}
		if err := v.sequenceLocks(tx, spent); (err == nil) != c.want || err != nil && !errors.Is(err, ErrSequenceLock) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestMaturity holds the rule to the block: a coinbase at height 5 may be
// spent at 105.
func TestMaturity(t *testing.T) {
	p := Regtest(RegtestOptions{})
	tx := &wire.Tx{Version: 2, Inputs: []wire.TxIn{{Sequence: wire.SequenceFinal}}, Outputs: []wire.TxOut{{Value: 1}}}
	tx.Inputs[0].PrevOut.TxID[0] = 1
	for height, want := range map[uint32]error{6: ErrImmatureSpend, 104: ErrImmatureSpend, 105: nil, 5000: nil} {
		s := State{Params: p, Tip: wire.BlockRef{Height: height - 1}, NumTimes: 1}
		coin := Coin{Out: wire.TxOut{Value: 3, PkScript: []byte{0x51}}, Height: 5, Coinbase: true}
		fee, err := ValidateTx(s, tx, []Coin{coin}, Options{})
		if !errors.Is(err, want) || err == nil && fee != 2 {
			t.Errorf("height %d: %v, %v", height, fee, err)
		}
		coin.Coinbase = false
		if _, err := ValidateTx(s, tx, []Coin{coin}, Options{}); err != nil {
			t.Errorf("no coinbase, height %d: %v", height, err)
		}
	}
}

// TestDescriptions: numbers in errors are written as Bitcoin Core does.
func TestDescriptions(t *testing.T) {
	for a, want := range map[wire.Amount]string{0: "0.00", 1: "0.00000001", 100_000_000: "1.00", 150_000_000: "1.50", 123_456_000: "1.23456", -5: "-0.00000005"} {
		if got := formatMoney(a); got != want {
			t.Errorf("%d is %s, not %s", a, got, want)
		}
	}
	tx := &wire.Tx{Inputs: make([]wire.TxIn, 1), Outputs: []wire.TxOut{{Value: 2 * wire.Coin}}}
	tx.Inputs[0].PrevOut.TxID[0] = 1
	_, err := ValidateTx(GenesisState(Regtest(RegtestOptions{})), tx, []Coin{{Out: wire.TxOut{Value: wire.Coin / 2}}}, Options{})
	if got, want := RejectText(err), "bad-txns-in-belowout, value in (0.50) < value out (2.00)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := ErrorKind(200).Error() + ErrorKind(200).Reason(); got != "unknown rule 200unknown" {
		t.Error(got)
	}
}

// TestHeightScript compares the push of a height with the encodings of BIP 34.
func TestHeightScript(t *testing.T) {
	for height, want := range map[uint32]string{
		0: "\x00", 1: "\x51", 16: "\x60", 17: "\x01\x11", 127: "\x01\x7f", 128: "\x02\x80\x00", 255: "\x02\xff\x00",
		256: "\x02\x00\x01", 32767: "\x02\xff\x7f", 32768: "\x03\x00\x80\x00", 227931: "\x03\x5b\x7a\x03",
		8388608: "\x04\x00\x00\x80\x00", 0x7fffffff: "\x04\xff\xff\xff\x7f", 0x80000000: "\x05\x00\x00\x00\x80\x00",
	} {
		if got := string(heightScript(height)); got != want {
			t.Errorf("%d: %x, not %x", height, got, want)
		}
	}
}
