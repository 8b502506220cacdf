package esplora

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/internal/vectors"
)

// What blockstream.info answers about Bitcoin's first blocks, as published with
// programs that read it.
const (
	genesisTx = `{"txid":"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b","version":1,"locktime":0,"vin":[{"txid":"0000000000000000000000000000000000000000000000000000000000000000","vout":4294967295,"prevout":null,"scriptsig":"04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73","scriptsig_asm":"OP_PUSHBYTES_4 ffff001d OP_PUSHBYTES_1 04 OP_PUSHBYTES_69 5468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73","is_coinbase":true,"sequence":4294967295}],"vout":[{"scriptpubkey":"4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac","scriptpubkey_asm":"OP_PUSHBYTES_65 04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f OP_CHECKSIG","scriptpubkey_type":"p2pk","value":5000000000}],"size":204,"weight":816,"fee":0,"status":{"confirmed":true,"block_height":0,"block_hash":"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f","block_time":1231006505}}`

	firstPayment = `{"txid":"f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16","version":1,"locktime":0,"vin":[{"txid":"0437cd7f8525ceed2324359c2d0ba26006d92d856a9c20fa0241106ee5a597c9","vout":0,"prevout":{"scriptpubkey":"410411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643f656b412a3ac","scriptpubkey_asm":"OP_PUSHBYTES_65 0411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643f656b412a3 OP_CHECKSIG","scriptpubkey_type":"p2pk","value":5000000000},"scriptsig":"47304402204e45e16932b8af514961a1d3a1a25fdf3f4f7732e9d624c6c61548ab5fb8cd410220181522ec8eca07de4860a4acdd12909d831cc56cbbac4622082221a8768d1d0901","scriptsig_asm":"OP_PUSHBYTES_71 304402204e45e16932b8af514961a1d3a1a25fdf3f4f7732e9d624c6c61548ab5fb8cd410220181522ec8eca07de4860a4acdd12909d831cc56cbbac4622082221a8768d1d0901","is_coinbase":false,"sequence":4294967295}],"vout":[{"scriptpubkey":"4104ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414e7aab37397f554a7df5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84cac","scriptpubkey_asm":"OP_PUSHBYTES_65 04ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414e7aab37397f554a7df5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84c OP_CHECKSIG","scriptpubkey_type":"p2pk","value":1000000000},{"scriptpubkey":"410411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643f656b412a3ac","scriptpubkey_asm":"OP_PUSHBYTES_65 0411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643f656b412a3 OP_CHECKSIG","scriptpubkey_type":"p2pk","value":4000000000}],"size":275,"weight":1100,"fee":0,"status":{"confirmed":true,"block_height":170,"block_hash":"00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee","block_time":1231731025}}`

	// The first output was spent in 2010, after these blocks.
	firstOutspends = `[{"spent":false},{"spent":true,"txid":"a16f3ce4dd5deb92d98ef5cf8afeaf0775ebca408f708b2146c4fb42b41e14be","vin":0,"status":{"confirmed":true,"block_height":181,"block_hash":"00000000dc55860c8a29c58d45209318fa9e9dc2c1833a7226d86bc465afc6e5","block_time":1231740133}}]`

	genesisBlock = `{"id":"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f","height":0,"version":1,"timestamp":1231006505,"tx_count":1,"size":285,"weight":1140,"merkle_root":"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b","previousblockhash":null,"mediantime":1231006505,"nonce":2083236893,"bits":486604799,"difficulty":1.0}`
)

// TestBitcoin asks about the first blocks of Bitcoin what others have asked an
// Esplora server, and wants the same to the byte.
func TestBitcoin(t *testing.T) {
	raw := vectors.Read(t, "btcd/database/testdata/blocks1-256.bz2")
	spec, err := os.ReadFile("../../consensus/testdata/bitcoin.json")
	if err != nil {
		t.Fatal(err)
	}
	params, err := consensus.ParseSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	n := startOn(t, params, nil)
	n.clock.Store(1_300_000_000)
	path := filepath.Join(t.TempDir(), "bootstrap.dat")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := n.ledger.Import(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	n.wants("/block-height/170", "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee")
	n.wants("/block/000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f", genesisBlock)
	n.wants("/tx/4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", genesisTx)
	n.wants("/block/000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f/txs", "["+genesisTx+"]")
	const first = "/tx/f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	n.wants(first, firstPayment)
	n.wants(first+"/outspends", firstOutspends)
	spend := strings.TrimSuffix(strings.SplitN(firstOutspends, ",", 2)[1], "]")
	n.wants(first+"/outspend/1", spend)
	n.wants(first+"/merkle-proof", `{"block_height":170,"merkle":["b1fea52486ce0c62bb442b530a3f0132b826c74e473d1f2c220bfa78111c5082"],"pos":1}`)
}
