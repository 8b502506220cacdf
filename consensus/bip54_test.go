package consensus

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// The public vectors of BIP 54 are chains of Bitcoin's main network on which
// BIP 54 holds from genesis. Those of its limit on signature operations are
// not to be had; TestBIP54SigOps has cases made from the text.

func bitcoin54(t testing.TB) *Params {
	p := readSpec(t, "bitcoin.json")
	p.Activation[BIP54] = 0
	return p
}

func TestBIP54Timestamps(t *testing.T) {
	type node struct {
		Headers    []string `json:"block_headers"`
		Extensions []node
		Valid      *bool
		Comment    string
	}
	var tree node
	if err := json.Unmarshal(vectors.Read(t, "bips/bip-0054/test_vectors/timestamps.json"), &tree); err != nil {
		t.Fatal(err)
	}
	valid, invalid := 0, 0
	// Each case is a path from the root: the state before is shared. Without
	// BIP 54 every header must be accepted.
	var walk func(n node, with, without State)
	walk = func(n node, with, without State) {
		var failure error
		for i, text := range n.Headers {
			h, err := wire.DecodeHeader(unhex(t, text))
			if err != nil {
				t.Fatal(err)
			}
			if h.Hash() == with.Tip.Hash {
				continue // the genesis block is in the list
			}
			if err := ValidateHeader(without, &h, far); err != nil {
				t.Fatalf("%s: header %d at height %d without BIP 54: %v", n.Comment, i, without.Tip.Height+1, err)
			}
			without = ApplyHeader(without, &h)
			if failure != nil {
				continue
			}
			if failure = ValidateHeader(with, &h, far); failure == nil {
				with = ApplyHeader(with, &h)
			}
		}
		switch {
		case n.Valid == nil:
			if failure != nil {
				t.Fatalf("a chain that goes on: %v", failure)
			}
		case *n.Valid:
			valid++
			if failure != nil {
				t.Errorf("%s: %v", n.Comment, failure)
			}
		default:
			invalid++
			if !errors.Is(failure, ErrTimeWarp) && !errors.Is(failure, ErrNegativePeriod) {
				t.Errorf("%s: %v", n.Comment, failure)
			}
		}
		for _, extension := range n.Extensions {
			walk(extension, with, without)
		}
	}
	walk(tree, GenesisState(bitcoin54(t)), GenesisState(readSpec(t, "bitcoin.json")))
	if len(tree.Headers) != 41 || len(tree.Extensions) != 2 || valid != 7 || invalid != 2 {
		t.Errorf("%d headers with %d extensions, %d valid and %d invalid cases", len(tree.Headers), len(tree.Extensions), valid, invalid)
	}
}

func TestBIP54Coinbases(t *testing.T) {
	var cases []struct {
		Blocks  []string `json:"block_chain"`
		Valid   bool
		Comment string
	}
	if err := json.Unmarshal(vectors.Read(t, "bips/bip-0054/test_vectors/coinbases.json"), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 7 {
		t.Fatalf("%d cases, not 7", len(cases))
	}
	for _, c := range cases {
		s, view := GenesisState(bitcoin54(t)), make(mapView)
		for i, text := range c.Blocks[1:] {
			b, err := wire.DecodeBlock(unhex(t, text))
			if err != nil {
				t.Fatal(err)
			}
			spent, err := judge(s, b, view, Options{})
			if last := i == len(c.Blocks)-2; err == nil != (c.Valid || !last) {
				t.Errorf("%s: block %d: %v", c.Comment, i+1, err)
			} else if err != nil && !errors.Is(err, ErrCoinbaseLockTime) && !errors.Is(err, ErrCoinbaseSequence) && !errors.Is(err, ErrNonFinal) {
				t.Errorf("%s: %v", c.Comment, err)
			}
			if err != nil {
				break
			}
			var d Diff
			s, d = ApplyBlock(s, b, spent)
			view.apply(d)
		}
	}
}

func TestBIP54TxSize(t *testing.T) {
	var cases []struct {
		Tx      string
		Valid   bool
		Comment string
	}
	if err := json.Unmarshal(vectors.Read(t, "bips/bip-0054/test_vectors/txsize.json"), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 13 {
		t.Fatalf("%d cases, not 13", len(cases))
	}
	late := func(p *Params) State { // after every lock time of the cases
		return State{Params: p, Tip: wire.BlockRef{Height: 900_000}, Times: [medianTimeSpan]uint32{2_000_000_000}, NumTimes: 1}
	}
	with, without := late(bitcoin54(t)), late(readSpec(t, "bitcoin.json"))
	for _, c := range cases {
		tx, err := wire.DecodeTx(unhex(t, c.Tx))
		if err != nil {
			t.Fatal(err)
		}
		// The coins are not given: sizes are judged before them.
		_, err = ValidateTx(with, tx, nil, Options{})
		if got := !errors.Is(err, ErrTxSize64); got != c.Valid {
			t.Errorf("%s: %v", c.Comment, err)
		}
		if _, err = ValidateTx(without, tx, nil, Options{}); !errors.Is(err, ErrMissingInput) {
			t.Errorf("%s without BIP 54: %v", c.Comment, err)
		}
		// In a block too, as a coinbase's companion.
		b := &wire.Block{Txs: []*wire.Tx{with.Params.Genesis.Txs[0].Clone(), tx}}
		b.Txs[0].Inputs[0].Sequence = 0
		if err := validateBlock54(b, 1); (err == nil) != c.Valid {
			t.Errorf("%s in a block: %v", c.Comment, err)
		}
	}
}

// TestBIP54SigOps counts what the limit of 2,500 is on: the input's script, the
// output that it spends and the script behind a hash, each as in BIP 16,
// executed or not; neither witnesses nor the transaction's own outputs.
func TestBIP54SigOps(t *testing.T) {
	checkSigs := func(n int) []byte { return []byte(strings.Repeat("\xac", n)) }
	multi := func(keys byte, n int) []byte {
		var s []byte
		for range n {
			if keys > 0 {
				s = append(s, 0x50+keys)
			}
			s = append(s, 0xae)
		}
		return s
	}
	push := func(s []byte) []byte { return new(script.Builder).Data(s).Script() }
	p2sh := func(redeem []byte) []byte {
		hash := script.Hash160(redeem)
		return append(append([]byte{0xa9, 20}, hash[:]...), 0x87)
	}
	p2wsh := append([]byte{0x00, 32}, make([]byte, 32)...)
	type in struct {
		sigScript, pkScript []byte
		witness             [][]byte
	}
	for _, c := range []struct {
		name  string
		ins   []in
		out   []byte
		count int
	}{
		{"nothing", []in{{}}, nil, 0},
		{"in the spent output", []in{{pkScript: checkSigs(2500)}}, nil, 2500},
		{"one more", []in{{pkScript: checkSigs(2501)}}, nil, 2501},
		{"one more in the input's script", []in{{sigScript: checkSigs(1), pkScript: checkSigs(2500)}}, nil, 2501},
		{"verify too", []in{{pkScript: []byte(strings.Repeat("\xad", 2501))}}, nil, 2501},
		{"over several inputs", []in{{pkScript: checkSigs(1250)}, {pkScript: checkSigs(1251)}}, nil, 2501},
		{"bare multisig counts twenty", []in{{pkScript: multi(0, 125)}}, nil, 2500},
		{"and with a key, its keys", []in{{pkScript: multi(3, 833)}, {pkScript: multi(2, 1)}}, nil, 2501},
		{"sixteen keys", []in{{pkScript: multi(16, 156)}, {pkScript: multi(4, 1)}}, nil, 2500},
		{"seventeen by a push are twenty", []in{{pkScript: []byte{0x01, 0x11, 0xae}}}, nil, 20},
		{"behind a hash", []in{{sigScript: push(checkSigs(15)), pkScript: p2sh(checkSigs(15))}}, nil, 15},
		{"behind a hash, multisig", []in{{sigScript: push(multi(5, 3)), pkScript: p2sh(multi(5, 3))}}, nil, 15},
		{"not executed", []in{{pkScript: append([]byte{0x00, 0x63}, append(checkSigs(2501), 0x68)...)}}, nil, 2501},
		{"not after what cannot be parsed", []in{{pkScript: append([]byte{0xac, 0x4c, 0xff}, checkSigs(200)...)}}, nil, 1},
		{"not in data", []in{{pkScript: push(checkSigs(75))}}, nil, 0},
		{"not in witnesses", []in{{pkScript: p2wsh, witness: [][]byte{checkSigs(3000)}}}, nil, 0},
		{"not in outputs", []in{{}}, checkSigs(3000), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			tx := &wire.Tx{Version: 2, Outputs: []wire.TxOut{{PkScript: c.out}}}
			var spent []Coin
			for i, in := range c.ins {
				tx.Inputs = append(tx.Inputs, wire.TxIn{
					PrevOut: wire.OutPoint{TxID: wire.Hash{1}, Index: uint32(i)}, SigScript: in.sigScript, Witness: in.witness,
				})
				spent = append(spent, Coin{Out: wire.TxOut{PkScript: in.pkScript}})
			}
			if got := legacySigOps54(tx, spent); got != c.count {
				t.Errorf("counts %d, not %d", got, c.count)
			}
			for _, active := range []bool{true, false} {
				p := readSpec(t, "bitcoin.json")
				if active {
					p.Activation[BIP54] = 0
				}
				_, err := ValidateTx(GenesisState(p), tx, spent, Options{SkipScripts: true})
				if got, want := errors.Is(err, ErrTxLegacySigOps), active && c.count > 2500; got != want {
					t.Errorf("BIP 54 %v: %v", active, err)
				}
			}
		})
	}
}

// TestBIP54Periods holds the limits of both time rules to the second, on a
// network whose difficulty does not come in periods.
func TestBIP54Periods(t *testing.T) {
	p := Regtest(RegtestOptions{})
	p.Activation[BIP54] = 0
	p.TimeWarpGrace = -1
	p.Window = 2016
	state := func(height uint32, tip, period uint32) State {
		return State{Params: p, Tip: wire.BlockRef{Height: height}, Times: [medianTimeSpan]uint32{tip}, NumTimes: 1, PeriodTime: period}
	}
	const now = 1_000_000
	for _, c := range []struct {
		name   string
		height uint32 // of the block
		mtp    uint32
		period uint32
		time   uint32
		want   error
	}{
		{"first of a period, 7,200 s before its parent", 2016, now, 0, now - 7200, nil},
		{"7,201 s", 2016, now, 0, now - 7201, ErrTimeWarp},
		{"second of a period", 2017, now, now, now - 7201, nil},
		{"last but one", 2014, now, now + 100, now + 1, nil},
		{"last, as the first", 2015, now, now + 100, now + 100, nil},
		{"last, before the first", 2015, now, now + 100, now + 99, ErrNegativePeriod},
		{"last of the second period, before the first", 4031, now, now + 100, now + 99, ErrNegativePeriod},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := state(c.height-1, now, c.period)
			// Ten older blocks keep the median out of the way.
			s.NumTimes = medianTimeSpan
			for i := 1; i < medianTimeSpan; i++ {
				s.Times[i] = 1
			}
			h := wire.Header{Version: 4, Time: c.time, Bits: 0x207fffff}
			solve(t, &h)
			if err := ValidateHeader(s, &h, far); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if got := s.MinTime(); c.want == nil && got > int64(c.time) || c.want != nil && got <= int64(c.time) {
				t.Errorf("MinTime is %d", got)
			}
		})
	}
}

func solve(t testing.TB, h *wire.Header) {
	t.Helper()
	p := Regtest(RegtestOptions{})
	for range 1000 {
		if checkWork(p, h) == nil {
			return
		}
		h.Nonce++
	}
	t.Fatal("no nonce found: " + fmt.Sprintf("%08x", h.Bits))
}
