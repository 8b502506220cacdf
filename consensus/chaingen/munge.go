package chaingen

import (
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// Munge breaks one thing about a block. The block has a coinbase and one
// transaction, which spends the chain's oldest mature coin to two outputs. The
// functions that are not nil are called while it is put together: Body before
// the commitment to the witnesses is made, Coinbase before the merkle root is,
// Header before the nonce is searched, Raw at the very end.
type Munge struct {
	Name string
	// Kind is the rule that the block breaks.
	Kind consensus.ErrorKind

	Body, Coinbase, Header, Raw func(c *Chain, b *wire.Block)
}

// Munged returns a child of the tip, of which the chain must have a mature
// coin, that is valid but for what m does. It is not added to the chain.
func (c *Chain) Munged(m Munge) *wire.Block {
	coins := c.Mature()[:1]
	half := coins[0].Coin.Out.Value / 2
	tx := c.Spend(coins, c.Out(P2WPKH, 0, half), c.Out(P2TR, 1, half-2000))
	b := c.Next(tx).Clone()
	call := func(stage func(*Chain, *wire.Block)) {
		if stage != nil {
			stage(c, b)
		}
	}
	call(m.Body)
	c.commit(b)
	call(m.Coinbase)
	root(b)
	call(m.Header)
	Solve(b)
	call(m.Raw)
	return b
}

// sign signs the one input of a transaction of a munged block again.
func (c *Chain) sign(tx *wire.Tx) { c.Sign(tx, c.Mature()[:1]) }

// Munges returns one way, at least, to break each rule that a block on regtest
// can break.
func Munges() []Munge {
	onCoinbase := func(change func(tx *wire.Tx)) func(*Chain, *wire.Block) {
		return func(_ *Chain, b *wire.Block) { change(b.Txs[0]) }
	}
	onTx := func(change func(tx *wire.Tx)) func(*Chain, *wire.Block) {
		return func(c *Chain, b *wire.Block) {
			change(b.Txs[1])
			c.sign(b.Txs[1])
		}
	}
	onHeader := func(change func(s consensus.State, h *wire.Header)) func(*Chain, *wire.Block) {
		return func(c *Chain, b *wire.Block) { change(c.State(), &b.Header) }
	}
	return []Munge{
		{Name: "hash above the target", Kind: consensus.ErrHighHash, Raw: func(_ *Chain, b *wire.Block) {
			target, err := pow.Bits(b.Header.Bits).Target()
			for err == nil && target.Met(b.Header.Hash()) {
				b.Header.Nonce++
			}
		}},
		{Name: "another merkle root", Kind: consensus.ErrMerkleRoot, Header: onHeader(func(_ consensus.State, h *wire.Header) {
			h.MerkleRoot[0] ^= 1
		})},
		{Name: "last transaction twice", Kind: consensus.ErrDuplicateTx,
			Body: func(c *Chain, b *wire.Block) {
				b.Txs = append(b.Txs, c.Spend(c.OutputsOf(b.Txs[1].Clone())[:1]))
			},
			Raw: func(_ *Chain, b *wire.Block) { b.Txs = append(b.Txs, b.Txs[2]) },
		},
		{Name: "more bytes than a block may have", Kind: consensus.ErrBlockLength, Body: func(c *Chain, b *wire.Block) {
			long := make([]byte, c.params.MaxBlockWeight/wire.WitnessScaleFactor)
			b.Txs[0].Outputs = append([]wire.TxOut{{PkScript: long}}, b.Txs[0].Outputs...)
		}},
		{Name: "no coinbase", Kind: consensus.ErrCoinbaseMissing, Header: func(_ *Chain, b *wire.Block) {
			b.Txs = b.Txs[1:]
			root(b)
		}},
		{Name: "two coinbases", Kind: consensus.ErrCoinbaseMultiple, Body: func(c *Chain, b *wire.Block) {
			b.Txs = append(b.Txs, c.coinbase())
		}},
		{Name: "more signature operations than a block may have", Kind: consensus.ErrBlockSigOps, Body: func(c *Chain, b *wire.Block) {
			script := make([]byte, c.params.MaxBlockSigOpsCost/wire.WitnessScaleFactor+1)
			for i := range script {
				script[i] = 0xac // OP_CHECKSIG
			}
			b.Txs[0].Outputs = append([]wire.TxOut{{PkScript: script}}, b.Txs[0].Outputs...)
		}},

		{Name: "transaction without inputs", Kind: consensus.ErrNoInputs, Body: func(c *Chain, b *wire.Block) {
			b.Txs = append(b.Txs, &wire.Tx{Version: 2, Outputs: []wire.TxOut{c.Out(Anyone, 0, 0)}})
		}},
		{Name: "transaction without outputs", Kind: consensus.ErrNoOutputs, Body: onTx(func(tx *wire.Tx) {
			tx.Outputs = nil
		})},
		{Name: "negative output", Kind: consensus.ErrOutputNegative, Body: onTx(func(tx *wire.Tx) {
			tx.Outputs[0].Value = -1
		})},
		{Name: "output above the money limit", Kind: consensus.ErrOutputTooLarge, Body: onTx(func(tx *wire.Tx) {
			tx.Outputs[0].Value = wire.MaxMoney + 1
		})},
		{Name: "outputs above the money limit together", Kind: consensus.ErrOutputTotalTooLarge, Body: onTx(func(tx *wire.Tx) {
			tx.Outputs[0].Value, tx.Outputs[1].Value = wire.MaxMoney, 1
		})},
		{Name: "one outpoint twice in a transaction", Kind: consensus.ErrDuplicateInput, Body: func(_ *Chain, b *wire.Block) {
			b.Txs[1].Inputs = append(b.Txs[1].Inputs, b.Txs[1].Inputs[0])
		}},
		{Name: "coinbase script of 101 bytes", Kind: consensus.ErrCoinbaseLength, Body: onCoinbase(func(tx *wire.Tx) {
			tx.Inputs[0].SigScript = append(tx.Inputs[0].SigScript, make([]byte, 101-len(tx.Inputs[0].SigScript))...)
		})},
		{Name: "coinbase script of one byte", Kind: consensus.ErrCoinbaseLength, Body: onCoinbase(func(tx *wire.Tx) {
			tx.Inputs[0].SigScript = tx.Inputs[0].SigScript[:1]
		})},
		{Name: "null outpoint", Kind: consensus.ErrNullPrevOut, Body: func(_ *Chain, b *wire.Block) {
			b.Txs[1].Inputs = append(b.Txs[1].Inputs, wire.TxIn{PrevOut: wire.OutPoint{Index: 0xffffffff}})
		}},

		{Name: "unknown parent", Kind: consensus.ErrPrevBlock, Header: onHeader(func(_ consensus.State, h *wire.Header) {
			h.PrevBlock[0] ^= 1
		})},
		{Name: "other difficulty bits", Kind: consensus.ErrDifficultyBits, Header: onHeader(func(_ consensus.State, h *wire.Header) {
			h.Bits--
		})},
		{Name: "time not after the median", Kind: consensus.ErrTimeTooOld, Header: onHeader(func(s consensus.State, h *wire.Header) {
			h.Time = s.MedianTimePast()
		})},
		{Name: "time in the far future", Kind: consensus.ErrTimeTooNew, Header: onHeader(func(_ consensus.State, h *wire.Header) {
			h.Time = 0xffffffff
		})},
		{Name: "version 3", Kind: consensus.ErrBlockVersion, Header: onHeader(func(_ consensus.State, h *wire.Header) {
			h.Version = 3
		})},
		{Name: "version -1", Kind: consensus.ErrBlockVersion, Header: onHeader(func(_ consensus.State, h *wire.Header) {
			h.Version = -1
		})},

		{Name: "lock time that has not passed", Kind: consensus.ErrNonFinal, Body: func(c *Chain, b *wire.Block) {
			b.Txs[1].LockTime = c.State().Tip.Height + 1
			b.Txs[1].Inputs[0].Sequence = 0xfffffffe
			c.sign(b.Txs[1])
		}},
		{Name: "another height in the coinbase", Kind: consensus.ErrCoinbaseHeight, Body: func(c *Chain, b *wire.Block) {
			height := c.State().Tip.Height + 1
			tail := b.Txs[0].Inputs[0].SigScript[len(pushInt(height)):]
			b.Txs[0].Inputs[0].SigScript = append(pushInt(height+1), tail...)
		}},
		{Name: "witness reserved value of 31 bytes", Kind: consensus.ErrWitnessNonceSize, Raw: onCoinbase(func(tx *wire.Tx) {
			tx.Inputs[0].Witness = [][]byte{make([]byte, 31)}
		})},
		{Name: "no witness reserved value", Kind: consensus.ErrWitnessNonceSize, Raw: onCoinbase(func(tx *wire.Tx) {
			tx.Inputs[0].Witness = nil
		})},
		{Name: "another witness commitment", Kind: consensus.ErrWitnessCommitment, Coinbase: onCoinbase(func(tx *wire.Tx) {
			tx.Outputs[len(tx.Outputs)-1].PkScript[6] ^= 1
		})},
		{Name: "witnesses without a commitment", Kind: consensus.ErrUnexpectedWitness, Coinbase: onCoinbase(func(tx *wire.Tx) {
			tx.Outputs = tx.Outputs[:len(tx.Outputs)-1]
			tx.Inputs[0].Witness = nil
		})},
		{Name: "witness heavier than a block", Kind: consensus.ErrBlockWeight, Body: func(c *Chain, b *wire.Block) {
			in := &b.Txs[1].Inputs[0]
			in.Witness = append(in.Witness, make([]byte, c.params.MaxBlockWeight))
		}},

		{Name: "coin that does not exist", Kind: consensus.ErrMissingInput, Body: func(_ *Chain, b *wire.Block) {
			b.Txs[1].Inputs[0].PrevOut.TxID[0] ^= 1
		}},
		{Name: "coin spent twice in the block", Kind: consensus.ErrMissingInput, Body: func(c *Chain, b *wire.Block) {
			b.Txs = append(b.Txs, c.Spend(c.Mature()[:1]))
		}},
		{Name: "coin of a later transaction", Kind: consensus.ErrMissingInput, Body: func(c *Chain, b *wire.Block) {
			later := c.Spend(c.OutputsOf(b.Txs[1].Clone())[:1])
			b.Txs = []*wire.Tx{b.Txs[0], later, b.Txs[1]}
		}},
		{Name: "immature coinbase", Kind: consensus.ErrImmatureSpend, Body: func(c *Chain, b *wire.Block) {
			id := c.Tip().Txs[0].TxID()
			op := wire.OutPoint{TxID: id}
			b.Txs[1] = c.Spend([]consensus.OutCoin{{OutPoint: op, Coin: c.coins[op]}})
		}},
		{Name: "outputs above inputs", Kind: consensus.ErrOutputsExceedInputs, Body: onTx(func(tx *wire.Tx) {
			tx.Outputs[0].Value += 2001
		})},
		{Name: "relative lock time that has not passed", Kind: consensus.ErrSequenceLock, Body: onTx(func(tx *wire.Tx) {
			tx.Inputs[0].Sequence = 0xffff
		})},
		{Name: "signature of something else", Kind: consensus.ErrScript, Body: func(_ *Chain, b *wire.Block) {
			b.Txs[1].Outputs[0].Value--
		}},
		{Name: "coinbase pays one satoshi too much", Kind: consensus.ErrCoinbaseAmount, Body: onCoinbase(func(tx *wire.Tx) {
			tx.Outputs[0].Value++
		})},
	}
}
