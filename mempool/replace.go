package mempool

import (
	"fmt"
	"strings"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// maxReplaced is how many transactions one may drive out at most (BIP 125, rule
// 5).
const maxReplaced = 100

// checkReplacement decides whether c may take the place of what it conflicts
// with, by the rules of Bitcoin Core's replacement policy (doc/policy,
// "mempool-replacements"), and notes what has to go.
func (p *Pool) checkReplacement(c *candidate) error {
	refused := func(reason, format string, args ...any) error {
		if c.sibling {
			reason += siblingNote
		}
		return refuse(reason, format, args...)
	}
	// Its fee rate is above that of each that it conflicts with.
	replacement := policy.RateOf(c.modified, c.vsize)
	for _, e := range c.conflicts {
		if original := policy.RateOf(e.modified, int(e.vsize)); replacement <= original {
			return refused(reasonFee, "rejecting replacement %v; new feerate %v <= old feerate %v", c.txid, replacement, original)
		}
	}
	// It drives out a bounded number.
	if text := tooMany(c.txid, c.conflicts); text != "" {
		return refused("too many potential replacements", "%s", text)
	}
	c.replaced = p.descendants(c.conflicts...)
	// It spends nothing unconfirmed that they do not spend from: that could
	// have a worse chance of being mined.
	if at, found := p.newParent(c); found {
		return refused("replacement-adds-unconfirmed", "replacement %v adds unconfirmed input, idx %d", c.txid, at)
	}
	if text := p.tooCheap(c.txid, c.modified, c.vsize, c.replaced); text != "" {
		return refused(reasonFee, "%s", text)
	}
	return nil
}

// tooMany says that a replacement would drive out more than it may, "" if not.
func tooMany(txid wire.Hash, conflicts []*entry) string {
	count := 0
	for _, e := range conflicts {
		if count += e.descendants().count; count > maxReplaced {
			return fmt.Sprintf("rejecting replacement %v; too many potential replacements (%d > %d)", txid, count, maxReplaced)
		}
	}
	return ""
}

// tooCheap says that a fee does not pay for all that goes and for the way of vsize
// virtual bytes through the network, "" if it does.
func (p *Pool) tooCheap(txid wire.Hash, fee wire.Amount, vsize int, replaced []*entry) string {
	var fees wire.Amount
	for _, e := range replaced {
		fees += e.modified
	}
	if fee < fees {
		return fmt.Sprintf("rejecting replacement %v, less fees than conflicting txs; %s < %s", txid, money(fee), money(fees))
	}
	if more, least := fee-fees, p.cfg.Rules.IncrementalRelay.Fee(vsize); more < least {
		return fmt.Sprintf("rejecting replacement %v, not enough additional fees to relay; %s < %s", txid, money(more), money(least))
	}
	return ""
}

// newParent finds an input that spends from a transaction of the pool from
// which none of the direct conflicts spends.
func (p *Pool) newParent(c *candidate) (input int, found bool) {
	if len(c.parents) == 0 {
		return 0, false
	}
	known := map[wire.Hash]bool{}
	for _, e := range c.conflicts {
		tx := e.tx()
		for i := range tx.Inputs {
			known[tx.Inputs[i].PrevOut.TxID] = true
		}
	}
	for i := range c.tx.Inputs {
		parent := c.tx.Inputs[i].PrevOut.TxID
		if !known[parent] && p.lookup(&parent) != nil {
			return i, true
		}
	}
	return 0, false
}

// money writes an amount as Bitcoin Core's messages do: at least two decimals,
// and no zeros at the end beyond them.
func money(a wire.Amount) string {
	text := a.String()
	point := strings.IndexByte(text, '.')
	return text[:point+3] + strings.TrimRight(text[point+3:], "0")
}
