package policy

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/wire"
)

// The limits on TRUC transactions (BIP 431). They count themselves among
// their ancestors and descendants.
const (
	TRUCVersion         = 3
	TRUCAncestorLimit   = 2
	TRUCDescendantLimit = 2
	TRUCMaxVSize        = 10_000 // virtual bytes
	TRUCChildMaxVSize   = 1_000  // virtual bytes of one with an unconfirmed parent
)

// TRUCParent is what CheckTRUC asks about an unconfirmed parent.
type TRUCParent struct {
	TxID, WTxID wire.Hash
	Version     uint32
	Ancestors   int // unconfirmed, with the parent itself
	Descendants int // unconfirmed, with the parent itself and without tx
	// Children are the parent's other children, which for a TRUC parent is one
	// at most unless a reorganisation brought more.
	Children []TRUCChild
}

// TRUCChild is what CheckTRUC asks about a child that an unconfirmed parent of
// tx has already.
type TRUCChild struct {
	TxID      wire.Hash
	Ancestors int // unconfirmed, with the child itself
	// Conflicts says that the child spends an output which tx spends too, so
	// that tx would take its place.
	Conflicts bool
}

// CheckTRUC refuses as "TRUC-violation" a transaction that breaks BIP 431: a
// TRUC transaction and its unconfirmed parents or children must all be TRUC,
// come at most in pairs, and be small. vsize is that of VSize, and parents are
// the direct unconfirmed parents of tx, each once.
//
// Where the only fault is that the parent has another child already, evict is
// that child: its eviction, under the rules of replacement, would let tx in.
// The error stands if the caller does not want that. Otherwise evict is nil.
//
// Bitcoin Core 28 compares versions with all the ancestors of tx. Comparing
// with the parents differs only below ancestors that disagree among themselves,
// which takes a reorganisation; later releases do so too.
func CheckTRUC(tx *wire.Tx, vsize int, parents []TRUCParent) (evict *TRUCChild, err error) {
	if p := otherVersion(tx, parents); p != nil {
		kind, other := "version=3", "non-version=3"
		if tx.Version != TRUCVersion {
			kind, other = other, kind
		}
		return nil, trucViolation("%s tx %v (wtxid=%v) cannot spend from %s tx %v (wtxid=%v)",
			kind, tx.TxID(), tx.WTxID(), other, p.TxID, p.WTxID)
	}
	if tx.Version != TRUCVersion {
		return nil, nil
	}
	if vsize > TRUCMaxVSize {
		return nil, trucViolation("version=3 tx %v (wtxid=%v) is too big: %d > %d virtual bytes",
			tx.TxID(), tx.WTxID(), vsize, TRUCMaxVSize)
	}
	if len(parents) == 0 {
		return nil, nil
	}
	// A second parent alone is one ancestor too many.
	if len(parents)+1 > TRUCAncestorLimit || parents[0].Ancestors+1 > TRUCAncestorLimit {
		return nil, trucViolation("tx %v (wtxid=%v) would have too many ancestors", tx.TxID(), tx.WTxID())
	}
	if vsize > TRUCChildMaxVSize {
		return nil, trucViolation("version=3 child tx %v (wtxid=%v) is too big: %d > %d virtual bytes",
			tx.TxID(), tx.WTxID(), vsize, TRUCChildMaxVSize)
	}
	return onlyChild(&parents[0])
}

// CheckPackageTRUC is CheckTRUC for tx as one of the transactions of a package, of
// which none is in the pool. CheckTRUC has passed for it and its parents in the
// pool. ancestors are all of its unconfirmed ancestors in the pool.
func CheckPackageTRUC(tx *wire.Tx, vsize int, pkg []*wire.Tx, ancestors []TRUCParent) error {
	parents := slices.Clone(ancestors) // and then those of the package
	for _, other := range pkg {
		if other != tx && spendsFrom(tx, other.TxID()) {
			parents = append(parents, TRUCParent{TxID: other.TxID(), WTxID: other.WTxID(), Version: other.Version, Ancestors: 1, Descendants: 1})
		}
	}
	if tx.Version != TRUCVersion {
		if p := otherVersion(tx, parents); p != nil {
			return trucViolation("non-version=3 tx %v (wtxid=%v) cannot spend from version=3 tx %v (wtxid=%v)", tx.TxID(), tx.WTxID(), p.TxID, p.WTxID)
		}
		return nil
	}
	switch {
	case len(parents)+1 > TRUCAncestorLimit:
		return trucViolation("tx %v (wtxid=%v) would have too many ancestors", tx.TxID(), tx.WTxID())
	case len(parents) == 0:
		return nil
	case vsize > TRUCChildMaxVSize:
		return trucViolation("version=3 child tx %v (wtxid=%v) is too big: %d > %d virtual bytes", tx.TxID(), tx.WTxID(), vsize, TRUCChildMaxVSize)
	}
	parent := &parents[0]
	if parent.Version != TRUCVersion {
		return trucViolation("version=3 tx %v (wtxid=%v) cannot spend from non-version=3 tx %v (wtxid=%v)", tx.TxID(), tx.WTxID(), parent.TxID, parent.WTxID)
	}
	for _, other := range pkg {
		if other == tx {
			continue
		}
		if spendsFrom(other, parent.TxID) {
			return trucViolation("tx %v (wtxid=%v) would exceed descendant count limit", parent.TxID, parent.WTxID)
		}
		if spendsFrom(other, tx.TxID()) {
			return trucViolation("tx %v (wtxid=%v) would have too many ancestors", other.TxID(), other.WTxID())
		}
	}
	if parent.Descendants > 1 {
		return trucViolation("tx %v (wtxid=%v) would exceed descendant count limit", parent.TxID, parent.WTxID)
	}
	return nil
}

// spendsFrom reports whether tx spends an output of another transaction.
func spendsFrom(tx *wire.Tx, txid wire.Hash) bool {
	return slices.ContainsFunc(tx.Inputs, func(in wire.TxIn) bool { return in.PrevOut.TxID == txid })
}

// otherVersion returns the first of the parents, by txid, that is TRUC where tx
// is not or the other way round; nil if there is none.
func otherVersion(tx *wire.Tx, parents []TRUCParent) (first *TRUCParent) {
	for i := range parents {
		p := &parents[i]
		if (p.Version == TRUCVersion) != (tx.Version == TRUCVersion) &&
			(first == nil || bytes.Compare(p.TxID[:], first.TxID[:]) < 0) {
			first = p
		}
	}
	return first
}

// onlyChild refuses a further child of the TRUC transaction p, unless one that
// it has makes room.
func onlyChild(p *TRUCParent) (evict *TRUCChild, err error) {
	if p.Descendants+1 <= TRUCDescendantLimit {
		return nil, nil
	}
	for i := range p.Children {
		if p.Children[i].Conflicts {
			return nil, nil
		}
	}
	// Evicting one helps only if it is the one, and is the child of p alone.
	if p.Descendants == TRUCDescendantLimit && len(p.Children) == 1 && p.Children[0].Ancestors == TRUCAncestorLimit {
		evict = &p.Children[0]
	}
	return evict, trucViolation("tx %v (wtxid=%v) would exceed descendant count limit", p.TxID, p.WTxID)
}

func trucViolation(format string, args ...any) error {
	return &Error{Reason: "TRUC-violation", Debug: fmt.Sprintf(format, args...)}
}
