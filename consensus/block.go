package consensus

import (
	"bytes"

	"github.com/keelson-chain/keelson/wire"
)

// CheckBlock checks what can be said of a block without any context: proof of
// work against its own bits, the merkle root, size, and each transaction.
// Every error is a *RuleError. What witnesses have to do with is left to
// ValidateBlockContext, because it may be judged only after the commitment.
func CheckBlock(p *Params, b *wire.Block) error {
	if err := checkWork(p, &b.Header); err != nil {
		return err
	}
	return checkBody(p, b)
}

// checkBody is CheckBlock but for the proof of work.
func checkBody(p *Params, b *wire.Block) error {
	root, mutated := b.TxMerkleRoot()
	if root != b.Header.MerkleRoot {
		return ruleError(ErrMerkleRoot, "header has %v, transactions %v", b.Header.MerkleRoot, root).
			debug("hashMerkleRoot mismatch")
	}
	if mutated {
		return &RuleError{Kind: ErrDuplicateTx, Debug: "duplicate transaction"}
	}
	size := b.StrippedSize()
	if len(b.Txs) == 0 || size*wire.WitnessScaleFactor > p.MaxBlockWeight {
		return ruleError(ErrBlockLength, "%d transactions, %d bytes without witness", len(b.Txs), size).
			debug("size limits failed")
	}
	if !b.Txs[0].IsCoinbase() {
		return &RuleError{Kind: ErrCoinbaseMissing, Debug: "first tx is not coinbase", mutated: maybeInnerNodes(b)}
	}
	for i, tx := range b.Txs[1:] {
		if tx.IsCoinbase() {
			return ruleError(ErrCoinbaseMultiple, "transaction %d", i+1).debug("more than one coinbase")
		}
	}
	for _, tx := range b.Txs {
		if err := checkTx(p, tx); err != nil {
			return inTx(err, tx).debug("Transaction check failed (tx hash %v) %s", tx.TxID(), err.Debug)
		}
	}
	sigOps := 0
	for _, tx := range b.Txs {
		sigOps += legacySigOps(tx)
	}
	if cost := sigOps * wire.WitnessScaleFactor; cost > p.MaxBlockSigOpsCost {
		return ruleError(ErrBlockSigOps, "cost %d", cost).debug("out-of-bounds SigOpCount")
	}
	return nil
}

// ValidateProposal judges a block that nobody has solved yet as a child of
// s.Tip in all but proof of work and what needs the coins; now is the time in
// seconds since 1970. It is CheckBlock, ValidateHeader and ValidateBlockContext
// for block proposals (BIP 23), in Bitcoin Core's order. Every error is a
// *RuleError.
func ValidateProposal(s State, b *wire.Block, now int64) error {
	if err := s.validateHeader(&b.Header, now); err != nil {
		return err
	}
	if err := checkBody(s.Params, b); err != nil {
		return err
	}
	return ValidateBlockContext(s, b)
}

// maybeInnerNodes reports whether what is given as the transactions of b could
// be inner nodes of the merkle tree of another block with the same header:
// those are 64 bytes long. With a coinbase at the front it would take 224 bits
// of work to make one up.
func maybeInnerNodes(b *wire.Block) bool {
	for _, tx := range b.Txs {
		if tx.StrippedSize() == 2*wire.HashSize {
			return true
		}
	}
	return false
}

// inTx adds which transaction err is about.
func inTx(err *RuleError, tx *wire.Tx) *RuleError {
	if err.Desc != "" {
		err.Desc += ", "
	}
	err.Desc += "transaction " + tx.TxID().String()
	return err
}

func nonFinal(tx *wire.Tx) *RuleError {
	return inTx(ruleError(ErrNonFinal, "lock time %d", tx.LockTime).debug("non-final transaction"), tx)
}

// ValidateBlockContext judges b as a child of s.Tip in all that needs the
// chain of headers but not the coins: lock times, the height in the coinbase,
// the witness commitment, weight, and BIP 54. Its header must have passed
// ValidateHeader and b CheckBlock. Every error is a *RuleError.
func ValidateBlockContext(s State, b *wire.Block) error {
	height := s.Tip.Height + 1
	cutoff := int64(b.Header.Time)
	if s.Active(CSV) {
		cutoff = int64(s.MedianTimePast()) // BIP 113
	}
	for _, tx := range b.Txs {
		if !IsFinal(tx, height, cutoff) {
			return nonFinal(tx)
		}
	}
	coinbase := &b.Txs[0].Inputs[0]
	if s.Active(BIP34) && !bytes.HasPrefix(coinbase.SigScript, heightScript(height)) {
		return ruleError(ErrCoinbaseHeight, "the height is %d", height).debug("block height mismatch in coinbase")
	}
	if s.Active(BIP54) {
		if err := validateBlock54(b, height); err != nil {
			return err
		}
	}
	if err := checkWitness(b, s.Active(Segwit)); err != nil {
		return err
	}
	// Only now is it certain that the weight is that of the block and not of
	// a coinbase witness that somebody filled up.
	if weight := b.Weight(); weight > s.Params.MaxBlockWeight {
		return ruleError(ErrBlockWeight, "%d", weight).debug("ContextualCheckBlock : weight limit failed")
	}
	return nil
}

// validateBlock54 checks what BIP 54 asks of a block's coinbase, which can
// then not have been valid in an earlier block, and of its transactions' sizes.
func validateBlock54(b *wire.Block, height uint32) error {
	coinbase := b.Txs[0]
	if coinbase.LockTime != height-1 {
		return ruleError(ErrCoinbaseLockTime, "%d in block %d", coinbase.LockTime, height)
	}
	if coinbase.Inputs[0].Sequence == wire.SequenceFinal {
		return ruleError(ErrCoinbaseSequence, "in block %d", height)
	}
	for _, tx := range b.Txs {
		if tx.StrippedSize() == bip54TxSize {
			return inTx(&RuleError{Kind: ErrTxSize64}, tx)
		}
	}
	return nil
}

// heightScript returns the script that pushes height in the shortest way, with
// which a coinbase must begin (BIP 34): OP_0 and OP_1 to OP_16 where they do,
// otherwise the bytes of the number, little-endian, with a sign bit.
func heightScript(height uint32) []byte {
	switch {
	case height == 0:
		return []byte{0x00}
	case height <= 16:
		return []byte{0x50 + byte(height)}
	}
	push := []byte{0}
	for ; height > 0; height >>= 8 {
		push = append(push, byte(height))
	}
	if push[len(push)-1]&0x80 != 0 {
		push = append(push, 0)
	}
	push[0] = byte(len(push) - 1)
	return push
}

// checkWitness checks the commitment to the witnesses (BIP 141, "Commitment
// structure"), or that there is nothing to commit to.
func checkWitness(b *wire.Block, segwit bool) error {
	commitment, ok := b.WitnessCommitment()
	if segwit && ok {
		witness := b.Txs[0].Inputs[0].Witness
		if len(witness) != 1 || len(witness[0]) != 32 {
			return &RuleError{Kind: ErrWitnessNonceSize, Debug: "CheckWitnessMalleation : invalid witness reserved value size"}
		}
		want := wire.WitnessCommitmentHash(b.WitnessMerkleRoot(), [32]byte(witness[0]))
		if commitment != want {
			return ruleError(ErrWitnessCommitment, "%v, not %v", commitment, want).
				debug("CheckWitnessMalleation : witness merkle commitment mismatch")
		}
		return nil
	}
	for _, tx := range b.Txs {
		if tx.HasWitness() {
			return inTx(&RuleError{Kind: ErrUnexpectedWitness, Debug: "CheckWitnessMalleation : unexpected witness data found"}, tx)
		}
	}
	return nil
}
