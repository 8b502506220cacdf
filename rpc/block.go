package rpc

import (
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// headerResults are the members that getblockheader and getblock begin with.
func headerResults() []result {
	return []result{
		rHex("hash", "the block's hash"),
		rNumber("confirmations", "blocks from this one to the tip, both included; -1 off the active chain"),
		rNumber("height", "its height"),
		rNumber("version", "its version"),
		rHex("versionHex", "the version in hexadecimal"),
		rHex("merkleroot", "the root of the transactions' merkle tree"),
		rTime("time", "its time"),
		rTime("mediantime", "the median time of it and its ten ancestors"),
		rNumber("nonce", "its nonce"),
		rHex("bits", "its difficulty target in compact form"),
		rNumber("difficulty", "its difficulty, as a multiple of Bitcoin's least"),
		rHex("chainwork", "the work of the chain up to it"),
		rNumber("nTx", "its transactions; 0 if they have not arrived"),
		maybe(rHex("previousblockhash", "its parent")),
		maybe(rHex("nextblockhash", "its child on the active chain")),
	}
}

func blockMethods() []method {
	sizes := append(headerResults(),
		rNumber("strippedsize", "its size in bytes without witnesses"),
		rNumber("size", "its size in bytes"),
		rNumber("weight", "its weight (BIP 141)"))
	with := func(tx result) []result { return append(append([]result(nil), sizes...), tx) }
	withFee := append(txResults(false), maybe(rAmount("fee", "what it pays; only if the undo record is there")), rHex("hex", "the transaction itself"))
	withPrevouts := append(txResults(true), maybe(rAmount("fee", "what it pays; only if the undo record is there")), rHex("hex", "the transaction itself"))
	return []method{
		{
			name: "getblockheader", category: "blockchain", run: getblockheader,
			help: "A block header, as an object or in hexadecimal. Blocks off the active chain are found too.",
			params: []param{
				need("blockhash", tHex, "The block"),
				may("verbose", tBool, "true", "true for an object, false for the 80 bytes in hexadecimal"),
			},
			results: []result{
				when("for verbose = true", rObject("", "", headerResults()...)),
				when("for verbose = false", rHex("", "the header")),
			},
			examples: []string{exampleHash},
		},
		{
			name: "getblock", category: "blockchain", run: getblock,
			help: "A block: in hexadecimal, or as an object that has transaction ids, whole transactions, or those with the outputs that they spend.",
			params: []param{
				need("blockhash", tHex, "The block"),
				{names: "verbosity|verbose", typ: tNumber, def: "1", anyType: true,
					help: "0 for hexadecimal, 1 for transaction ids, 2 for transactions, 3 for transactions with the outputs spent"},
			},
			results: []result{
				when("for verbosity = 0", rHex("", "the block")),
				when("for verbosity = 1", rObject("", "", with(rArray("tx", "", rHex("", "a transaction id")))...)),
				when("for verbosity = 2", rObject("", "", with(rArray("tx", "", rObject("", "", withFee...)))...)),
				when("for verbosity = 3", rObject("", "", with(rArray("tx", "", rObject("", "", withPrevouts...)))...)),
			},
			examples: []string{exampleHash},
		},
		{
			name: "getblockfrompeer", category: "blockchain", run: getblockfrompeer,
			help: "Ask a peer for a block whose header is known, and whose transactions are not. The answer does not wait for it.",
			params: []param{
				need("blockhash", tHex, "The block"),
				need("peer_id", tNumber, "The peer's id in getpeerinfo"),
			},
			results:  one(rObject("", "")),
			examples: []string{exampleHash + " 0"},
		},
	}
}

func getblockfrompeer(c *call) (any, error) {
	hash, peer := c.hash(0, "blockhash"), c.int(1, 64)
	if c.err != nil {
		return nil, c.err
	}
	if c.Network == nil {
		return nil, errNoNetwork
	}
	e, ok := c.Ledger.Entry(hash)
	pruning, _ := c.Ledger.Pruning()
	switch {
	case !ok:
		return nil, errors.New("Block header missing")
	case pruning && e.Ref.Height > c.Ledger.Tip().Tip.Height:
		// It would be pruned again with its file, long before its turn.
		return nil, errors.New("In prune mode, only blocks that the node has already synced previously can be fetched from a peer")
	case e.Status.Has(ledger.HaveBody):
		return nil, errors.New("Block already downloaded")
	}
	switch err := c.Network.FetchBlock(peer, hash); {
	case errors.Is(err, peerinfo.ErrNotConnected):
		return nil, errors.New("Peer does not exist")
	case errors.Is(err, peerinfo.ErrAsked):
		return nil, errors.New("Already requested from this peer")
	case err != nil:
		return nil, err
	}
	return jsonrpc.Object{}, nil
}

func getblockheader(c *call) (any, error) {
	e, err := c.entry(0, "hash")
	verbose := c.boolOr(1, true)
	if err == nil {
		err = c.err
	}
	switch {
	case err != nil:
		return nil, err
	case !verbose:
		return jsonrpc.Hex(e.Header.Append(nil)), nil
	}
	return headerObject(e, c.Ledger.Tip()), nil
}

// headerObject describes a header as seen from a tip.
func headerObject(e ledger.Entry, tip consensus.State) jsonrpc.Object {
	var o jsonrpc.Object
	o.Add("hash", e.Ref.Hash)
	o.Add("confirmations", confirmations(e, tip))
	o.Add("height", e.Ref.Height)
	o.Add("version", e.Header.Version)
	o.Add("versionHex", fmt.Sprintf("%08x", uint32(e.Header.Version)))
	o.Add("merkleroot", e.Header.MerkleRoot)
	o.Add("time", e.Header.Time)
	o.Add("mediantime", e.MTP)
	o.Add("nonce", e.Header.Nonce)
	o.Add("bits", fmt.Sprintf("%08x", e.Header.Bits))
	o.Add("difficulty", difficulty(&e.Header))
	o.Add("chainwork", e.Work.String())
	o.Add("nTx", e.TxCount)
	if e.Ref.Height > 0 {
		o.Add("previousblockhash", e.Header.PrevBlock)
	}
	if e.Next != nil {
		o.Add("nextblockhash", *e.Next)
	}
	return o
}

// confirmations counts the blocks from e to the tip, both included; it is -1
// off the active chain.
func confirmations(e ledger.Entry, tip consensus.State) int64 {
	if !e.Active {
		return -1
	}
	// The tip may have moved back since e was looked up.
	return max(1, int64(tip.Tip.Height)-int64(e.Ref.Height)+1)
}

func getblock(c *call) (any, error) {
	e, err := c.entry(0, "blockhash")
	verbosity := c.verbosity(1, 1)
	if err == nil {
		err = c.err
	}
	if err != nil {
		return nil, err
	}
	if verbosity <= 0 {
		raw, err := c.Ledger.BlockBytes(e.Ref.Hash)
		return jsonrpc.Hex(raw), bodyError(err, "Block")
	}
	b, err := c.Ledger.Block(e.Ref.Hash)
	if err != nil {
		return nil, bodyError(err, "Block")
	}
	o := headerObject(e, c.Ledger.Tip())
	o.Add("strippedsize", b.StrippedSize())
	o.Add("size", b.Size())
	o.Add("weight", b.Weight())
	if verbosity == 1 {
		ids := make([]wire.Hash, len(b.Txs))
		for i, tx := range b.Txs {
			ids[i] = tx.TxID()
		}
		o.Add("tx", ids)
		return o, nil
	}

	// A block that was never connected has no undo record: no fees then.
	spent, err := c.Ledger.Spent(e.Ref.Hash)
	if err != nil && !errors.Is(err, ledger.ErrNoBody) && !errors.Is(err, ledger.ErrPruned) {
		return nil, err
	}
	haveSpent := err == nil
	txs := make([]jsonrpc.Object, len(b.Txs))
	for i, tx := range b.Txs {
		show := txView{hex: true, prevouts: verbosity > 2}
		if haveSpent && i > 0 {
			show.spent, spent = spent[:len(tx.Inputs)], spent[len(tx.Inputs):]
		}
		txs[i] = c.s.txObject(tx, show)
	}
	o.Add("tx", txs)
	return o, nil
}

// bodyError puts the reason why a body or an undo record cannot be had in
// Core's words; what is "Block" or "Undo data".
func bodyError(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ledger.ErrPruned):
		return errors.New(what + " not available (pruned data)")
	case errors.Is(err, ledger.ErrNoBody) && what == "Block":
		return errors.New("Block not found on disk")
	case errors.Is(err, ledger.ErrNoBody):
		return errors.New("Can't read undo data from disk")
	}
	return err
}
