package explorer

import (
	"cmp"
	"slices"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/rpc/esplora"
	"github.com/keelson-chain/keelson/wire"
)

const (
	homeBlocks = 8   // of the strip
	homeReorgs = 3   // reorganisations that are drawn
	homeTxs    = 8   // transactions that came last
	plotBlocks = 144 // of the plots
	rateWindow = 12  // blocks over which the hash rate is reckoned
)

// homeData is what the first page shows.
type homeData struct {
	Tip         blockTile
	Strip       []blockTile // the highest first
	Pool        poolSummary
	Arrivals    []arrival
	HashRate    plot
	Difficulty  plot
	Reorgs      []drawnReorg
	ReorgsSeen  int
	Faucet      string
	Downloading bool
	Headers     uint32 // height of the best header
	ChainTxs    uint64
	Peers       int
	HasPeers    bool
}

// blockTile is a block in a row of them.
type blockTile struct {
	esplora.Block
	Full  int           // percent of the weight that a block may have
	Stale []branchBlock // blocks of its height that have left the chain
}

func (r *request) home() (*page, error) {
	tip := r.n.View.Tip()
	blocks, err := r.n.View.Blocks(nil, homeBlocks)
	if err != nil {
		return nil, err
	}
	d := &homeData{
		Pool:        r.poolSummary(),
		Arrivals:    r.n.memory.Arrivals(),
		Faucet:      r.s.cfg.Faucet,
		Downloading: r.n.Ledger.InitialDownload(),
		Headers:     r.n.Ledger.BestHeader().Ref.Height,
	}
	d.Arrivals = d.Arrivals[:min(len(d.Arrivals), homeTxs)]
	reorgs := r.n.memory.Reorgs()
	d.ReorgsSeen = len(reorgs)
	for _, re := range reorgs[:min(len(reorgs), homeReorgs)] {
		d.Reorgs = append(d.Reorgs, draw(re))
	}
	for _, b := range blocks {
		d.Strip = append(d.Strip, r.tile(b, reorgs))
	}
	d.Tip = d.Strip[0]
	if e, ok := r.n.Ledger.Entry(tip.Hash); ok {
		d.ChainTxs = e.ChainTxCount
	}
	if r.n.Network != nil {
		local := r.n.Network.Local()
		d.Peers, d.HasPeers = local.In+local.Out, true
	}
	d.HashRate, d.Difficulty = plots(r.n.Ledger, tip)
	return &page{Title: "Overview", Name: "home", Data: d}, nil
}

// tile describes a block of the active chain.
func (r *request) tile(b esplora.Block, reorgs []reorg) blockTile {
	t := blockTile{Block: b, Full: int(100*share(b.Weight, r.s.cfg.Params.MaxBlockWeight) + 0.5)}
	for _, re := range reorgs {
		for _, old := range re.Old {
			known := slices.ContainsFunc(t.Stale, func(s branchBlock) bool { return s.Hash == old.Hash })
			if old.Height == b.Height && old.Hash != b.ID && !known && len(t.Stale) < 3 {
				t.Stale = append(t.Stale, old)
			}
		}
	}
	return t
}

// plots are those of the hash rate and the difficulty of the last blocks.
func plots(l *ledger.Ledger, tip wire.BlockRef) (rate, difficulty plot) {
	low := tip.Height - min(tip.Height, plotBlocks+rateWindow)
	entries := make([]ledger.Entry, 0, plotBlocks+rateWindow+1)
	for at := tip.Hash; ; {
		e, ok := l.Entry(at)
		if !ok {
			break
		}
		entries = append(entries, e)
		if e.Ref.Height <= low {
			break
		}
		at = e.Header.PrevBlock
	}
	slices.Reverse(entries)
	var rates, difficulties []point
	for i, e := range entries {
		if len(entries)-i > plotBlocks {
			continue
		}
		difficulties = append(difficulties, point{e.Ref.Height, pow.Bits(e.Header.Bits).Difficulty()})
		from := entries[max(0, i-rateWindow)]
		if seconds := int64(e.Header.Time) - int64(from.Header.Time); seconds > 0 {
			rates = append(rates, point{e.Ref.Height, e.Work.Sub(from.Work).Float64() / float64(seconds)})
		}
	}
	return newPlot(rates, func(f float64) string { return si(f) + "H/s" }), newPlot(difficulties, plainNumber)
}

// poolSummary is what there is to say about the pool as a whole.
type poolSummary struct {
	mempool.Stats
	MinRate float64 // in satoshi per virtual byte
	Bands   []feeBand
	// Partial: the bands count the last transactions only.
	Partial bool
	Memory  int // percent of what the pool may take
}

// feeBand counts transactions by their fee rate, in satoshi per virtual byte.
type feeBand struct {
	From, To float64 // To: 0 for the last one
	Txs      int
	VSize    int64
	Percent  int // of the fullest band, rounded up
}

var bandBounds = []float64{0, 2, 5, 10, 20, 50, 100, 200, 500}

func (r *request) poolSummary() poolSummary {
	p := poolSummary{Stats: r.n.Pool.Stats()}
	p.MinRate = float64(p.MinFee) / 1000
	p.Memory = int(100*share(int(p.Usage>>10), int(p.MaxUsage>>10)) + 0.5)
	var list []mempool.Arrival
	list, _, p.Partial = r.n.Pool.ArrivalsSince(0, nil)
	p.Partial = p.Partial && len(list) < p.Count
	for i, from := range bandBounds {
		b := feeBand{From: from}
		if i+1 < len(bandBounds) {
			b.To = bandBounds[i+1]
		}
		p.Bands = append(p.Bands, b)
	}
	for _, a := range list {
		rate := float64(a.Fee) / float64(max(1, a.VSize))
		i, found := slices.BinarySearch(bandBounds, max(0, rate))
		if !found {
			i--
		}
		p.Bands[i].Txs++
		p.Bands[i].VSize += int64(a.VSize)
	}
	fullest := slices.MaxFunc(p.Bands, func(a, b feeBand) int { return cmp.Compare(a.VSize, b.VSize) }).VSize
	for i := range p.Bands {
		if b := &p.Bands[i]; b.VSize > 0 {
			b.Percent = max(1, int(100*b.VSize/fullest))
		}
	}
	return p
}
