package explorer

import (
	"errors"
	"strconv"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/rpc/esplora"
	"github.com/keelson-chain/keelson/wire"
)

const (
	listBlocks = 25
	listTxs    = 25
)

type blocksData struct {
	Blocks       []blockTile
	Newer, Older string // links; empty: there are none
}

func (r *request) blocks() (*page, error) {
	tip := r.n.View.Tip().Height
	from, err := r.number("from", tip, 1<<31)
	if err != nil {
		return nil, err
	}
	if from > tip {
		return nil, notFound("There is no block %d yet; the tip is block %d.", from, tip)
	}
	blocks, err := r.n.View.Blocks(&from, listBlocks)
	if err != nil {
		return nil, err
	}
	d, reorgs := &blocksData{}, r.n.memory.Reorgs()
	for _, b := range blocks {
		d.Blocks = append(d.Blocks, r.tile(b, reorgs))
	}
	if from < tip {
		d.Newer = "/blocks"
		if up := from + listBlocks; up < tip {
			d.Newer = link("/blocks", "from", strconv.Itoa(int(up)))
		}
	}
	if from >= listBlocks {
		d.Older = link("/blocks", "from", strconv.Itoa(int(from-listBlocks)))
	}
	return &page{Title: "Blocks", Name: "blocks", Data: d}, nil
}

type blockData struct {
	blockTile
	Entry         ledger.Entry
	Target        string
	Difficulty    float64
	Confirmations uint32 // 0 off the active chain
	Invalid       bool
	Subsidy       wire.Amount
	Fees          wire.Amount
	HasFees       bool
	Coinbase      string // what can be read of the coinbase's input script
	Txs           []txView
	Missing       string // why there are none
	Start         int
	End           int
	Earlier       string // links; empty: there are none
	Later         string
}

// block shows a block by its hash, or leads from a height to it.
func (r *request) block(id string) (*page, error) {
	if height, err := strconv.ParseUint(id, 10, 32); err == nil && len(id) < 11 {
		h, err := r.n.View.BlockHash(uint32(height))
		if err != nil {
			return nil, notFound("There is no block %d yet; the tip is block %d.", height, r.n.View.Tip().Height)
		}
		return nil, redirect("/block/" + h.String())
	}
	h, err := hash("block hash", id)
	if err != nil {
		return nil, err
	}
	start, err := r.number("start", 0, 1<<31)
	if err != nil {
		return nil, err
	}
	if start%listTxs != 0 {
		return nil, badRequest("start is %d, and must be a multiple of %d.", start, listTxs)
	}
	b, err := r.n.View.Block(h)
	if errors.Is(err, esplora.ErrNotFound) {
		return nil, notFound("This node knows no block %v.", h)
	}
	if err != nil {
		return nil, err
	}
	e, _ := r.n.Ledger.Entry(h)
	d := &blockData{blockTile: r.tile(b, nil), Entry: e, Difficulty: float64(b.Difficulty), Subsidy: consensus.Subsidy(r.s.cfg.Params, b.Height), Start: int(start), Invalid: e.Status.Invalid()}
	if target, err := pow.Bits(b.Bits).Target(); err == nil {
		d.Target = target.String()
	}
	if b.Active {
		d.Confirmations = r.n.View.Tip().Height - min(r.n.View.Tip().Height, b.Height) + 1
	}
	txs, err := r.n.View.BlockTxs(r.Context(), h, start, listTxs)
	switch {
	case errors.Is(err, ledger.ErrPruned):
		d.Missing = "The transactions of this block have been pruned."
	case errors.Is(err, ledger.ErrNoBody):
		d.Missing = "Only the header of this block is known; its transactions never came."
	case err != nil:
		return nil, err
	}
	for i := range txs {
		d.Txs = append(d.Txs, txView{Tx: &txs[i]})
	}
	d.End = d.Start + len(txs)
	if d.Start == 0 && len(txs) > 0 {
		coinbase := &txs[0]
		d.Coinbase = printed(string(coinbase.Vin[0].ScriptSig))
		d.Fees, d.HasFees = max(0, coinbase.OutputValue()-d.Subsidy), true
	}
	if d.Start > 0 {
		d.Earlier = link("/block/"+h.String(), "start", strconv.Itoa(max(0, d.Start-listTxs)))
	}
	if d.End < int(b.TxCount) && len(txs) > 0 {
		d.Later = link("/block/"+h.String(), "start", strconv.Itoa(d.End))
	}
	return &page{Title: "Block " + group(b.Height), Name: "block", Data: d}, nil
}
