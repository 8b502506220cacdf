package rpc

import (
	"fmt"
	"strings"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// maxFeeTarget is the most blocks ahead that fees are estimated for: a week.
const maxFeeTarget = 1008

// feeModes are the ways to estimate fees; the default one is feeModes[1].
var feeModes = [...]string{"unset", "economical", "conservative"}

func feeMethods() []method {
	return []method{
		{
			name: "estimatesmartfee", category: "util", run: estimatesmartfee,
			help: "The fee rate at which a transaction should be confirmed within a number of blocks. The node does not observe fees yet and has no estimate.",
			params: []param{
				need("conf_target", tNumber, fmt.Sprintf("Within how many blocks (1 - %d)", maxFeeTarget)),
				may("estimate_mode", tString, `"`+feeModes[1]+`"`, `How cautious to be, one of: "`+strings.Join(feeModes[:], `", "`)+`"`),
			},
			results: one(rObject("", "",
				maybe(rAmount("feerate", "the fee rate, in coins per 1000 virtual bytes; only if there is an estimate")),
				maybe(rArray("errors", "why there is none", rString("", "an error"))),
				rNumber("blocks", "the number of blocks that the estimate is for, or that there could be one for"))),
			examples: []string{"6"},
		},
	}
}

func estimatesmartfee(c *call) (any, error) {
	target := c.int(0, 32)
	if c.err == nil && (target < 1 || target > maxFeeTarget) {
		c.fail(jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid conf_target, must be between 1 and %d", maxFeeTarget))
	}
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
	// As Core without observations: none is possible, whatever the target.
	var o jsonrpc.Object
	o.Add("errors", []string{"Insufficient data or no feerate found"})
	o.Add("blocks", 0)
	return o, nil
}
