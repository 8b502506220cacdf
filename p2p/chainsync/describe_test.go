package chainsync

import (
	"fmt"
	"strings"

	"github.com/keelson-chain/keelson/wire"
)

// name names a block in a line of text.
func (w *world) name(hash wire.Hash) string {
	b := w.blocks[hash]
	switch {
	case hash == wire.Hash{}:
		return "none"
	case b == nil:
		return "unknown"
	case b.name == "":
		return fmt.Sprintf("%x/%d", hash[:2], b.Height)
	}
	return fmt.Sprintf("%s/%d", b.name, b.Height)
}

// names names blocks, runs of them by the first and the last.
func (w *world) names(hashes []wire.Hash) string {
	var parts []string
	for i := 0; i < len(hashes); {
		j := i
		for j+1 < len(hashes) && w.follows(hashes[j+1], hashes[j]) {
			j++
		}
		if j > i+1 {
			parts = append(parts, w.name(hashes[i])+".."+w.name(hashes[j]))
		} else {
			j = i
			parts = append(parts, w.name(hashes[i]))
		}
		i = j + 1
	}
	return strings.Join(parts, " ")
}

// follows reports whether a is b's child and goes by the same name.
func (w *world) follows(a, b wire.Hash) bool {
	x, y := w.blocks[a], w.blocks[b]
	return x != nil && y != nil && x.parent == y && x.name == y.name
}

func (w *world) headerNames(hs []wire.Header) string {
	hashes := make([]wire.Hash, len(hs))
	for i := range hs {
		hashes[i] = hs[i].Hash()
	}
	return w.names(hashes)
}

// describe says in one line what an event or an action is.
func (w *world) describe(x any) string {
	switch x := x.(type) {
	case Connected:
		return fmt.Sprintf("connected %d: tip %s", x.Peer, w.name(x.Tip))
	case Gone:
		return fmt.Sprintf("gone %d", x.Peer)
	case Headers:
		return fmt.Sprintf("headers %d #%d: %s", x.Peer, x.Req, w.headerNames(x.Headers))
	case HeadersFailed:
		return fmt.Sprintf("headers failed %d #%d: %v", x.Peer, x.Req, x.Why)
	case HeadersAdded:
		return fmt.Sprintf("headers added %d: %s %v", x.Peer, w.name(x.Last), x.Verdict)
	case Announced:
		return fmt.Sprintf("announced %d: %s", x.Peer, w.name(x.Header.Hash()))
	case Block:
		return fmt.Sprintf("block %d: %s", x.Peer, w.name(x.Hash))
	case NotHere:
		return fmt.Sprintf("not here %d #%d: %s", x.Peer, x.Req, w.name(x.Hash))
	case BlocksDone:
		return fmt.Sprintf("blocks done %d #%d: %v", x.Peer, x.Req, x.Why)
	case Judged:
		return fmt.Sprintf("judged %d: %s %v", x.Peer, w.name(x.Hash), x.Verdict)
	case AskHeaders:
		return fmt.Sprintf("ask headers %d #%d: after %s", x.Peer, x.Req, w.names(x.Locator))
	case AddHeaders:
		return fmt.Sprintf("add headers %d: %s", x.Peer, w.headerNames(x.Headers))
	case AskBlocks:
		hashes := make([]wire.Hash, len(x.Blocks))
		for i, r := range x.Blocks {
			hashes[i] = r.Hash
		}
		return fmt.Sprintf("ask blocks %d #%d: %s", x.Peer, x.Req, w.names(hashes))
	case Cancel:
		return fmt.Sprintf("cancel %d #%d", x.Peer, x.Req)
	case Penalise:
		return fmt.Sprintf("penalise %d by %d: %s", x.Peer, x.Points, x.Reason)
	case Disconnect:
		return fmt.Sprintf("disconnect %d: %s", x.Peer, x.Reason)
	case Report:
		return fmt.Sprintf("report %v", x.Progress)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", x), "chainsync.")
}
