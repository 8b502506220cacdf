package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// received returns what each node has received so far, in bytes by message.
func (w *World) received() []map[string]uint64 {
	list := make([]map[string]uint64, len(w.Nodes))
	for i, n := range w.Nodes {
		if n.Running() {
			list[i] = n.Totals().Received.ByMessage
		}
	}
	return list
}

// Copies says how often the nodes received a block, as a compact block or whole.
type Copies struct {
	Mean, Most float64
	// Bytes is what a node received in the mean, by message, while the block
	// spread.
	Bytes map[string]float64
}

// copies reckons from the bytes received since before how often nodes received b.
func (w *World) copies(before []map[string]uint64, b *wire.Block) Copies {
	c := Copies{Bytes: make(map[string]float64)}
	// A compact block has at least so many bytes for each transaction but the
	// coinbase, which is whole.
	compact := float64(90 + message.MinIDSize*(len(b.Txs)-1) + b.Txs[0].Size())
	whole := float64(b.Size())
	for i, after := range w.received() {
		var got [2]float64
		for name, bytes := range after {
			bytes -= before[i][name]
			if bytes == 0 {
				continue
			}
			c.Bytes[name] += float64(bytes) / float64(len(w.Nodes))
			switch name {
			case "compact":
				got[0] += float64(bytes)
			case "blocks":
				got[1] += float64(bytes)
			}
		}
		copies := got[0]/compact + got[1]/whole
		c.Mean += copies / float64(len(w.Nodes))
		c.Most = max(c.Most, copies)
	}
	return c
}

// String shows the copies and the bytes.
func (c Copies) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "mean %.1f, most %.1f; bytes received by a node:", c.Mean, c.Most)
	for _, name := range slices.Sorted(maps.Keys(c.Bytes)) {
		fmt.Fprintf(&s, " %s %.0f", name, c.Bytes[name])
	}
	return s.String()
}
