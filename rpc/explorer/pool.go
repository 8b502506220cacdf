package explorer

import (
	"strconv"

	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/wire"
)

const listPool = 50

type poolData struct {
	Summary    poolSummary
	Txs        []mempool.Info
	Blocks     string // in how many blocks they have room
	Start, End int
	Total      int
	Earlier    string // links; empty: there are none
	Later      string
	Arrivals   []arrival
}

// pool shows the pool, the transactions that a miner would take first at the top
// of those with as many ancestors.
func (r *request) pool() (*page, error) {
	start, err := r.number("start", 0, 1<<31)
	if err != nil {
		return nil, err
	}
	ids, _ := r.n.Pool.TxIDs()
	d := &poolData{Summary: r.poolSummary(), Start: int(start), Total: len(ids), Arrivals: r.n.memory.Arrivals()}
	if most := int64(r.s.cfg.Params.MaxBlockWeight / wire.WitnessScaleFactor); most > 0 {
		d.Blocks = "room in " + plural((d.Summary.Bytes+most-1)/most, "block")
	}
	if d.Start > 0 && d.Start >= len(ids) {
		return nil, notFound("There are only %s in the pool.", plural(len(ids), "transaction"))
	}
	d.End = min(len(ids), d.Start+listPool)
	for _, id := range ids[d.Start:d.End] {
		if info, ok := r.n.Pool.Info(id); ok { // it may have just left
			d.Txs = append(d.Txs, info)
		}
	}
	if d.Start > 0 {
		d.Earlier = link("/pool", "start", strconv.Itoa(max(0, d.Start-listPool)))
	}
	if d.End < d.Total {
		d.Later = link("/pool", "start", strconv.Itoa(d.End))
	}
	return &page{Title: "Pool", Name: "pool", Data: d}, nil
}
