package consensus

import (
	"runtime"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// benchBlock is a full block of a chain with the State and the coins before it.
type benchBlock struct {
	state State
	raw   []byte
	view  mapView
	spent []Coin
	ins   int
}

// lastOf returns the last block of one of the three chains, about 2,000
// inputs.
func lastOf(b *testing.B, name string) *benchBlock {
	b.Helper()
	blocks := readChain(b, "chains/"+name, nil)
	view := make(mapView)
	last := len(blocks) - 1
	s := replay(b, GenesisState(Regtest(RegtestOptions{})), view, blocks[:last], Options{SkipScripts: true})
	bb := &benchBlock{state: s, raw: blocks[last].Bytes(), view: view}
	spent, err := Gather(s, blocks[last], view)
	if err != nil {
		b.Fatal(err)
	}
	bb.spent, bb.ins = spent, len(spent)
	return bb
}

// fresh decodes the block again, without any id computed.
func (bb *benchBlock) fresh(b *testing.B) *wire.Block {
	block, err := wire.DecodeBlock(bb.raw)
	if err != nil {
		b.Fatal(err)
	}
	return block
}

// perInput runs f once per iteration and reports the time per input.
func (bb *benchBlock) perInput(b *testing.B, f func(block *wire.Block) error) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		block := bb.fresh(b)
		b.StartTimer()
		if err := f(block); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bb.ins), "ns/input")
}

// eachChain runs a benchmark on the last block of each chain.
func eachChain(b *testing.B, f func(b *testing.B, bb *benchBlock)) {
	for _, name := range []string{"chain-p2wpkh.dat", "chain-p2tr.dat", "chain-mixed.dat"} {
		b.Run(name, func(b *testing.B) { f(b, lastOf(b, name)) })
	}
}

func BenchmarkCheckBlock(b *testing.B) {
	eachChain(b, func(b *testing.B, bb *benchBlock) {
		bb.perInput(b, func(block *wire.Block) error { return CheckBlock(bb.state.Params, block) })
	})
}

func BenchmarkValidateBlockContext(b *testing.B) {
	eachChain(b, func(b *testing.B, bb *benchBlock) {
		bb.perInput(b, func(block *wire.Block) error { return ValidateBlockContext(bb.state, block) })
	})
}

func BenchmarkGather(b *testing.B) {
	eachChain(b, func(b *testing.B, bb *benchBlock) {
		bb.perInput(b, func(block *wire.Block) error {
			_, err := Gather(bb.state, block, bb.view)
			return err
		})
	})
}

func BenchmarkValidateBlockNoScripts(b *testing.B) {
	eachChain(b, func(b *testing.B, bb *benchBlock) {
		bb.perInput(b, func(block *wire.Block) error {
			return ValidateBlock(bb.state, block, bb.spent, Options{SkipScripts: true})
		})
	})
}

func BenchmarkValidateBlock(b *testing.B) {
	eachChain(b, func(b *testing.B, bb *benchBlock) {
		for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
			b.Run(map[bool]string{true: "alone", false: "all"}[workers == 1], func(b *testing.B) {
				bb.perInput(b, func(block *wire.Block) error {
					return ValidateBlock(bb.state, block, bb.spent, Options{Workers: workers})
				})
			})
		}
	})
}

func BenchmarkApplyBlock(b *testing.B) {
	eachChain(b, func(b *testing.B, bb *benchBlock) {
		bb.perInput(b, func(block *wire.Block) error {
			ApplyBlock(bb.state, block, bb.spent)
			return nil
		})
	})
}
