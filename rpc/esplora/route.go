package esplora

import (
	"encoding/hex"
	"math"
	"net/http"
	"strconv"

	"github.com/keelson-chain/keelson/wire"
)

// routes is the table of all that the Handler answers.
func (h *handler) routes() *http.ServeMux {
	v, mux := h.v, http.NewServeMux()
	route := func(pattern string, f func(r *http.Request) (answer, error)) { mux.Handle(pattern, h.serve(f)) }
	// page is route for a path whose last part may be missing or empty.
	page := func(pattern, last string, f func(r *http.Request) (answer, error)) {
		route(pattern, f)
		route(pattern+"/{$}", f)
		route(pattern+"/{"+last+"}", f)
	}

	route("GET /blocks/tip/hash", func(*http.Request) (answer, error) { return textAnswer(v.Tip().Hash.String()) })
	route("GET /blocks/tip/height", func(*http.Request) (answer, error) { return textAnswer(decimal(v.Tip().Height)) })
	page("GET /blocks", "height", func(r *http.Request) (answer, error) {
		from, given, err := height(r)
		if err != nil {
			return answer{}, err
		}
		if !given {
			return jsonAnswer(v.Blocks(nil, MaxBlocks))
		}
		return jsonAnswer(v.Blocks(&from, MaxBlocks))
	})
	route("GET /block-height/{height}", func(r *http.Request) (answer, error) {
		at, _, err := height(r)
		if err != nil {
			return answer{}, err
		}
		hash, err := v.BlockHash(at)
		if err != nil {
			return answer{}, err
		}
		return textAnswer(hash.String())
	})

	byBlock := func(f func(hash wire.Hash, r *http.Request) (answer, error)) func(*http.Request) (answer, error) {
		return byHash("hash", f)
	}
	route("GET /block/{hash}", byBlock(func(hash wire.Hash, _ *http.Request) (answer, error) {
		return forever(jsonAnswer(v.Block(hash)))
	}))
	route("GET /block/{hash}/status", byBlock(func(hash wire.Hash, _ *http.Request) (answer, error) {
		return jsonAnswer(v.BlockStatus(hash), nil)
	}))
	route("GET /block/{hash}/header", byBlock(func(hash wire.Hash, _ *http.Request) (answer, error) {
		header, err := v.Header(hash)
		return answer{kind: kindText, body: hex.AppendEncode(nil, header.Append(nil)), keep: true}, err
	}))
	route("GET /block/{hash}/raw", byBlock(func(hash wire.Hash, _ *http.Request) (answer, error) {
		raw, err := v.RawBlock(hash)
		return answer{kind: kindBinary, body: raw, keep: true}, err
	}))
	route("GET /block/{hash}/txids", byBlock(func(hash wire.Hash, _ *http.Request) (answer, error) {
		return forever(jsonAnswer(v.BlockTxIDs(hash)))
	}))
	route("GET /block/{hash}/txid/{index}", byBlock(func(hash wire.Hash, r *http.Request) (answer, error) {
		index, err := number(r.PathValue("index"), 64)
		if err != nil {
			return answer{}, err
		}
		ids, err := v.BlockTxIDs(hash)
		if err != nil {
			return answer{}, err
		}
		if index >= uint64(len(ids)) {
			return answer{}, notFound("tx index out of range")
		}
		return forever(textAnswer(ids[index].String()))
	}))
	page("GET /block/{hash}/txs", "start", byBlock(func(hash wire.Hash, r *http.Request) (answer, error) {
		var start uint64
		if text := r.PathValue("start"); text != "" {
			n, err := number(text, 32)
			if err != nil {
				return answer{}, err
			}
			start = n
		}
		return jsonAnswer(v.BlockTxs(r.Context(), hash, uint32(start), MaxChainTxs))
	}))

	byTx := func(pattern string, f func(txid wire.Hash, r *http.Request) (answer, error)) {
		route("GET /tx/{txid}"+pattern, byHash("txid", f))
	}
	byTx("", func(txid wire.Hash, r *http.Request) (answer, error) { return jsonAnswer(v.Tx(r.Context(), txid)) })
	byTx("/status", func(txid wire.Hash, r *http.Request) (answer, error) {
		return jsonAnswer(v.TxStatus(r.Context(), txid))
	})
	byTx("/hex", func(txid wire.Hash, r *http.Request) (answer, error) {
		raw, err := v.RawTx(r.Context(), txid)
		return answer{kind: kindText, body: hex.AppendEncode(nil, raw)}, err
	})
	byTx("/raw", func(txid wire.Hash, r *http.Request) (answer, error) {
		raw, err := v.RawTx(r.Context(), txid)
		return answer{kind: kindBinary, body: raw}, err
	})
	byTx("/merkle-proof", func(txid wire.Hash, r *http.Request) (answer, error) {
		return jsonAnswer(v.MerkleProof(r.Context(), txid))
	})
	byTx("/merkleblock-proof", func(txid wire.Hash, r *http.Request) (answer, error) {
		proof, err := v.MerkleBlock(r.Context(), txid)
		return answer{kind: kindText, body: hex.AppendEncode(nil, proof)}, err
	})
	byTx("/outspend/{vout}", func(txid wire.Hash, r *http.Request) (answer, error) {
		vout, err := number(r.PathValue("vout"), 32)
		if err != nil {
			return answer{}, err
		}
		return jsonAnswer(v.Outspend(r.Context(), wire.OutPoint{TxID: txid, Index: uint32(vout)}))
	})
	byTx("/outspends", func(txid wire.Hash, r *http.Request) (answer, error) {
		return jsonAnswer(v.Outspends(r.Context(), txid))
	})
	route("POST /tx", h.broadcast)

	for _, kind := range []string{"address", "scripthash"} {
		byScript := func(f func(script ScriptHash, r *http.Request) (answer, error)) func(*http.Request) (answer, error) {
			return func(r *http.Request) (answer, error) {
				script, err := v.parseScript(kind, r.PathValue("script"))
				if err != nil {
					return answer{}, err
				}
				return f(script, r)
			}
		}
		base := "GET /" + kind + "/{script}"
		route(base, byScript(func(script ScriptHash, r *http.Request) (answer, error) {
			stats, err := v.ScriptStats(r.Context(), script)
			return jsonAnswer(statsJSON(kind, r.PathValue("script"), stats), err)
		}))
		route(base+"/txs", byScript(func(script ScriptHash, r *http.Request) (answer, error) {
			// No parameter of Blockstream's, but of mempool.space's fork, whose
			// clients would get the first page for ever.
			var after *wire.Hash
			if query := r.URL.Query(); query.Has("after_txid") {
				txid, err := parseHash(query.Get("after_txid"))
				if err != nil {
					return answer{}, err
				}
				after = &txid
			}
			return jsonAnswer(v.ScriptTxs(r.Context(), script, after))
		}))
		page(base+"/txs/chain", "after", byScript(func(script ScriptHash, r *http.Request) (answer, error) {
			var after *wire.Hash
			if text := r.PathValue("after"); text != "" {
				txid, err := parseHash(text)
				if err != nil {
					return answer{}, err
				}
				after = &txid
			}
			return jsonAnswer(v.ChainTxs(r.Context(), script, after, MaxChainTxs))
		}))
		route(base+"/txs/mempool", byScript(func(script ScriptHash, r *http.Request) (answer, error) {
			return jsonAnswer(v.PoolTxs(r.Context(), script, MaxPoolTxs))
		}))
		route(base+"/utxo", byScript(func(script ScriptHash, r *http.Request) (answer, error) {
			return jsonAnswer(v.Coins(r.Context(), script))
		}))
	}

	route("GET /mempool", func(r *http.Request) (answer, error) { return jsonAnswer(v.PoolStats(r.Context())) })
	route("GET /mempool/txids", func(*http.Request) (answer, error) { return jsonAnswer(v.PoolTxIDs(), nil) })
	route("GET /mempool/recent", func(r *http.Request) (answer, error) { return jsonAnswer(v.Recent(r.Context())) })
	route("GET /fee-estimates", func(*http.Request) (answer, error) {
		return answer{kind: kindJSON, body: v.feeEstimates()}, nil
	})

	mux.HandleFunc("OPTIONS /", preflight)
	mux.Handle("/", h.serve(noEndpoint))
	return mux
}

// byHash reads the part of the path that is a block hash or transaction id.
func byHash(part string, f func(hash wire.Hash, r *http.Request) (answer, error)) func(*http.Request) (answer, error) {
	return func(r *http.Request) (answer, error) {
		hash, err := parseHash(r.PathValue(part))
		if err != nil {
			return answer{}, err
		}
		return f(hash, r)
	}
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// parseHash reads a block hash or transaction id.
func parseHash(text string) (wire.Hash, error) {
	hash, err := wire.ParseHash(text)
	if err != nil {
		return hash, badRequest("Invalid hex string")
	}
	return hash, nil
}

func number(text string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0, badRequest("Invalid number")
	}
	return n, nil
}

// height reads the height in a path. One that no chain can have is not found.
func height(r *http.Request) (at uint32, given bool, err error) {
	text := r.PathValue("height")
	if text == "" {
		return 0, false, nil
	}
	n, err := number(text, 64)
	if err == nil && n > math.MaxUint32 {
		err = errNoBlock
	}
	return uint32(n), true, err
}

// parseScript reads the part of a path that names an output script: an address, or
// its SHA-256 in hexadecimal, whose bytes stand as they were hashed.
func (v *View) parseScript(kind, text string) (h ScriptHash, err error) {
	if kind == "address" {
		pkScript, err := v.ParseAddress(text)
		return HashScript(pkScript), err
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, badRequest("Invalid scripthash")
	}
	return ScriptHash(b), nil
}

// statsJSON puts the members of an address or scripthash in electrs's order, which
// is the alphabet's.
func statsJSON(kind, name string, s Stats) any {
	type address struct {
		Address string `json:"address"`
		Chain   Totals `json:"chain_stats"`
		Pool    Totals `json:"mempool_stats"`
	}
	type scriptHash struct {
		Chain  Totals `json:"chain_stats"`
		Pool   Totals `json:"mempool_stats"`
		Script string `json:"scripthash"`
	}
	if kind == "address" {
		return address{name, s.Chain, s.Pool}
	}
	return scriptHash{s.Chain, s.Pool, name}
}

// feeTargets are the numbers of blocks for which electrs tells fee rates.
var feeTargets = [...]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 144, 504, 1008}

// feeEstimates is an object of fee rates by number of blocks, empty where there is
// no estimate.
func (v *View) feeEstimates() []byte {
	b := []byte{'{'}
	for _, target := range feeTargets {
		if v.cfg.FeeRate == nil {
			break
		}
		rate, ok := v.cfg.FeeRate(target)
		if !ok {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(strconv.AppendInt(append(b, '"'), int64(target), 10), `":`...)
		b = appendFloat(b, rate)
	}
	return append(b, '}')
}
