package consensus

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// replay judges and applies blocks one after the other and returns the State
// after the last. It checks that no money comes up but in coinbases and none
// is lost but as fee or in outputs that nobody can spend.
func replay(t testing.TB, s State, view mapView, blocks []*wire.Block, o Options) State {
	t.Helper()
	supply := view.total()
	for _, b := range blocks {
		spent, err := judge(s, b, view, o)
		if err != nil {
			t.Fatalf("block %d: %v", s.Tip.Height+1, err)
		}
		next, diff := ApplyBlock(s, b, spent)
		view.apply(diff)
		s = next
		for _, c := range spent {
			supply -= c.Out.Value
		}
		for _, tx := range b.Txs {
			for _, out := range tx.Outputs {
				if !script.IsUnspendable(out.PkScript) {
					supply += out.Value
				}
			}
		}
	}
	if got := view.total(); got != supply {
		t.Fatalf("coins of %v in all, not %v", got, supply)
	}
	return s
}

func (v mapView) total() (sum wire.Amount) {
	for _, c := range v {
		sum += c.Out.Value
	}
	return sum
}

// TestChains replays the three chains in memory. Signatures are verified for
// the last blocks alone, to save time: the import of whole chains is the
// ledger's test.
func TestChains(t *testing.T) {
	const signed = 12
	for _, c := range []struct {
		name   string
		blocks int
		tip    string
		coins  int
	}{
		{"chain-p2wpkh.dat", 213, "17f967d5221ebff1a86a8bbcc9624f733d5298720c6caf4a74cefbbc0e1b7344", 160153},
		{"chain-p2tr.dat", 213, "09712d10a3c5f236d17160a7e230b6cc30473a1880e62466fa467290bb949ef7", 160153},
		{"chain-mixed.dat", 255, "0c65e7cc24c73475717cc70d2a48b227b2bc7faa0973bc66f3b9ff67c2f03052", 133465},
	} {
		t.Run(c.name, func(t *testing.T) {
			blocks := readChain(t, "chains/"+c.name, nil)
			if len(blocks) != c.blocks {
				t.Fatalf("%d blocks, not %d", len(blocks), c.blocks)
			}
			last := signed
			if testing.Short() {
				if c.name != "chain-mixed.dat" {
					t.Skip("one chain is enough for a short run")
				}
				last = 1
			}
			cut := len(blocks) - last
			view := make(mapView)
			o := Options{Workers: runtime.GOMAXPROCS(0), SkipScripts: true}
			s := replay(t, GenesisState(Regtest(RegtestOptions{})), view, blocks[:cut], o)
			o.SkipScripts = false
			s = replay(t, s, view, blocks[cut:], o)
			if got := s.Tip.Hash.String(); got != c.tip {
				t.Errorf("tip %s, not %s", got, c.tip)
			}
			if len(view) != c.coins {
				t.Errorf("%d coins, not %d", len(view), c.coins)
			}
		})
	}
}

// TestCoreStatsChain replays the chain of Bitcoin Core's test of getblockstats.
func TestCoreStatsChain(t *testing.T) {
	var file struct {
		Blocks []string
	}
	if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/test/functional/data/rpc_getblockstats.json"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Blocks) != 104 {
		t.Fatalf("%d blocks, not 104", len(file.Blocks))
	}
	p := Regtest(RegtestOptions{})
	if !bytes.Equal(unhex(t, file.Blocks[0]), p.Genesis.Bytes()) {
		t.Fatal("the genesis block differs")
	}
	var blocks []*wire.Block
	for _, text := range file.Blocks[1:] {
		b, err := wire.DecodeBlock(unhex(t, text))
		if err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, b)
	}
	replay(t, GenesisState(p), make(mapView), blocks, Options{})
}

// TestMainnet256 replays the first blocks of Bitcoin under a chain-spec.
func TestMainnet256(t *testing.T) {
	p := readSpec(t, "bitcoin.json")
	blocks := readChain(t, "btcd/database/testdata/blocks1-256.bz2", p.Magic[:])
	if len(blocks) != 255 { // the genesis block is not in the file
		t.Fatalf("%d blocks, not 255", len(blocks))
	}
	view := make(mapView)
	s := replay(t, GenesisState(p), view, blocks, Options{})
	if s.Tip.Height != 255 || s.Work.String() != fmt.Sprintf("%064x", 256*0x100010001) {
		t.Fatalf("height %d, work %v", s.Tip.Height, s.Work)
	}
	if got, want := view.total(), 255*50*wire.Coin; got != want {
		t.Fatalf("coins of %v, not %v", got, want)
	}
	// The first payment between people is in block 170.
	if got := len(blocks[169].Txs); got != 2 {
		t.Fatalf("block 170 has %d transactions", got)
	}
	testStateAt(t, p, blocks)
}

// testStateAt compares StateAt with applying every header.
func testStateAt(t *testing.T, p *Params, blocks []*wire.Block) {
	t.Helper()
	header := func(height uint32) wire.Header {
		if height == 0 {
			return p.Genesis.Header
		}
		return blocks[height-1].Header
	}
	s := GenesisState(p)
	for i := range blocks {
		if got := StateAt(p, s.Tip, s.Work, header); got != s {
			t.Fatalf("height %d: StateAt gives %+v, headers give %+v", s.Tip.Height, got, s)
		}
		s = ApplyHeader(s, &blocks[i].Header)
	}
}

// TestBlock277647 judges a block of mainnet against the coins that it spends.
func TestBlock277647(t *testing.T) {
	p := readSpec(t, "bitcoin.json")
	file := vectors.Read(t, "btcd/blockchain/testdata/277647.dat.bz2")
	b := splitBlocks(t, file, p.Magic[:])[0]
	view := readUtxoStore(t, vectors.Read(t, "btcd/blockchain/testdata/277647.utxostore.bz2"))

	s := State{
		Params:   p,
		Tip:      wire.BlockRef{Height: 277646, Hash: b.Header.PrevBlock},
		Times:    [medianTimeSpan]uint32{b.Header.Time - 600},
		NumTimes: 1,
		TipBits:  0,
	}
	s.TipBits = s.TipBits + 0x1903a30c
	s.OnBIP34Chain = true
	for _, workers := range []int{1, 2} {
		spent, err := judge(s, b, view, Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Txs) != 213 || len(spent) != 732 {
			t.Fatalf("%d transactions spend %d coins", len(b.Txs), len(spent))
		}
		_, diff := ApplyBlock(s, b, spent)
		after := maps.Clone(view)
		after.apply(diff)
		after.apply(RevertBlock(s, b, spent))
		if !equalCoins(after, view) {
			t.Fatal("the coins are not the same after apply and revert")
		}
	}

	// With one coin worth less, the block pays out too much or not enough.
	spent, err := Gather(s, b, view)
	if err != nil {
		t.Fatal(err)
	}
	spent[0].Out.PkScript = append([]byte{0x6a}, spent[0].Out.PkScript...)
	if err := ValidateBlock(s, b, spent, Options{}); RejectReason(err) !=
		"mandatory-script-verify-flag-failed (OP_RETURN was encountered)" {
		t.Fatalf("with an unspendable coin: %v", err)
	}
}

func equalCoins(a, b mapView) bool {
	return maps.EqualFunc(a, b, func(x, y Coin) bool {
		return x.Out.Value == y.Out.Value && bytes.Equal(x.Out.PkScript, y.Out.PkScript) &&
			x.Height == y.Height && x.MTP == y.MTP && x.Coinbase == y.Coinbase
	})
}

// readUtxoStore reads btcd's format: transaction id, index and length in four
// bytes each, and the output as btcd keeps it.
func readUtxoStore(t *testing.T, file []byte) mapView {
	view := make(mapView)
	for len(file) > 0 {
		op := wire.OutPoint{TxID: wire.Hash(file[:32]), Index: binary.LittleEndian.Uint32(file[32:])}
		size := binary.LittleEndian.Uint32(file[36:])
		view[op] = parseUtxo(t, file[40:40+size])
		file = file[40+size:]
	}
	return view
}

// parseUtxo reads a header code (height times two, plus one for a coinbase), a
// compressed amount and a compressed script.
func parseUtxo(t *testing.T, b []byte) Coin {
	code, b := readVLQ(b)
	amount, b := readVLQ(b)
	c := Coin{Height: uint32(code >> 1), Coinbase: code&1 != 0}
	c.Out.Value = wire.Amount(decompressAmount(amount))
	kind, rest := readVLQ(b)
	build := new(script.Builder)
	switch {
	case kind == 0:
		c.Out.PkScript = build.Op(script.OpDup).Op(script.OpHash160).Data(rest).Op(script.OpEqualVerify).Op(script.OpCheckSig).Script()
	case kind == 1:
		c.Out.PkScript = build.Op(script.OpHash160).Data(rest).Op(script.OpEqual).Script()
	case kind == 2 || kind == 3:
		c.Out.PkScript = build.Data(append([]byte{byte(kind)}, rest...)).Op(script.OpCheckSig).Script()
	case kind < 6:
		t.Fatal("the test does not decompress keys")
	default:
		c.Out.PkScript = rest[:kind-6]
	}
	return c
}

func readVLQ(b []byte) (n uint64, rest []byte) {
	for i, digit := range b {
		n = n<<7 | uint64(digit&0x7f)
		if digit&0x80 == 0 {
			return n, b[i+1:]
		}
		n++
	}
	return n, nil
}

func decompressAmount(x uint64) uint64 {
	if x == 0 {
		return 0
	}
	x--
	exponent := x % 10
	x /= 10
	n := uint64(0)
	if exponent < 9 {
		n = (x/9)*10 + x%9 + 1
	} else {
		n = x + 1
	}
	for range exponent {
		n *= 10
	}
	return n
}
