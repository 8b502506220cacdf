package rpc

import (
	"errors"
	"strconv"
	"time"

	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script/address"
)

// Plans, as setmining and getmining name them. One that searches is planHashRate
// with a rate and planSearch without one.
const (
	planOff      = "off"
	planInstant  = "instant"
	planInterval = "interval"
	planHashRate = "hashrate"
	planSearch   = "search"
)

// What bounds a plan: in seconds, and in hashes per second.
const (
	minPlanInterval = 0.001
	maxPlanInterval = 86_400
	maxPlanHashRate = 1e15
)

func planMethods() []method {
	return []method{
		{
			name: "setmining", category: "hidden", run: setmining,
			help: "Say when the node mines by itself, until it stops or is told otherwise (regtest).",
			params: []param{{names: "plan", typ: tObject, required: true, help: "The plan. When the call returns, nothing more comes of the one before.", inner: []param{
				{names: "plan", typ: tString, required: true, help: "off; instant: a block as soon as there is a transaction for one; interval: a block every so often; hashrate: proof of work at a rate; search: as fast as minethreads can"},
				{names: "address", typ: tString, help: "Whom to pay; all plans but off need this or a descriptor"},
				{names: "descriptor", typ: tString, help: "Whom to pay, in the place of an address"},
				{names: "interval", typ: tNumber, help: "For interval: how many seconds lie between blocks. For hashrate and search: the least time between two (default=0)"},
				{names: "hashrate", typ: tNumber, help: "For hashrate: how many hashes a second; they come at random times, so that blocks do too"},
			}}},
			results:  one(rNull()),
			examples: []string{`'{"plan":"interval","interval":10,"address":"myaddress"}'`},
		},
		{
			name: "getmining", category: "hidden", run: getmining,
			help: "What the node mines by itself (regtest).",
			results: one(rObject("", "",
				rString("plan", "off, instant, interval, hashrate or search: see setmining"),
				maybe(rString("address", "whom it pays, if that has an address")),
				maybe(rHex("script", "whom it pays")),
				maybe(rNumber("interval", "for interval the seconds between blocks, for hashrate and search the least time, if there is one")),
				maybe(rNumber("hashrate", "for hashrate, the hashes per second")),
				rNumber("hashespersec", "how many hashrate and search made over the last minute"),
				rNumber("found", "blocks that the node has mined since its start"),
				rNumber("stale", "of its plans, those that came too late"))),
			examples: []string{""},
		},
	}
}

func setmining(c *call) (any, error) {
	if !c.s.regtest() {
		return nil, errors.New("setmining is for regression testing (-regtest mode) only")
	}
	plan, err := c.plan(c.params.At(0))
	if err != nil {
		return nil, err
	}
	if c.Miner == nil {
		return nil, errNoMiner
	}
	return nil, c.Miner.SetPlan(c.ctx, plan)
}

// plan reads the object that says what to mine.
func (c *call) plan(v *jsonrpc.Value) (p miner.Plan, err error) {
	invalid := func(format string, args ...any) (miner.Plan, error) {
		return miner.Plan{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, format, args...)
	}
	for i := range v.Len() {
		switch key, want := v.Key(i), jsonrpc.String; key {
		case "interval", "hashrate":
			want = jsonrpc.Number
			fallthrough
		case "plan", "address", "descriptor":
			if member := v.Get(key); member.Kind != want {
				return p, mismatch(member, want)
			}
		default:
			return invalid("Unexpected key %s", key)
		}
	}
	name, rated := v.Get("plan").Text, false
	switch name {
	case planOff:
		if v.Len() > 1 {
			return invalid("Plan off needs nothing else")
		}
		return p, nil
	case planInstant:
		p.Kind = miner.Instant
	case planInterval:
		p.Kind = miner.Interval
	case planHashRate:
		p.Kind, rated = miner.Search, true
	case planSearch:
		p.Kind = miner.Search
	default:
		return invalid("Plan must be off, instant, interval, hashrate or search, not '%s'", name)
	}

	to, hasAddress := v.Lookup("address")
	descriptor, hasDescriptor := v.Lookup("descriptor")
	switch {
	case hasAddress == hasDescriptor:
		return invalid("Plan %s needs an address or a descriptor, and not both", name)
	case hasAddress:
		if p.PkScript, err = address.Decode(&c.s.cfg.Params.Address, to.Text); err != nil {
			return p, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Error: Invalid address")
		}
	default:
		if p.PkScript, err = c.descriptorScript(descriptor.Text); err != nil {
			return p, err
		}
	}

	if interval, ok := v.Lookup("interval"); ok {
		seconds, err := strconv.ParseFloat(interval.Text, 64)
		if err != nil || seconds < minPlanInterval || seconds > maxPlanInterval {
			return invalid("Interval must be from %v to %d seconds, not %s", minPlanInterval, maxPlanInterval, interval.Text)
		}
		p.Interval = time.Duration(seconds * float64(time.Second))
	}
	if rate, ok := v.Lookup("hashrate"); ok {
		p.HashRate, err = strconv.ParseFloat(rate.Text, 64)
		if err != nil || p.HashRate <= 0 || p.HashRate > maxPlanHashRate {
			return invalid("Hash rate must be more than 0 and at most %d, not %s", int64(maxPlanHashRate), rate.Text)
		}
	}
	switch {
	case p.Kind == miner.Interval && p.Interval == 0:
		return invalid("Plan interval needs an interval")
	case p.Kind == miner.Instant && p.Interval != 0:
		return invalid("Plan instant has no interval")
	case rated && p.HashRate == 0:
		return invalid("Plan hashrate needs a hashrate")
	case !rated && p.HashRate != 0:
		return invalid("Plan %s has no hashrate", name)
	}
	return p, nil
}

func getmining(c *call) (any, error) {
	if !c.s.regtest() {
		return nil, errors.New("getmining is for regression testing (-regtest mode) only")
	}
	if c.Miner == nil {
		return nil, errNoMiner
	}
	p, stats := c.Miner.Plan(), c.Miner.Stats()
	name := [...]string{miner.Off: planOff, miner.Instant: planInstant, miner.Interval: planInterval, miner.Search: planSearch}[p.Kind]
	if p.HashRate > 0 {
		name = planHashRate
	}
	var o jsonrpc.Object
	o.Add("plan", name)
	if p.Kind != miner.Off {
		if text, ok := address.Encode(&c.s.cfg.Params.Address, p.PkScript); ok {
			o.Add("address", text)
		}
		o.Add("script", jsonrpc.Hex(p.PkScript))
	}
	if p.Interval > 0 {
		o.Add("interval", p.Interval.Seconds())
	}
	if p.HashRate > 0 {
		o.Add("hashrate", p.HashRate)
	}
	o.Add("hashespersec", stats.HashRate)
	o.Add("found", stats.Found)
	o.Add("stale", stats.Stale)
	return o, nil
}
