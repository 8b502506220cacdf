package consensus

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/wire"
)

// mapView is a set of coins in a map.
type mapView map[wire.OutPoint]Coin

func (v mapView) FetchCoin(op wire.OutPoint, c *Coin) (bool, error) {
	coin, ok := v[op]
	if ok {
		*c = coin
	}
	return ok, nil
}

func (v mapView) apply(d Diff) {
	for i := range d.Spent {
		delete(v, d.Spent[i].OutPoint)
	}
	for i := range d.Created {
		v[d.Created[i].OutPoint] = d.Created[i].Coin
	}
}

// far is a clock that no block is ahead of.
const far = int64(1) << 40

// judge takes b through every rule as a child of s.Tip.
func judge(s State, b *wire.Block, view CoinView, o Options) (spent []Coin, err error) {
	if err := CheckBlock(s.Params, b); err != nil {
		return nil, err
	}
	if err := ValidateHeader(s, &b.Header, far); err != nil {
		return nil, err
	}
	if err := ValidateBlockContext(s, b); err != nil {
		return nil, err
	}
	if spent, err = Gather(s, b, view); err != nil {
		return nil, err
	}
	return spent, ValidateBlock(s, b, spent, o)
}

// readSpec parses a chain-spec of testdata.
func readSpec(t testing.TB, name string) *Params {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// readChain returns the blocks of a file in which each is preceded by its
// length in four bytes, little-endian, and that by the network's magic if
// there is one.
func readChain(t testing.TB, name string, magic []byte) []*wire.Block {
	t.Helper()
	return splitBlocks(t, vectors.Read(t, name), magic)
}

func splitBlocks(t testing.TB, file, magic []byte) (blocks []*wire.Block) {
	t.Helper()
	for len(file) > 0 {
		if !bytes.HasPrefix(file, magic) {
			t.Fatalf("block %d has no magic", len(blocks))
		}
		file = file[len(magic):]
		size := binary.LittleEndian.Uint32(file)
		block, err := wire.DecodeBlock(file[4 : 4+size : 4+size])
		if err != nil {
			t.Fatalf("block %d: %v", len(blocks), err)
		}
		blocks = append(blocks, block)
		file = file[4+size:]
	}
	return blocks
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
