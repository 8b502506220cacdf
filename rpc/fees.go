package rpc

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/mempool/fees"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// feeModes are the ways to estimate fees; the default one is feeModes[1].
var feeModes = [...]string{"unset", "economical", "conservative"}

func feeMethods() []method {
	bucket := func(key, help string) result {
		return maybe(rObject(key, help,
			rNumber("startrange", "where the range begins, in satoshi per 1000 virtual bytes"),
			rNumber("endrange", "where it ends"),
			rNumber("withintarget", "how many transactions in it were confirmed within the target; like all of these a sum in which older ones count less"),
			rNumber("totalconfirmed", "how many were confirmed at all"),
			rNumber("inmempool", "how many wait for longer"),
			rNumber("leftmempool", "how many have left the pool unconfirmed after that time")))
	}
	horizon := func(key string) result {
		return maybe(rObject(key, "the horizon, if it sees the target",
			maybe(rAmount("feerate", "the estimate, in coins per 1000 virtual bytes")),
			rNumber("decay", "by how much what was seen counts less with each block"),
			rNumber("scale", "at how many blocks a time it looks"),
			bucket("pass", "the cheapest range in which enough were confirmed in time"),
			bucket("fail", "the dearest range in which not enough were"),
			maybe(rArray("errors", "why there is no estimate", rString("", "an error")))))
	}
	return []method{
		{
			name: "estimatesmartfee", category: "util", run: estimatesmartfee,
			help: "The fee rate at which a transaction should be confirmed within a number of blocks, as learnt from transactions that came and were mined. " +
				"As long as too few were seen to tell, which is so at first and on quiet networks, the answer is twice the least that gets into the pool, or, if the pool has more than fits " +
				"into that many blocks, a little more than the first transaction pays for which there is no room.",
			params: []param{
				need("conf_target", tNumber, fmt.Sprintf("Within how many blocks (1 - %d)", fees.MaxTarget)),
				may("estimate_mode", tString, `"`+feeModes[1]+`"`, `How cautious to be, one of: "`+strings.Join(feeModes[:], `", "`)+`"`),
			},
			results: one(rObject("", "",
				rAmount("feerate", "the fee rate, in coins per 1000 virtual bytes; not below what gets into the pool"),
				rNumber("blocks", "the number of blocks that this is for: less than conf_target where not enough blocks were seen for it"))),
			examples: []string{"6"},
		},
		{
			name: "estimaterawfee", category: "hidden", run: estimaterawfee,
			help: "WARNING: This interface is unstable and may disappear or change!\n\nWARNING: This is an advanced API call that is tightly coupled to the way in which fees are estimated.\n\n" +
				"The fee rate at which a share of transactions was confirmed within a number of blocks, for each horizon that sees that far.",
			params: []param{
				need("conf_target", tNumber, fmt.Sprintf("Within how many blocks (1 - %d)", fees.MaxTarget)),
				may("threshold", tNumber, "0.95", "The share of transactions in a range of fee rates that must have been confirmed in time, 0 to 1"),
			},
			results:  one(rObject("", "", horizon("short"), horizon("medium"), horizon("long"))),
			examples: []string{"6 0.9"},
		},
	}
}

func estimatesmartfee(c *call) (any, error) {
	target := c.confTarget()
	mode := feeModes[1]
	if c.has(1) {
		mode = c.text(1)
	}
	if c.err != nil {
		return nil, c.err
	}
	known := false
	for _, m := range feeModes {
		known = known || strings.EqualFold(m, mode)
	}
	if !known {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, `Invalid estimate_mode parameter, must be one of: "%s"`, strings.Join(feeModes[:], `", "`))
	}
	e := c.Pool.EstimateFee(target, strings.EqualFold(mode, feeModes[2]))
	var o jsonrpc.Object
	o.Add("feerate", wire.Amount(e.Rate))
	o.Add("blocks", e.Within)
	return o, nil
}

// confTarget reads a number of blocks in argument 0.
func (c *call) confTarget() int {
	target := c.int(0, 32)
	if c.err == nil && (target < 1 || target > fees.MaxTarget) {
		c.fail(jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid conf_target, must be between 1 and %d", fees.MaxTarget))
	}
	return int(target)
}

// FeeRate estimates the fee rate, in satoshi per virtual byte, at which a
// transaction is confirmed within a number of blocks, as estimatesmartfee does.
// There is an answer for 1 to fees.MaxTarget blocks.
func (n *Node) FeeRate(blocks int) (rate float64, ok bool) {
	if blocks < 1 || blocks > fees.MaxTarget {
		return 0, false
	}
	return float64(n.Pool.EstimateFee(blocks, false).Rate) / 1000, true
}

func estimaterawfee(c *call) (any, error) {
	target := c.confTarget()
	threshold := 0.95
	if c.has(1) {
		v, ok := c.of(1, jsonrpc.Number)
		if !ok {
			return nil, c.err
		}
		var err error
		if threshold, err = strconv.ParseFloat(v.Text, 64); err != nil || threshold < 0 || threshold > 1 {
			c.fail(jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid threshold"))
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	result := jsonrpc.Object{}
	for _, h := range []fees.Horizon{fees.Short, fees.Medium, fees.Long} {
		if target > h.MaxTarget() {
			continue
		}
		rate, d := c.Pool.RawFee(target, threshold, h)
		var o jsonrpc.Object
		if rate > 0 {
			o.Add("feerate", wire.Amount(rate))
		}
		o.Add("decay", d.Decay)
		o.Add("scale", d.Scale)
		if rate > 0 {
			o.Add("pass", rangeObject(d.Pass))
		}
		if rate == 0 || d.Fail.Start >= 0 {
			o.Add("fail", rangeObject(d.Fail))
		}
		if rate == 0 {
			o.Add("errors", []string{"Insufficient data or no feerate found which meets threshold"})
		}
		result.Add(h.String(), o)
	}
	return result, nil
}

// rangeObject describes a range of fee rates, with two decimals.
func rangeObject(r fees.Range) (o jsonrpc.Object) {
	hundredths := func(x float64) float64 { return math.Round(x*100) / 100 }
	o.Add("startrange", math.Round(r.Start))
	o.Add("endrange", math.Round(r.End))
	o.Add("withintarget", hundredths(r.WithinTarget))
	o.Add("totalconfirmed", hundredths(r.Confirmed))
	o.Add("inmempool", hundredths(r.InMempool))
	o.Add("leftmempool", hundredths(r.LeftMempool))
	return o
}
