package esplora

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// blockJSON is what is wanted of a block, from its own bytes.
func blockJSON(b *wire.Block, height, median uint32) string {
	previous := `"` + b.Header.PrevBlock.String() + `"`
	if height == 0 {
		previous = "null"
	}
	difficulty := pow.Bits(b.Header.Bits).Difficulty()
	return fmt.Sprintf(`{"id":"%v","height":%d,"version":%d,"timestamp":%d,"tx_count":%d,"size":%d,"weight":%d,"merkle_root":"%v","previousblockhash":%s,"mediantime":%d,"nonce":%d,"bits":%d,"difficulty":%v}`,
		b.Hash(), height, uint32(b.Header.Version), b.Header.Time, len(b.Txs), b.Size(), b.Weight(), b.Header.MerkleRoot, previous, median,
		b.Header.Nonce, b.Header.Bits, strings.Replace(fmt.Sprint(difficulty), "e-0", "e-", 1))
}

// statusJSON is the status of what a block has confirmed.
func statusJSON(b *wire.Block, height uint32) string {
	return fmt.Sprintf(`{"confirmed":true,"block_height":%d,"block_hash":"%v","block_time":%d}`, height, b.Hash(), b.Header.Time)
}

const waitingStatus = `{"confirmed":false}`

// outJSON is what is wanted of an output.
func (n *testNode) outJSON(out *wire.TxOut, kind, asm string) string {
	s := fmt.Sprintf(`{"scriptpubkey":"%x","scriptpubkey_asm":"%s","scriptpubkey_type":"%s"`, out.PkScript, asm, kind)
	if text, ok := address.Encode(&n.cfg.Params.Address, out.PkScript); ok {
		s += fmt.Sprintf(`,"scriptpubkey_address":"%s"`, text)
	}
	return s + fmt.Sprintf(`,"value":%d}`, int64(out.Value))
}

// TestBlockRoutes asks everything about blocks.
func TestBlockRoutes(t *testing.T) {
	n := startTestNode(t, 3, nil)
	b := n.mine(n.pay(0))
	hash := b.Hash().String()
	height := n.Tip().Height
	n.wants("/blocks/tip/hash", hash)
	n.wants("/blocks/tip/height", fmt.Sprint(height))
	n.wants(fmt.Sprintf("/block-height/%d", height), hash)
	n.wants("/block-height/0", n.cfg.Params.GenesisHash.String())
	n.wants("/block/"+hash, blockJSON(b, height, n.chain.State().MedianTimePast()))
	n.wants("/block/"+strings.ToUpper(hash), blockJSON(b, height, n.chain.State().MedianTimePast()))
	n.wants("/block/"+n.cfg.Params.GenesisHash.String(), blockJSON(n.cfg.Params.Genesis, 0, n.cfg.Params.Genesis.Header.Time))
	n.wants("/block/"+hash+"/header", hex.EncodeToString(b.Header.Append(nil)))
	n.wants("/block/"+hash+"/raw", string(b.Bytes()))
	n.wants("/block/"+hash+"/txids", fmt.Sprintf(`["%v","%v"]`, b.Txs[0].TxID(), b.Txs[1].TxID()))
	n.wants("/block/"+hash+"/txid/1", b.Txs[1].TxID().String())
	n.wants("/block/"+hash+"/status", fmt.Sprintf(`{"in_best_chain":true,"height":%d}`, height))
	n.wants("/block/"+b.Header.PrevBlock.String()+"/status", fmt.Sprintf(`{"in_best_chain":true,"height":%d,"next_best":"%s"}`, height-1, hash))
	n.wants("/block/"+strings.Repeat("00", 32)+"/status", `{"in_best_chain":false}`)

	var list []struct {
		ID     string
		Height uint32
	}
	for _, c := range []struct {
		path        string
		first, size uint32
	}{
		{"/blocks", height, 10}, {"/blocks/", height, 10},
		{fmt.Sprintf("/blocks/%d", height-5), height - 5, 10},
		{"/blocks/9", 9, 10}, {"/blocks/8", 8, 9}, {"/blocks/0", 0, 1},
	} {
		if err := json.Unmarshal([]byte(n.get(c.path)), &list); err != nil {
			t.Fatal(err)
		}
		if len(list) != int(c.size) {
			t.Fatalf("%s: %d blocks, want %d", c.path, len(list), c.size)
		}
		for i := range list {
			e, _ := n.ledger.EntryAt(c.first - uint32(i))
			if list[i].Height != e.Ref.Height || list[i].ID != e.Ref.Hash.String() {
				t.Errorf("%s: block %d is %v", c.path, i, list[i])
			}
		}
	}
	txs, err := n.BlockTxs(t.Context(), b.Hash(), 0, MaxChainTxs)
	if err != nil || len(txs) != 2 || !txs[0].IsCoinbase() || txs[0].Vin[0].Prevout != nil || txs[0].Fee != 0 {
		t.Errorf("%+v, %v", txs, err)
	}
	if got := n.get("/block/" + hash + "/txs/"); got != n.get("/block/"+hash+"/txs/0") || !strings.Contains(got, `"prevout":null`) {
		t.Errorf("the page of a block is %s", got)
	}
}

// TestTxJSON has a transaction with every kind of input and output, to the byte.
func TestTxJSON(t *testing.T) {
	n := startTestNode(t, 4, nil)
	trueScript := []byte{byte(script.Op1)}
	wsh := append([]byte{0, 32}, sha256Of(trueScript)...)
	p2sh := func(redeem []byte) []byte {
		h := script.Hash160(redeem)
		return append(append([]byte{byte(script.OpHash160), 20}, h[:]...), byte(script.OpEqual))
	}
	// Outputs whose inputs need no signature, and then one that spends them.
	const each = wire.Coin
	fund := n.pay(0,
		wire.TxOut{Value: each, PkScript: p2sh(trueScript)},
		wire.TxOut{Value: each, PkScript: wsh},
		wire.TxOut{Value: each, PkScript: p2sh(wsh)},
		wire.TxOut{Value: each, PkScript: trueScript},
	)
	n.mine(fund)
	id := fund.TxID()
	in := func(i uint32, sigScript []byte, witness ...[]byte) wire.TxIn {
		return wire.TxIn{PrevOut: wire.OutPoint{TxID: id, Index: i}, SigScript: sigScript, Witness: witness, Sequence: 0xfffffffd - i}
	}
	tx := &wire.Tx{
		Version: 0x80000002,
		Inputs: []wire.TxIn{
			in(0, []byte{1, trueScript[0]}),
			in(1, nil, trueScript),
			in(2, append([]byte{34}, wsh...), trueScript),
			in(3, nil),
		},
		Outputs: []wire.TxOut{
			n.chain.Out(chaingen.P2WPKH, 2, each), n.chain.Out(chaingen.P2TR, 3, each), n.chain.Out(chaingen.P2PKH, 4, each),
			{Value: 0, PkScript: []byte{byte(script.OpReturn), 2, '<', '>'}},
			{Value: each - 1000, PkScript: []byte{0x52, 2, 0x0a, 0x0b}},
		},
		LockTime: 7,
	}
	n.send(tx)
	out := func(i int, kind, asm string) string { return n.outJSON(&tx.Outputs[i], kind, asm) }
	prev := func(i int, kind, asm string) string { return n.outJSON(&fund.Outputs[i], kind, asm) }
	hex20 := func(i, from int) string { return hex.EncodeToString(tx.Outputs[i].PkScript[from:][:20]) }
	shAsm := func(i int) string {
		return "OP_HASH160 OP_PUSHBYTES_20 " + hex.EncodeToString(fund.Outputs[i].PkScript[2:22]) + " OP_EQUAL"
	}
	wshAsm := "OP_0 OP_PUSHBYTES_32 " + hex.EncodeToString(wsh[2:])
	want := fmt.Sprintf(`{"txid":"%v","version":2147483650,"locktime":7,"vin":[`, tx.TxID()) +
		fmt.Sprintf(`{"txid":"%v","vout":0,"prevout":%s,"scriptsig":"0151","scriptsig_asm":"OP_PUSHBYTES_1 51","is_coinbase":false,"sequence":4294967293,"inner_redeemscript_asm":"OP_PUSHNUM_1"},`, id, prev(0, "p2sh", shAsm(0))) +
		fmt.Sprintf(`{"txid":"%v","vout":1,"prevout":%s,"scriptsig":"","scriptsig_asm":"","witness":["51"],"is_coinbase":false,"sequence":4294967292,"inner_witnessscript_asm":"OP_PUSHNUM_1"},`, id, prev(1, "v0_p2wsh", wshAsm)) +
		fmt.Sprintf(`{"txid":"%v","vout":2,"prevout":%s,"scriptsig":"22%x","scriptsig_asm":"OP_PUSHBYTES_34 %x","witness":["51"],"is_coinbase":false,"sequence":4294967291,"inner_redeemscript_asm":"%s","inner_witnessscript_asm":"OP_PUSHNUM_1"},`, id, prev(2, "p2sh", shAsm(2)), wsh, wsh, wshAsm) +
		fmt.Sprintf(`{"txid":"%v","vout":3,"prevout":%s,"scriptsig":"","scriptsig_asm":"","is_coinbase":false,"sequence":4294967290}],"vout":[`, id, prev(3, "unknown", "OP_PUSHNUM_1")) +
		out(0, "v0_p2wpkh", "OP_0 OP_PUSHBYTES_20 "+hex20(0, 2)) + "," +
		out(1, "v1_p2tr", "OP_PUSHNUM_1 OP_PUSHBYTES_32 "+hex.EncodeToString(tx.Outputs[1].PkScript[2:])) + "," +
		out(2, "p2pkh", "OP_DUP OP_HASH160 OP_PUSHBYTES_20 "+hex20(2, 3)+" OP_EQUALVERIFY OP_CHECKSIG") + "," +
		out(3, "op_return", "OP_RETURN OP_PUSHBYTES_2 3c3e") + "," +
		out(4, "unknown", "OP_PUSHNUM_2 OP_PUSHBYTES_2 0a0b") +
		fmt.Sprintf(`],"size":%d,"weight":%d,"fee":1000,"status":`, tx.Size(), tx.Weight())
	path := "/tx/" + tx.TxID().String()
	n.wants(path, want+waitingStatus+"}")
	n.wants(path+"/status", waitingStatus)
	n.wants(path+"/hex", hex.EncodeToString(tx.Append(nil)))
	n.fails(path+"/merkle-proof", http.StatusNotFound, "Transaction not found or is unconfirmed")
	n.fails(path+"/merkleblock-proof", http.StatusNotFound, "Transaction not found or is unconfirmed")
	spentBy := func(vin int, status string) string {
		return fmt.Sprintf(`{"spent":true,"txid":"%v","vin":%d,"status":%s}`, tx.TxID(), vin, status)
	}
	n.wants("/tx/"+id.String()+"/outspend/2", spentBy(2, waitingStatus))

	b := n.mine(tx)
	status := statusJSON(b, n.Tip().Height)
	n.wants(path, want+status+"}")
	n.wants(path+"/status", status)
	n.wants(path+"/hex", hex.EncodeToString(tx.Append(nil)))
	n.wants(path+"/raw", string(tx.Append(nil)))
	n.wants("/tx/"+id.String()+"/outspend/2", spentBy(2, status))
	n.wants("/tx/"+id.String()+"/outspends", "["+spentBy(0, status)+","+spentBy(1, status)+","+spentBy(2, status)+","+spentBy(3, status)+"]")
	n.wants(path+"/outspends", "["+strings.TrimSuffix(strings.Repeat(`{"spent":false},`, 5), ",")+"]")
	n.wants(path+"/outspend/999", `{"spent":false}`)
	n.wants(path+"/merkle-proof", fmt.Sprintf(`{"block_height":%d,"merkle":["%v"],"pos":1}`, n.Tip().Height, b.Txs[0].TxID()))

	unknown := "/tx/" + strings.Repeat("11", 32)
	n.wants(unknown+"/status", waitingStatus)
	n.wants(unknown+"/outspend/0", `{"spent":false}`)
	for _, what := range []string{"", "/hex", "/raw", "/outspends"} {
		n.fails(unknown+what, http.StatusNotFound, "Transaction not found")
	}
	n.fails(unknown+"/merkle-proof", http.StatusNotFound, "Transaction not found or is unconfirmed")
}

// TestPoolRoutes asks everything about the pool.
func TestPoolRoutes(t *testing.T) {
	n := startTestNode(t, 12, nil)
	n.wants("/mempool", `{"count":0,"vsize":0,"total_fee":0,"fee_histogram":[]}`)
	n.wants("/mempool/txids", "[]")
	n.wants("/mempool/recent", "[]")
	n.wants("/fee-estimates", "{}")
	var sent []*wire.Tx
	var vsize, fees int64
	for i := range 12 {
		coin := n.chain.Mature()[i]
		fee := wire.Amount(1000 * (i + 1))
		tx := n.pay(i, n.chain.Out(chaingen.P2WPKH, i, coin.Coin.Out.Value-fee))
		n.send(tx)
		sent = append(sent, tx)
		vsize += int64(tx.VSize())
		fees += int64(fee)
	}
	// All of it is one bin, down to the least rate.
	least := string(appendFloat(nil, 1000/(float64(sent[0].Weight())/4)))
	n.wants("/mempool", fmt.Sprintf(`{"count":12,"vsize":%d,"total_fee":%d,"fee_histogram":[[%s,%d]]}`, vsize, fees, least, vsize))
	var ids []string
	if err := json.Unmarshal([]byte(n.get("/mempool/txids")), &ids); err != nil || len(ids) != 12 {
		t.Errorf("%v, %v", ids, err)
	}
	var recent []string
	for i := 11; i >= 2; i-- {
		recent = append(recent, fmt.Sprintf(`{"txid":"%v","fee":%d,"vsize":%d,"value":%d}`, sent[i].TxID(), 1000*(i+1), sent[i].VSize(), int64(n.chain.Mature()[i].Coin.Out.Value)))
	}
	n.wants("/mempool/recent", "["+strings.Join(recent, ",")+"]")
	n.cfg.FeeRate = func(blocks int) (float64, bool) { return 1 + 100/float64(blocks), blocks == 2 || blocks == 1008 }
	n.wants("/fee-estimates", `{"2":51.0,"1008":1.0992063492063493}`)
}

// TestHistogram: bins are closed once they have more than 50,000 virtual bytes
// and the rate changes.
func TestHistogram(t *testing.T) {
	p := poolIndex{txs: map[wire.Hash]*waiting{}}
	add := func(count int, vsize int, rate float64) {
		for range count {
			var id wire.Hash
			id[0], id[1] = byte(len(p.txs)), byte(len(p.txs)>>8)
			p.txs[id] = &waiting{txid: id, weight: 4 * vsize, fee: wire.Amount(rate * float64(vsize))}
		}
	}
	add(6, 10_000, 1)    // the rest, in one
	add(3, 30_000, 5)    // closes after the second, but its rate goes on
	add(1, 10_000, 9)    // together with
	add(1, 45_000, 10.5) // the best one
	got := fmt.Sprint(p.sum().Histogram)
	if want := "[{9 55000} {5 90000} {1 60000}]"; got != want {
		t.Errorf("histogram %s, want %s", got, want)
	}
}

// TestBadInput asks for what makes no sense.
func TestBadInput(t *testing.T) {
	n := startTestNode(t, 2, nil)
	b := n.chain.Tip()
	hash, zero := b.Hash().String(), strings.Repeat("00", 32)
	stranger := n.chain.Next() // a block that the ledger does not have
	for _, c := range []struct {
		path   string
		status int
		text   string
	}{
		{"/", 404, `endpoint does not exist "/"`},
		{"", 404, `endpoint does not exist ""`},
		{"/nothing", 404, `endpoint does not exist "/nothing"`},
		{"/" + strings.Repeat("a", 500), 404, `endpoint does not exist "/` + strings.Repeat("a", 99) + `…"`},
		{"/%00%3Cb%3E", 404, `endpoint does not exist "/\x00<b>"`},
		{"//blocks", 404, `endpoint does not exist "//blocks"`},
		{"/block/../blocks", 404, `endpoint does not exist "/block/../blocks"`},
		{"/blocks/tip", 400, "Invalid number"},
		{"/blocks/tip/hash/", 404, `endpoint does not exist "/blocks/tip/hash/"`},
		{"/blocks/tip/nothing", 404, `endpoint does not exist "/blocks/tip/nothing"`},
		{"/blocks/-1", 400, "Invalid number"},
		{"/blocks/1e3", 400, "Invalid number"},
		{"/blocks/999999", 404, "Block not found"},
		{"/block-height/x", 400, "Invalid number"},
		{"/block-height/", 404, `endpoint does not exist "/block-height/"`},
		{"/block-height/4294967296", 404, "Block not found"},
		{"/block-height/18446744073709551616", 400, "Invalid number"},
		{"/block-height/9999", 404, "Block not found"},
		{"/block/x", 400, "Invalid hex string"},
		{"/block/" + hash[1:], 400, "Invalid hex string"},
		{"/block/" + zero, 404, "Block not found"},
		{"/block/" + stranger.Hash().String() + "/header", 404, "Block not found"},
		{"/block/" + zero + "/raw", 404, "Block not found"},
		{"/block/" + zero + "/txids", 404, "Block not found"},
		{"/block/" + zero + "/txid/0", 404, "Block not found"},
		{"/block/" + zero + "/txs", 404, "Block not found"},
		{"/block/invalid_hash/txs/0", 400, "Invalid hex string"},
		{"/block/" + hash + "/nothing", 404, `endpoint does not exist "/block/` + hash + `/nothing"`},
		{"/block/" + hash + "/txid/1", 404, "tx index out of range"},
		{"/block/" + hash + "/txid/x", 400, "Invalid number"},
		{"/block/" + hash + "/txs/1", 404, "start index out of range"},
		{"/block/" + hash + "/txs/25", 404, "start index out of range"},
		{"/block/" + hash + "/txs/4294967275", 404, "start index out of range"},
		{"/block/" + hash + "/txs/4294967296", 400, "Invalid number"},
		{"/block/" + hash + "/txs/x", 400, "Invalid number"},
		{"/tx", 404, `endpoint does not exist "/tx"`},
		{"/tx/", 404, `endpoint does not exist "/tx/"`},
		{"/tx/x", 400, "Invalid hex string"},
		{"/tx/" + hash, 404, "Transaction not found"},
		{"/tx/" + hash + "/outspend/x", 400, "Invalid number"},
		{"/tx/" + hash + "/outspend/4294967296", 400, "Invalid number"},
		{"/address/x", 400, "Invalid checksum or length of Base58 address (P2PKH or P2SH)"},
		{"/address/0OIl", 400, "Invalid or unsupported Segwit (Bech32) or Base58 encoding."},
		{"/address/bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 400, "Address on invalid network"},
		{"/address/1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa/txs", 400, "Address on invalid network"},
		{"/scripthash/" + hash[1:], 400, "Invalid scripthash"},
		{"/scripthash/" + hash + "00/utxo", 400, "Invalid scripthash"},
		{"/scripthash/" + hash + "/txs/chain/x", 400, "Invalid hex string"},
		{"/scripthash/" + hash + "/txs?after_txid=x", 400, "Invalid hex string"},
		{"/scripthash/" + hash + "/txs?after_txid=", 400, "Invalid hex string"},
		{"/scripthash/" + hash + "/txs?after_txid=" + zero, 422, "after_txid not found"},
		{"/scripthash/" + hash + "/txs/nothing", 404, `endpoint does not exist "/scripthash/` + hash + `/txs/nothing"`},
		{"/mempool/nothing", 404, `endpoint does not exist "/mempool/nothing"`},
	} {
		n.fails(c.path, c.status, c.text)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		if w := n.do(method, "/blocks", ""); w.Code != http.StatusNotFound {
			t.Errorf("%s /blocks: %d", method, w.Code)
		}
	}
}

// TestHeaders: what clients may keep, who may read it, and what a browser asks
// first.
func TestHeaders(t *testing.T) {
	n := startTestNode(t, 2, nil)
	hash := n.chain.Tip().Hash().String()
	id := n.chain.Tip().Txs[0].TxID().String()
	const always = "public, max-age=157784630"
	for _, c := range []struct{ path, kind, cache string }{
		{"/blocks/tip/hash", "text/plain", "no-cache"},
		{"/blocks", "application/json", "no-cache"},
		{"/block/" + hash, "application/json", always},
		{"/block/" + hash + "/header", "text/plain", always},
		{"/block/" + hash + "/raw", "application/octet-stream", always},
		{"/block/" + hash + "/txids", "application/json", always},
		{"/block/" + hash + "/txid/0", "text/plain", always},
		{"/block/" + hash + "/status", "application/json", "no-cache"},
		{"/block/" + hash + "/txs", "application/json", "no-cache"},
		{"/block/" + hash + "/txid/1", "text/plain", "no-cache"}, // refused
		{"/tx/" + id, "application/json", "no-cache"},
		{"/tx/" + id + "/raw", "application/octet-stream", "no-cache"},
		{"/nothing", "text/plain", "no-cache"},
	} {
		w := n.do("GET", c.path, "")
		h := w.Header()
		if h.Get("Content-Type") != c.kind || h.Get("Cache-Control") != c.cache || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", c.path, h)
		}
		if h.Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
			t.Errorf("%s: %s bytes announced, %d sent", c.path, h.Get("Content-Length"), w.Body.Len())
		}
		head := n.do("HEAD", c.path, "")
		if head.Code != w.Code || head.Body.Len() != 0 || head.Header().Get("Content-Length") != h.Get("Content-Length") {
			t.Errorf("HEAD %s: %d, %d bytes, %v", c.path, head.Code, head.Body.Len(), head.Header())
		}
	}
	w := n.do("OPTIONS", "/tx", "")
	if h := w.Header(); w.Code != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("OPTIONS /tx: %d %v", w.Code, h)
	}
}

// TestWithoutIndexes: what is missing is named, and what needs nothing works.
func TestWithoutIndexes(t *testing.T) {
	n := startTestNode(t, 2, func(cfg *ledger.Config) { cfg.AddressIndex = false })
	tx := n.pay(0)
	n.send(tx)
	b := n.chain.Tip()
	mined := b.Txs[0].TxID().String()
	h := HashScript(b.Txs[0].Outputs[0].PkScript)
	noTxs, noAddresses := "transaction index is off: start the node with --txindex", "address index is off: start the node with --addressindex"
	for _, what := range []string{"", "/status", "/hex", "/raw", "/merkle-proof", "/merkleblock-proof", "/outspends"} {
		n.fails("/tx/"+mined+what, http.StatusNotImplemented, noTxs)
	}
	n.fails("/tx/"+mined+"/outspend/0", http.StatusNotImplemented, noAddresses)
	for _, what := range []string{"", "/txs", "/txs/chain", "/utxo"} {
		n.fails("/scripthash/"+hex.EncodeToString(h[:])+what, http.StatusNotImplemented, noAddresses)
	}
	if got := n.get("/scripthash/" + hex.EncodeToString(h[:]) + "/txs/mempool"); got != "[]" {
		t.Errorf("transactions of the pool: %s", got)
	}
	if got := n.get("/tx/" + tx.TxID().String()); !strings.Contains(got, `"fee":1000,`) {
		t.Errorf("a transaction of the pool: %s", got)
	}
	if got := n.get("/block/" + b.Hash().String() + "/txs"); !strings.Contains(got, mined) {
		t.Errorf("the transactions of a block: %s", got)
	}
}

func sha256Of(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}
