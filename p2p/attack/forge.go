package attack

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// child returns a header with its proof of work, as it might follow the block
// with that hash.
func (c *Conn) child(parent wire.Hash) wire.Header {
	b := &wire.Block{Header: c.unsolved(parent)}
	chaingen.Solve(b)
	return b.Header
}

func (c *Conn) unsolved(parent wire.Hash) wire.Header {
	return wire.Header{
		Version: 0x20000000, PrevBlock: parent, MerkleRoot: c.hash(),
		Time: uint32(time.Now().Unix()) + 60, Bits: c.Victim.Params.Genesis.Header.Bits,
	}
}

// chain returns n headers, each the parent of the next one, from parent on.
func (c *Conn) chain(parent wire.Hash, from uint32, n int) []wire.Header {
	list := make([]wire.Header, n)
	for i := range list {
		b := &wire.Block{Header: c.unsolved(parent)}
		b.Header.Time = from + uint32(i)
		chaingen.Solve(b)
		list[i] = b.Header
		parent = b.Header.Hash()
	}
	return list
}

// block returns a block that would be valid after the victim's tip if its
// coinbase did not take too much; change spoils it further, before it is solved.
func (c *Conn) block(change func(b *wire.Block)) *wire.Block {
	tip, height := c.at()
	script := binary.LittleEndian.AppendUint32([]byte{4}, height+1)
	for script[len(script)-1] == 0 { // the shortest form
		script = script[:len(script)-1]
	}
	if script[len(script)-1]&0x80 != 0 {
		script = append(script, 0)
	}
	script[0] = byte(len(script) - 1)
	script = binary.LittleEndian.AppendUint64(append(script, 8), rand.Uint64())
	b := &wire.Block{Header: c.unsolved(tip), Txs: []*wire.Tx{{
		Version: 2,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{Index: 0xffffffff}, SigScript: script, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{{Value: 1_000_000 * wire.Coin, PkScript: []byte{0x51}}},
	}}}
	b.Header.MerkleRoot, _ = b.Clone().TxMerkleRoot()
	if change != nil {
		change(b)
	}
	chaingen.Solve(b)
	return b
}

// orphan returns a transaction that spends what nobody knows, with some bytes of
// data.
func (c *Conn) orphan(data int) *wire.Tx {
	script := append([]byte{0x6a, 0x4d, byte(data), byte(data >> 8)}, make([]byte, data)...)
	return &wire.Tx{
		Version: 2,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: c.hash()}, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{{Value: 10_000, PkScript: []byte{0x51}}, {PkScript: script}},
	}
}

// blocksRequest asks for as many blocks as possible, all of them the same.
func (c *Conn) blocksRequest() []byte {
	m := &message.BlocksRequest{}
	for range message.MaxBlocks {
		m.Hashes = append(m.Hashes, c.big())
	}
	return m.Append(nil)
}

// big is the largest block that is known of.
func (c *Conn) big() wire.Hash {
	if c.Victim.Big.IsZero() {
		return c.Their.Tip
	}
	return c.Victim.Big
}

// Regtest are the rules of the only network that can be attacked: elsewhere proof
// of work is dear.
func Regtest() *consensus.Params { return consensus.Regtest(consensus.RegtestOptions{}) }
