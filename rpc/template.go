package rpc

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func templateMethods() []method {
	return []method{{
		name: "getblocktemplate", category: "mining", run: getblocktemplate,
		help: "What a miner needs to make the next block (BIP 22, 23, 9 and 145), or whether a block that it proposes would be valid.",
		params: []param{{
			names: "template_request", typ: tObject, required: true, help: "What is asked for",
			inner: []param{
				{names: "mode", typ: tString, help: "\"template\" or \"proposal\"; left out: template"},
				{names: "capabilities", typ: tArray, help: "What the client can do; it is ignored", inner: []param{
					{names: "str", typ: tString, help: "a capability: longpoll, coinbasevalue, proposal, serverlist, workid"}}},
				{names: "rules", typ: tArray, required: true, help: "The rules that the client knows", inner: []param{
					{names: "segwit", typ: tString, required: true, help: "this one at least"},
					{names: "str", typ: tString, help: "another rule"}}},
				{names: "longpollid", typ: tString, help: "Wait for something much better than the template that had this"},
				{names: "data", typ: tHex, help: "The block to judge, for mode=proposal: every rule but its proof of work counts"},
			},
		}},
		results: []result{
			when("if a proposal would be accepted", rNull()),
			when("if a proposal would not be accepted", rString("", "why not (BIP 22)")),
			when("otherwise", rObject("", "",
				rArray("capabilities", "what else this call can do", rString("", "a capability")),
				rNumber("version", "for the block's header"),
				rArray("rules", "the rules that hold for the block", rString("", "a rule; ! in front: a miner must know it")),
				rMap("vbavailable", "rules that are being voted on", rNumber("name", "the bit of the version that is for it")),
				rNumber("vbrequired", "bits that the version must have"),
				rHex("previousblockhash", "the tip, on which the block builds"),
				rArray("transactions", "for the block, in this order behind the coinbase", rObject("", "",
					rHex("data", "the transaction with witnesses"),
					rHex("txid", "its id"),
					rHex("hash", "its id with witnesses"),
					rArray("depends", "the transactions whose outputs it spends", rNumber("", "a place in this list, from 1")),
					rNumber("fee", "what it pays, in satoshi"),
					rNumber("sigops", "what its signature operations cost"),
					rNumber("weight", "in weight units"))),
				rMap("coinbaseaux", "what must be in the coinbase's script", rHex("name", "bytes")),
				rNumber("coinbasevalue", "subsidy and fees, in satoshi"),
				rString("longpollid", "for the next call, to wait for something better"),
				rHex("target", "what the hash may be at most"),
				rTime("mintime", "the earliest for the header"),
				rArray("mutable", "what may be changed", rString("", "a part of the block")),
				rHex("noncerange", "the first and the last nonce"),
				rNumber("sigoplimit", "what signature operations may cost"),
				rNumber("sizelimit", "the block's bytes at most"),
				maybe(rNumber("weightlimit", "the block's weight units at most")),
				rTime("curtime", "now, for the header"),
				rHex("bits", "for the header"),
				rNumber("height", "the block's"),
				maybe(rHex("default_witness_commitment", "the script of the coinbase's output that commits to the witnesses of these transactions")))),
		},
		examples: []string{`'{"rules": ["segwit"]}'`},
	}}
}

func getblocktemplate(c *call) (any, error) {
	request := c.params.At(0)
	mode := "template"
	switch v := request.Get("mode"); v.Kind {
	case jsonrpc.String:
		mode = v.Text
	case jsonrpc.Null:
	default:
		return nil, errInvalidMode
	}
	if mode == "proposal" {
		return c.propose(request.Get("data"))
	}
	rules, err := clientRules(request.Get("rules"))
	if err != nil {
		return nil, err
	}
	if mode != "template" {
		return nil, errInvalidMode
	}
	if c.Miner == nil {
		return nil, errNoMiner
	}
	if c.s.cfg.Params.Name == "main" && c.Ledger.InitialDownload() {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInInitialDownload, "Keelson is in initial sync and waiting for blocks...")
	}
	if id := request.Get("longpollid"); !id.IsNull() {
		if err := c.longPoll(id); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(rules, "segwit") {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter,
			`getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})`)
	}
	t, err := c.Miner.Template()
	if err != nil {
		return nil, err
	}
	if t.Selection.State.Active(consensus.BIP54) && !slices.Contains(rules, "bip54") {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Support for 'bip54' rule requires explicit client support")
	}
	return templateObject(t)
}

var errInvalidMode = jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid mode")

func clientRules(v *jsonrpc.Value) (rules []string, err error) {
	if v.Kind != jsonrpc.Array {
		return nil, nil
	}
	for i := range v.Len() {
		rule := v.At(i)
		if rule.Kind != jsonrpc.String {
			return nil, mismatch(rule, jsonrpc.String)
		}
		rules = append(rules, rule.Text)
	}
	return rules, nil
}

// templateObject is a template in the words of BIP 22, 23, 9 and 145.
func templateObject(t *template.Template) (any, error) {
	sel := t.Selection
	s := sel.State
	target, err := pow.Bits(t.Header.Bits).Target()
	if err != nil {
		return nil, err
	}
	segwit := s.Active(consensus.Segwit)
	// Before segwit, blocks were measured in bytes and signature operations.
	scale := 1
	if !segwit {
		scale = wire.WitnessScaleFactor
	}
	rules := []string{"csv"}
	if segwit {
		rules = append(rules, "!segwit")
	}
	if s.Active(consensus.Taproot) {
		rules = append(rules, "taproot")
	}
	if s.Active(consensus.BIP54) {
		rules = append(rules, "!bip54") // the coinbase's lock time and sequence number
	}
	txs := make([]jsonrpc.Object, len(sel.Txs))
	for i := range sel.Txs {
		tx := &sel.Txs[i]
		depends := make([]any, len(tx.Depends))
		for j, parent := range tx.Depends {
			depends[j] = parent + 1
		}
		txs[i] = jsonrpc.Object{
			{Key: "data", Value: jsonrpc.Hex(tx.Raw)},
			{Key: "txid", Value: tx.TxID},
			{Key: "hash", Value: tx.WTxID},
			{Key: "depends", Value: depends},
			{Key: "fee", Value: int64(tx.Fee)},
			{Key: "sigops", Value: int(tx.SigOps) / scale},
			{Key: "weight", Value: tx.Weight},
		}
	}

	var o jsonrpc.Object
	o.Add("capabilities", []string{"proposal"})
	o.Add("version", t.Header.Version)
	o.Add("rules", rules)
	o.Add("vbavailable", jsonrpc.Object{})
	o.Add("vbrequired", 0)
	o.Add("previousblockhash", s.Tip.Hash)
	o.Add("transactions", txs)
	o.Add("coinbaseaux", jsonrpc.Object{})
	o.Add("coinbasevalue", int64(t.Coinbase.Outputs[0].Value))
	o.Add("longpollid", s.Tip.Hash.String()+strconv.FormatUint(sel.Sequence, 10))
	o.Add("target", target.String())
	o.Add("mintime", s.MinTime())
	o.Add("mutable", []string{"time", "transactions", "prevblock"})
	o.Add("noncerange", "00000000ffffffff")
	o.Add("sigoplimit", s.Params.MaxBlockSigOpsCost/scale)
	o.Add("sizelimit", s.Params.MaxBlockWeight/scale)
	if segwit {
		o.Add("weightlimit", s.Params.MaxBlockWeight)
	}
	o.Add("curtime", t.Header.Time)
	o.Add("bits", fmt.Sprintf("%08x", t.Header.Bits))
	o.Add("height", t.Height())
	if commitment := t.Commitment(); commitment != nil {
		o.Add("default_witness_commitment", jsonrpc.Hex(commitment))
	}
	return o, nil
}

// How long a long poll waits for a new tip alone, and how often it looks from
// then on whether the pool has changed (Bitcoin Core's).
const (
	longPollTip  = time.Minute
	longPollPool = 10 * time.Second
)

// longPoll waits until the template with an id is outdated.
func (c *call) longPoll(id *jsonrpc.Value) error {
	tip := c.Ledger.Tip().Tip.Hash
	var sequence uint64
	if id.Kind == jsonrpc.String {
		var err error
		if tip, err = parseHash(id.Text[:min(len(id.Text), 2*wire.HashSize)], "longpollid"); err != nil {
			return err
		}
		// Whoever cannot repeat the number has none that counts.
		sequence, _ = strconv.ParseUint(id.Text[2*wire.HashSize:], 10, 64)
	} else {
		t, err := c.Miner.Template()
		if err != nil {
			return err
		}
		sequence = t.Selection.Sequence
	}
	var err error
	c.aside(func() { err = awaitOutdated(c.ctx, c.Ledger, tip, func() bool { return c.Miner.Outdated(sequence) }) })
	return err
}

// tips is what a long poll looks at of a ledger.
type tips interface {
	Tip() consensus.State
	Changed() <-chan struct{}
}

// awaitOutdated waits until the tip is another one, or, after a while, outdated
// says that there may be a better template.
func awaitOutdated(ctx context.Context, chain tips, tip wire.Hash, outdated func() bool) error {
	next := time.NewTimer(longPollTip)
	defer next.Stop()
	for {
		changed := chain.Changed()
		if chain.Tip().Tip.Hash != tip {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
			if outdated() {
				return nil
			}
			next.Reset(longPollPool)
		}
	}
}

// propose judges a block without its proof of work, and adds it to nothing.
func (c *call) propose(data *jsonrpc.Value) (any, error) {
	if data.Kind != jsonrpc.String {
		return nil, jsonrpc.Errorf(jsonrpc.CodeType, "Missing data String key for proposal")
	}
	raw, err := hex.DecodeString(data.Text)
	if err != nil {
		return nil, errBlockDecode
	}
	b, err := wire.DecodeBlock(raw)
	if err != nil {
		return nil, errBlockDecode
	}
	if e, ok := c.Ledger.Entry(b.Hash()); ok {
		switch {
		case e.Status.Invalid():
			return "duplicate-invalid", nil
		case e.Status.Has(ledger.ValidScripts):
			return "duplicate", nil
		}
		return "duplicate-inconclusive", nil
	}
	coins, err := c.Ledger.Snapshot()
	if err != nil {
		return nil, err
	}
	defer coins.Close()
	if b.Header.PrevBlock != coins.Tip().Hash {
		return "inconclusive-not-best-prevblk", nil
	}
	state, err := c.Ledger.State(coins.Tip().Hash)
	if err != nil {
		return nil, err
	}
	if err = c.testBlock(state, b, coins); err == nil {
		return nil, nil
	}
	if reason := consensus.RejectReason(err); reason != "" {
		return reason, nil
	}
	return nil, err
}

// testBlock judges a block on the state by every rule but proof of work.
func (c *call) testBlock(state consensus.State, b *wire.Block, coins *ledger.Snapshot) error {
	if err := consensus.ValidateProposal(state, b, c.s.clock.Now().Unix()); err != nil {
		return err
	}
	spent, err := consensus.Gather(state, b, coins)
	if err != nil {
		return err
	}
	return consensus.ValidateBlock(state, b, spent, consensus.Options{})
}
