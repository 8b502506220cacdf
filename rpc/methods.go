package rpc

import (
	"slices"
	"sync"
)

// methods is the table of all methods by name.
var methods = sync.OnceValue(func() map[string]*method {
	rows := slices.Concat(
		controlMethods(),
		testMethods(),
		stateMethods(),
		chainMethods(),
		blockMethods(),
		statsMethods(),
		coinMethods(),
		filterMethods(),
		scanMethods(),
		proofMethods(),
		waitMethods(),
		dumpMethods(),
		assumeMethods(),
		poolMethods(),
		priorityMethods(),
		sendMethods(),
		packageMethods(),
		feeMethods(),
		choiceMethods(),
		miningMethods(),
		planMethods(),
		templateMethods(),
		submitMethods(),
		rawMethods(),
		signMethods(),
		psbtMethods(),
		utilMethods(),
		descriptorMethods(),
		multisigMethods(),
		messageMethods(),
		networkMethods(),
		peerMethods(),
		banMethods(),
		addressMethods(),
		notificationMethods(),
	)
	table := make(map[string]*method, len(rows))
	for i := range rows {
		table[rows[i].name] = &rows[i]
	}
	return table
})

// The functions below write rows of parameters and results briefly.

func need(names string, t typ, help string) param {
	return param{names: names, typ: t, required: true, help: help}
}

// may is a parameter with a default, given as JSON.
func may(names string, t typ, def, help string) param {
	return param{names: names, typ: t, def: def, help: help}
}

func rString(key, help string) result { return result{key: key, typ: tString, help: help} }
func rHex(key, help string) result    { return result{key: key, typ: tHex, help: help} }
func rNumber(key, help string) result { return result{key: key, typ: tNumber, help: help} }
func rTime(key, help string) result {
	return result{key: key, typ: tTime, help: help + " (seconds since 1970)"}
}
func rAmount(key, help string) result { return result{key: key, typ: tAmount, help: help} }
func rBool(key, help string) result   { return result{key: key, typ: tBool, help: help} }
func rNull() result                   { return result{typ: tNull} }

func rObject(key, help string, inner ...result) result {
	return result{key: key, typ: tObject, help: help, inner: inner}
}

func rMap(key, help string, inner result) result {
	return result{key: key, typ: tMap, help: help, inner: []result{inner}}
}

func rArray(key, help string, inner ...result) result {
	return result{key: key, typ: tArray, help: help, inner: inner}
}

// maybe marks a result as one that is not always there.
func maybe(r result) result { r.optional = true; return r }

// when gives a result its condition.
func when(condition string, r result) result { r.when = condition; return r }

func one(r result) []result { return []result{r} }

var rWarnings = rArray("warnings", "what the operator should know; with deprecatedrpc=warnings one text", rString("", "a warning"))
