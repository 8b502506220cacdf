package rpc

import (
	"cmp"
	"errors"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

func statsMethods() []method {
	n := func(key, help string) result { return maybe(rNumber(key, help)) }
	return []method{
		{
			name: "getblockstats", category: "blockchain", run: getblockstats,
			help: "Statistics of one block. Amounts are in satoshi. The block and its undo record must not be pruned.",
			params: []param{
				{names: "hash_or_height", typ: tNumber, required: true, anyType: true, typeText: "string or numeric", help: "The block, by its hash or by its height"},
				{names: "stats", typ: tArray, def: "all values", hint: true, oneLine: "stats", help: "Which of the values below to return",
					inner: []param{{names: "height", typ: tString, help: "a name"}, {names: "time", typ: tString, help: "a name"}}},
			},
			results: one(rObject("", "",
				n("avgfee", "average fee"),
				n("avgfeerate", "average fee rate, in satoshi per virtual byte"),
				n("avgtxsize", "average size of a transaction"),
				maybe(rHex("blockhash", "the block")),
				maybe(result{key: "feerate_percentiles", typ: tFixed, help: "fee rates, in satoshi per virtual byte, below which a share of the block's weight pays", inner: []result{
					rNumber("10th_percentile_feerate", "a tenth"),
					rNumber("25th_percentile_feerate", "a quarter"),
					rNumber("50th_percentile_feerate", "half"),
					rNumber("75th_percentile_feerate", "three quarters"),
					rNumber("90th_percentile_feerate", "nine tenths")}}),
				n("height", "its height"),
				n("ins", "inputs, without the coinbase's"),
				n("maxfee", "largest fee"),
				n("maxfeerate", "largest fee rate"),
				n("maxtxsize", "largest transaction"),
				n("medianfee", "median fee, rounded down"),
				n("mediantime", "median time past"),
				n("mediantxsize", "median size of a transaction, rounded down"),
				n("minfee", "smallest fee"),
				n("minfeerate", "smallest fee rate"),
				n("mintxsize", "smallest transaction"),
				n("outs", "outputs"),
				n("subsidy", "new money"),
				n("swtotal_size", "size of the transactions with witnesses"),
				n("swtotal_weight", "their weight"),
				n("swtxs", "their number"),
				n("time", "its time"),
				n("total_out", "sum of the outputs, without the coinbase's"),
				n("total_size", "size of all transactions but the coinbase"),
				n("total_weight", "their weight"),
				n("totalfee", "sum of the fees"),
				n("txs", "transactions"),
				n("utxo_increase", "outputs minus inputs"),
				n("utxo_size_inc", "by how many bytes that changes the set of unspent outputs"),
				n("utxo_increase_actual", "the same without outputs that can never be spent"),
				n("utxo_size_inc_actual", "the same without outputs that can never be spent"))),
			examples: []string{`1000 '["minfeerate","avgfeerate"]'`, "'" + exampleHash + "'"},
		},
		{
			name: "getchaintxstats", category: "blockchain", run: getchaintxstats,
			help: "The number and the rate of transactions in a stretch of the chain.",
			params: []param{
				{names: "nblocks", typ: tNumber, def: "one month", hint: true, help: "The stretch's length in blocks"},
				{names: "blockhash", typ: tHex, def: "chain tip", hint: true, help: "The stretch's last block"},
			},
			results: one(rObject("", "",
				rTime("time", "the last block's time"),
				n("txcount", "transactions in the chain up to it"),
				rHex("window_final_block_hash", "the last block"),
				rNumber("window_final_block_height", "its height"),
				rNumber("window_block_count", "the stretch's length"),
				n("window_interval", "its duration in seconds, by median times; only if it is not empty"),
				n("window_tx_count", "transactions in it; only if it is not empty"),
				n("txrate", "transactions per second; only if the duration is not zero"))),
			examples: []string{"", "2016"},
		},
	}
}

// hashOrHeight finds the block that argument i names either way.
func (c *call) hashOrHeight(i int) (ledger.Entry, error) {
	if c.params.At(i).Kind != jsonrpc.Number {
		return c.entry(i, "hash_or_height")
	}
	height := c.int(i, 32)
	if c.err != nil {
		return ledger.Entry{}, c.err
	}
	if height < 0 {
		return ledger.Entry{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Target block height %d is negative", height)
	}
	e, ok := c.Ledger.EntryAt(uint32(height))
	if !ok {
		return e, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Target block height %d after current tip %d", height, c.Ledger.Tip().Tip.Height)
	}
	return e, nil
}

func getblockstats(c *call) (any, error) {
	e, err := c.hashOrHeight(0)
	names := c.texts(1)
	if err == nil {
		err = c.err
	}
	if err != nil {
		return nil, err
	}
	b, err := c.Ledger.Block(e.Ref.Hash)
	if err != nil {
		return nil, bodyError(err, "Block")
	}
	var spent []consensus.Coin
	if e.Ref.Height > 0 {
		if spent, err = c.Ledger.Spent(e.Ref.Hash); err != nil {
			return nil, bodyError(err, "Undo data")
		}
	}
	all := blockStats(c.s.cfg.Params, e, b, spent)
	if len(names) == 0 {
		return all, nil
	}
	// As in Core the names are a set, and its order is the alphabet's.
	slices.Sort(names)
	var o jsonrpc.Object
	for _, name := range slices.Compact(names) {
		i := slices.IndexFunc(all, func(m jsonrpc.Member) bool { return m.Key == name })
		if i < 0 {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid selected statistic '%s'", name)
		}
		o = append(o, all[i])
	}
	return o, nil
}

// utxoOverhead is what getblockstats counts for each unspent output besides the
// output itself: outpoint, height and whether it is a coinbase's, in bytes.
const utxoOverhead = 36 + 4 + 1

// feeRate is a transaction's fee rate, in satoshi per virtual byte rounded
// down, and weight.
type feeRate struct {
	rate   wire.Amount
	weight int64
}

// spread keeps the values that minimum, maximum and median are taken of.
type spread[T cmp.Ordered] []T

func (s spread[T]) min() (least T) {
	if len(s) > 0 {
		least = slices.Min(s)
	}
	return least
}

func (s spread[T]) max() (most T) {
	if len(s) > 0 {
		most = slices.Max(s)
	}
	return most
}

// median returns the middle value, or the middle between the two in the
// middle, rounded down.
func median[T ~int64](s spread[T]) T {
	n := len(s)
	if n == 0 {
		return 0
	}
	slices.Sort(s)
	if n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[n/2]
}

// blockStats computes everything that getblockstats knows. spent are the coins
// that the block spends, in order.
func blockStats(p *consensus.Params, e ledger.Entry, b *wire.Block, spent []consensus.Coin) jsonrpc.Object {
	const rateFactor = wire.WitnessScaleFactor
	var (
		fees, rates                         spread[wire.Amount]
		sizes                               spread[int64]
		byRate                              []feeRate
		totalOut, totalFee                  wire.Amount
		inputs, outputs, unspent            int64
		totalSize, totalWeight              int64
		segwitTxs, segwitSize, segwitWeight int64
		setSize, setSizeActual              int64
	)
	// What the genesis block creates, and a coinbase that overwrites an equal
	// one, never enters the set of unspent outputs.
	uncounted := e.Ref.Height == 0
	repeats := p.BIP30Exceptions[e.Ref.Hash]
	for i, tx := range b.Txs {
		var out wire.Amount
		outputs += int64(len(tx.Outputs))
		for j := range tx.Outputs {
			o := &tx.Outputs[j]
			out += o.Value
			size := int64(outputSize(o)) + utxoOverhead
			setSize += size
			if uncounted || repeats && i == 0 || script.IsUnspendable(o.PkScript) {
				continue
			}
			unspent++
			setSizeActual += size
		}
		if i == 0 {
			continue // the coinbase counts for nothing further
		}
		inputs += int64(len(tx.Inputs))
		totalOut += out

		size, weight := int64(tx.Size()), int64(tx.Weight())
		sizes = append(sizes, size)
		totalSize += size
		totalWeight += weight
		if tx.HasWitness() {
			segwitTxs++
			segwitSize += size
			segwitWeight += weight
		}

		var in wire.Amount
		for j := range spent[:len(tx.Inputs)] {
			o := &spent[j].Out
			in += o.Value
			size := int64(outputSize(o)) + utxoOverhead
			setSize -= size
			setSizeActual -= size
		}
		spent = spent[len(tx.Inputs):]
		fee := in - out
		rate := fee * rateFactor / wire.Amount(weight)
		fees = append(fees, fee)
		rates = append(rates, rate)
		byRate = append(byRate, feeRate{rate, weight})
		totalFee += fee
	}

	txs := int64(len(b.Txs))
	var avgFee, avgRate, avgSize int64
	if txs > 1 {
		avgFee = int64(totalFee) / (txs - 1)
		avgRate = int64(totalFee) * rateFactor / totalWeight
		avgSize = totalSize / (txs - 1)
	}
	var percentiles []any
	for _, rate := range ratePercentiles(byRate, totalWeight) {
		percentiles = append(percentiles, int64(rate))
	}
	var o jsonrpc.Object
	o.Add("avgfee", avgFee)
	o.Add("avgfeerate", avgRate)
	o.Add("avgtxsize", avgSize)
	o.Add("blockhash", e.Ref.Hash)
	o.Add("feerate_percentiles", percentiles)
	o.Add("height", e.Ref.Height)
	o.Add("ins", inputs)
	o.Add("maxfee", int64(fees.max()))
	o.Add("maxfeerate", int64(rates.max()))
	o.Add("maxtxsize", sizes.max())
	o.Add("medianfee", int64(median(fees)))
	o.Add("mediantime", e.MTP)
	o.Add("mediantxsize", median(sizes))
	o.Add("minfee", int64(fees.min()))
	o.Add("minfeerate", int64(rates.min()))
	o.Add("mintxsize", sizes.min())
	o.Add("outs", outputs)
	o.Add("subsidy", int64(consensus.Subsidy(p, e.Ref.Height)))
	o.Add("swtotal_size", segwitSize)
	o.Add("swtotal_weight", segwitWeight)
	o.Add("swtxs", segwitTxs)
	o.Add("time", e.Header.Time)
	o.Add("total_out", int64(totalOut))
	o.Add("total_size", totalSize)
	o.Add("total_weight", totalWeight)
	o.Add("totalfee", int64(totalFee))
	o.Add("txs", txs)
	o.Add("utxo_increase", outputs-inputs)
	o.Add("utxo_size_inc", setSize)
	o.Add("utxo_increase_actual", unspent-inputs)
	o.Add("utxo_size_inc_actual", setSizeActual)
	return o
}

// ratePercentiles returns the fee rates at which 10, 25, 50, 75 and 90 percent
// of the weight have been counted, cheapest first.
func ratePercentiles(list []feeRate, total int64) (rates [5]wire.Amount) {
	if len(list) == 0 {
		return rates
	}
	slices.SortFunc(list, func(a, b feeRate) int {
		return cmp.Or(cmp.Compare(a.rate, b.rate), cmp.Compare(a.weight, b.weight))
	})
	weight := float64(total)
	marks := [5]float64{weight / 10, weight / 4, weight / 2, weight * 3 / 4, weight * 9 / 10}
	next, counted := 0, int64(0)
	for _, r := range list {
		counted += r.weight
		for next < len(marks) && float64(counted) >= marks[next] {
			rates[next] = r.rate
			next++
		}
	}
	for ; next < len(marks); next++ {
		rates[next] = list[len(list)-1].rate
	}
	return rates
}

// outputSize returns the length of an encoded output in bytes.
func outputSize(o *wire.TxOut) int {
	n := len(o.PkScript)
	return 8 + wire.CompactSizeLen(uint64(n)) + n
}

func getchaintxstats(c *call) (any, error) {
	const month = 30 * 24 * 60 * 60
	_, last, err := c.tip()
	if err != nil {
		return nil, err
	}
	if c.has(1) {
		if last, err = c.entry(1, "blockhash"); err != nil {
			return nil, err
		}
		if !last.Active {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Block is not in main chain")
		}
	}
	height := int64(last.Ref.Height)
	count := max(0, min(month/max(1, c.s.cfg.Params.Spacing), height-1))
	if c.has(0) {
		count = c.int(0, 32)
		if c.err != nil {
			return nil, c.err
		}
		if count < 0 || count > 0 && count >= height {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid block count: should be between 0 and the block's height - 1")
		}
	}
	first, ok := c.Ledger.Ancestor(last.Ref.Hash, uint32(height-count))
	if !ok {
		return nil, errors.New("the stretch's first block is not known")
	}
	seconds := int64(last.MTP) - int64(first.MTP)
	var o jsonrpc.Object
	o.Add("time", last.Header.Time)
	if last.ChainTxCount != 0 {
		o.Add("txcount", last.ChainTxCount)
	}
	o.Add("window_final_block_hash", last.Ref.Hash)
	o.Add("window_final_block_height", height)
	o.Add("window_block_count", count)
	if count > 0 {
		o.Add("window_interval", seconds)
		if last.ChainTxCount != 0 && first.ChainTxCount != 0 {
			txs := last.ChainTxCount - first.ChainTxCount
			o.Add("window_tx_count", txs)
			if seconds > 0 {
				o.Add("txrate", float64(txs)/float64(seconds))
			}
		}
	}
	return o, nil
}
