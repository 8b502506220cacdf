package rpcclient

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcjson"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/rpcclient"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

var regtest = &chaincfg.RegressionNetParams

// must returns the value of a call that succeeds.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// same fails the test unless a value is the wanted one.
func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// refused fails the test unless the node answered with this error.
func refused(t *testing.T, err error, code btcjson.RPCErrorCode, message string) {
	t.Helper()
	var e *btcjson.RPCError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want one of the node's: %s", err, message)
	}
	if e.Code != code || e.Message != message {
		t.Errorf("error is %d %q, want %d %q", e.Code, e.Message, code, message)
	}
}

// receive calls a method that btcd has a command for, but its client no
// function, and reads the result into v.
func receive(t *testing.T, c *rpcclient.Client, cmd, v any) {
	t.Helper()
	raw := must(rpcclient.ReceiveFuture(c.SendCmd(cmd)))(t)
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}

// TestClient does in one go what a program does with the client: it makes a
// chain, spends a coin, and reads everything about both.
func TestClient(t *testing.T) {
	n, other := startNode(t), startNode(t)
	c := n.client

	seed := sha256.Sum256([]byte("keelson interop rpcclient"))
	key, pub := btcec.PrivKeyFromBytes(seed[:])
	to := must(address.NewAddressWitnessPubKeyHash(address.Hash160(pub.SerializeCompressed()), regtest))(t)
	pkScript := must(txscript.PayToAddrScript(to))(t)
	var (
		hashes []*chainhash.Hash // of the blocks from height 1
		first  *wire.MsgBlock    // the block of height 1
		tx     *wire.MsgTx       // a spend of its coin
		txid   *chainhash.Hash
		parent *wire.MsgTx // pays nothing
		child  *wire.MsgTx // pays for both
		fee    = btcutil.Amount(2_000)
		tip    = func() *chainhash.Hash { return hashes[len(hashes)-1] }
		height = func() int64 { return int64(len(hashes)) }
	)

	steps := []struct {
		name string
		run  func(t *testing.T)
	}{
		{"generatetoaddress", func(t *testing.T) {
			hashes = must(c.GenerateToAddress(101, to, nil))(t)
			same(t, "blocks", len(hashes), 101)
		}},
		{"generate", func(t *testing.T) {
			_, err := c.Generate(1)
			refused(t, err, -1, "generate\n\nhas been replaced by the -generate cli option. Refer to -help for more information.\n")
		}},
		{"getblockcount", func(t *testing.T) { same(t, "height", must(c.GetBlockCount())(t), height()) }},
		{"getbestblockhash", func(t *testing.T) { same(t, "tip", *must(c.GetBestBlockHash())(t), *tip()) }},
		{"getblockhash", func(t *testing.T) {
			for i, h := range hashes {
				same(t, "hash", *must(c.GetBlockHash(int64(i + 1)))(t), *h)
			}
			same(t, "genesis block", *must(c.GetBlockHash(0))(t), *regtest.GenesisHash)
			_, err := c.GetBlockHash(102)
			refused(t, err, -8, "Block height out of range")
		}},
		{"getblock", func(t *testing.T) {
			first = must(c.GetBlock(hashes[0]))(t)
			same(t, "hash", first.BlockHash(), *hashes[0])
			same(t, "reward", first.Transactions[0].TxOut[0].Value, 50e8)
			_, err := c.GetBlock(&chainhash.Hash{1})
			refused(t, err, -5, "Block not found")
		}},
		{"getblock 1", func(t *testing.T) {
			b := must(c.GetBlockVerbose(hashes[0]))(t)
			same(t, "hash", b.Hash, hashes[0].String())
			same(t, "next", b.NextHash, hashes[1].String())
			same(t, "previous", b.PreviousHash, regtest.GenesisHash.String())
			same(t, "height", b.Height, 1)
			same(t, "confirmations", b.Confirmations, 101)
			same(t, "size", int(b.Size), first.SerializeSize())
			same(t, "stripped size", int(b.StrippedSize), first.SerializeSizeStripped())
			same(t, "weight", b.Weight, 3*b.StrippedSize+b.Size)
			same(t, "bits", b.Bits, "207fffff")
			same(t, "time", b.Time, first.Header.Timestamp.Unix())
			same(t, "transactions", strings.Join(b.Tx, ","), first.Transactions[0].TxHash().String())
		}},
		{"getblock 2", func(t *testing.T) {
			b := must(c.GetBlockVerboseTx(hashes[0]))(t)
			same(t, "transactions", len(b.Tx), 1)
			var raw bytes.Buffer
			first.Transactions[0].Serialize(&raw)
			same(t, "transaction", b.Tx[0].Hex, hex.EncodeToString(raw.Bytes()))
			same(t, "coinbase", b.Tx[0].Vin[0].IsCoinBase(), true)
			same(t, "value", b.Tx[0].Vout[0].Value, 50)
			same(t, "address", b.Tx[0].Vout[0].ScriptPubKey.Address, to.String())
		}},
		{"getblockheader", func(t *testing.T) {
			same(t, "header", must(c.GetBlockHeader(hashes[0]))(t).BlockHash(), *hashes[0])
		}},
		{"getblockheader verbose", func(t *testing.T) {
			h := must(c.GetBlockHeaderVerbose(tip()))(t)
			same(t, "height", int64(h.Height), height())
			same(t, "previous", h.PreviousHash, hashes[99].String())
			same(t, "next", h.NextHash, "")
			same(t, "confirmations", h.Confirmations, 1)
			same(t, "versionHex", h.VersionHex, "20000000")
		}},
		{"getblockchaininfo", func(t *testing.T) {
			i := must(c.GetBlockChainInfo())(t)
			same(t, "chain", i.Chain, "regtest")
			same(t, "blocks", int64(i.Blocks), height())
			same(t, "headers", int64(i.Headers), height())
			same(t, "tip", i.BestBlockHash, tip().String())
			same(t, "work", strings.TrimLeft(i.ChainWork, "0"), "cc") // 102 blocks of 2
			same(t, "in its first download", i.InitialBlockDownload, false)
			same(t, "pruned", i.Pruned, false)
			if i.SizeOnDisk <= 0 || i.Warnings == nil {
				t.Errorf("size on disk %d, warnings %v", i.SizeOnDisk, i.Warnings)
			}
		}},
		{"getblockstats", func(t *testing.T) {
			for _, by := range []any{1, hashes[0]} {
				s := must(c.GetBlockStats(by, nil))(t)
				same(t, "hash", s.Hash, hashes[0].String())
				same(t, "subsidy", s.Subsidy, 50e8)
				same(t, "transactions", s.Txs, 1)
				same(t, "outputs", s.UTXOIncrease, 2) // the one of the commitment counts, too
			}
			s := must(c.GetBlockStats(1, &[]string{"height"}))(t)
			same(t, "height", s.Height, 1)
			same(t, "what was not asked for", s.Subsidy, 0)
		}},
		{"getchaintips", func(t *testing.T) {
			tips := must(c.GetChainTips())(t)
			same(t, "tips", len(tips), 1)
			same(t, "tip", *tips[0], btcjson.GetChainTipsResult{Height: int32(height()), Hash: tip().String(), Status: "active"})
		}},
		{"getchaintxstats", func(t *testing.T) {
			same(t, "transactions", must(c.GetChainTxStats())(t).TxCount, 102)
			same(t, "blocks", must(c.GetChainTxStatsNBlocks(10))(t).WindowBlockCount, 10)
			s := must(c.GetChainTxStatsNBlocksBlockHash(10, *hashes[49]))(t)
			same(t, "transactions of the window", s.WindowTxCount, 10)
			same(t, "end of the window", s.WindowFinalBlockHash, hashes[49].String())
		}},
		{"getdifficulty", func(t *testing.T) {
			if d := must(c.GetDifficulty())(t); math.Abs(d-4.656542373906925e-10) > 1e-24 {
				t.Errorf("difficulty %g", d)
			}
		}},
		{"gettxoutsetinfo", func(t *testing.T) {
			i := must(c.GetTxOutSetInfo())(t)
			same(t, "height", i.Height, height())
			same(t, "tip", i.BestBlock, *tip())
			same(t, "outputs", i.TxOuts, 101)
			same(t, "total", i.TotalAmount, 101*50*btcutil.SatoshiPerBitcoin)
		}},
		{"getblockfilter", func(t *testing.T) {
			// Whose elements another implementation finds.
			f := must(c.GetBlockFilter(*tip(), nil))(t)
			same(t, "number of elements", f.Filter[:2], "01") // the commitment's output is none
			same(t, "length of the header", len(f.Header), 64)
		}},
		{"gettxoutproof and verifytxoutproof", func(t *testing.T) {
			b := must(c.GetBlock(tip()))(t)
			id, hash := b.Transactions[0].TxHash(), tip().String()
			proof := must(c.GetTxOutProof([]string{id.String()}, &hash))(t)
			same(t, "root", proof.Header.MerkleRoot, b.Header.MerkleRoot)
			same(t, "transactions", proof.Transactions, 1)
			var raw bytes.Buffer
			if err := proof.BtcEncode(&raw, wire.BIP0037Version, wire.BaseEncoding); err != nil {
				t.Fatal(err)
			}
			var ids []string
			receive(t, c, btcjson.NewVerifyTxOutProofCmd(hex.EncodeToString(raw.Bytes())), &ids)
			same(t, "what is proven", strings.Join(ids, " "), id.String())
		}},
		{"verifychain", func(t *testing.T) {
			same(t, "valid", must(c.VerifyChain())(t), true)
			same(t, "valid", must(c.VerifyChainLevel(4))(t), true)
			same(t, "valid", must(c.VerifyChainBlocks(4, 0))(t), true)
		}},
		{"getnetworkinfo", func(t *testing.T) {
			i := must(c.GetNetworkInfo())(t)
			same(t, "version", i.Version, 280100)
			same(t, "subversion", strings.HasPrefix(i.SubVersion, "/Satoshi:28.1.0/Keelson:"), true)
			same(t, "protocol version", i.ProtocolVersion, 70016)
			same(t, "relay fee", i.RelayFee, 0.00001)
			same(t, "incremental fee", i.IncrementalFee, 0.00001)
		}},
		{"getinfo is not there, which makes the node a bitcoind of 25 or later", func(t *testing.T) {
			same(t, "version", must(c.BackendVersion())(t).String(), rpcclient.BitcoindPost25.String())
		}},
		{"addnode", func(t *testing.T) {
			at := other.address(t)
			for _, command := range []rpcclient.AddNodeCommand{rpcclient.ANOneTry, rpcclient.ANAdd} {
				if err := c.AddNode(at, command); err != nil {
					t.Fatal(err)
				}
			}
			refused(t, c.AddNode(at, rpcclient.ANAdd), -23, "Error: Node already added")
			if err := c.AddNode(at, rpcclient.ANRemove); err != nil {
				t.Fatal(err)
			}
			refused(t, c.AddNode(at, rpcclient.ANRemove), -24, "Error: Node could not be removed. It has not been added previously.")
		}},
		{"getconnectioncount", func(t *testing.T) {
			same(t, "connections", must(c.GetConnectionCount())(t), 1)
			i := must(c.GetNetworkInfo())(t)
			same(t, "connections in", i.ConnectionsIn, 0)
			same(t, "connections out", i.ConnectionsOut, 1)
		}},
		{"getpeerinfo", func(t *testing.T) {
			peers := must(c.GetPeerInfo())(t)
			same(t, "peers", len(peers), 1)
			p := peers[0]
			same(t, "address", p.Addr, other.address(t))
			same(t, "inbound", p.Inbound, false)
			same(t, "services", p.Services, "0000000000000409")
			same(t, "version", p.Version, 70016)
			same(t, "name", strings.HasPrefix(p.SubVer, "/Satoshi:28.1.0/Keelson:"), true)
			if p.BytesSent == 0 || p.BytesRecv == 0 || p.LastSend < p.ConnTime || p.ConnTime == 0 {
				t.Errorf("%+v", p)
			}
			same(t, "the other one's view", must(other.client.GetPeerInfo())(t)[0].Inbound, true)
		}},
		{"ping", func(t *testing.T) {
			if err := c.Ping(); err != nil {
				t.Fatal(err)
			}
		}},
		{"getnettotals", func(t *testing.T) {
			totals := must(c.GetNetTotals())(t)
			if totals.TotalBytesRecv == 0 || totals.TotalBytesSent == 0 || time.Since(time.UnixMilli(totals.TimeMillis)).Abs() > time.Hour {
				t.Errorf("%+v", totals)
			}
		}},
		{"getnodeaddresses", func(t *testing.T) {
			list := must(c.GetNodeAddresses(btcjson.Int32(0)))(t)
			if len(list) == 0 {
				t.Error("the other node's address is not known")
			}
			for _, a := range list {
				same(t, "address", a.Address, "127.0.0.1")
				same(t, "services", a.Services, 0x409)
				if a.Port == 0 || time.Since(time.Unix(a.Time, 0)).Abs() > 24*time.Hour {
					t.Errorf("%+v", a)
				}
			}
		}},
		{"getaddednodeinfo, which btcd asks for with a switch that bitcoind took away", func(t *testing.T) {
			_, err := c.GetAddedNodeInfo("")
			var e *btcjson.RPCError
			if !errors.As(err, &e) || e.Code != -1 && e.Code != -3 {
				t.Errorf("error is %v", err)
			}
		}},
		{"getzmqnotifications", func(t *testing.T) {
			if list := must(c.GetZmqNotifications())(t); len(list) != 0 {
				t.Errorf("%v", list)
			}
		}},
		{"getmininginfo", func(t *testing.T) {
			i := must(c.GetMiningInfo())(t)
			same(t, "blocks", i.Blocks, height())
			same(t, "pooled transactions", i.PooledTx, 0)
		}},
		{"getnetworkhashps", func(t *testing.T) {
			if p := must(c.GetNetworkHashPS())(t); p <= 0 {
				t.Errorf("%g hashes a second", p)
			}
			must(c.GetNetworkHashPS2(10))(t)
			must(c.GetNetworkHashPS3(10, 50))(t)
		}},
		{"uptime", func(t *testing.T) {
			var seconds int64
			receive(t, c, btcjson.NewUptimeCmd(), &seconds)
			if seconds < 0 || seconds > 600 {
				t.Errorf("up for %d s", seconds)
			}
		}},
		{"help", func(t *testing.T) {
			var text string
			receive(t, c, btcjson.NewHelpCmd(btcjson.String("getblock")), &text)
			same(t, "help", strings.HasPrefix(text, `getblock "blockhash" ( verbosity )`), true)
		}},
		{"validateaddress", func(t *testing.T) {
			v := must(c.ValidateAddress(to))(t)
			same(t, "valid", v.IsValid, true)
			same(t, "address", v.Address, to.String())
		}},
		{"getdescriptorinfo and deriveaddresses", func(t *testing.T) {
			// The example of BIP 380 and of Bitcoin Core's doc/descriptors.md.
			d := must(c.GetDescriptorInfo("pkh(02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5)"))(t)
			same(t, "checksum", d.Checksum, "8fhd9pwu")
			same(t, "solvable", d.IsSolvable, true)
			same(t, "ranged", d.IsRange, false)
			wpkh := must(c.GetDescriptorInfo("wpkh(" + hex.EncodeToString(pub.SerializeCompressed()) + ")"))(t)
			a := must(c.DeriveAddresses(wpkh.Descriptor, nil))(t)
			same(t, "addresses", strings.Join(*a, ","), to.String())
		}},
		{"createmultisig", func(t *testing.T) {
			k := must(address.NewAddressPubKey(pub.SerializeCompressed(), regtest))(t)
			m := must(c.CreateMultisig(1, []address.Address{k}))(t)
			script := must(hex.DecodeString(m.RedeemScript))(t)
			want := must(address.NewAddressScriptHash(script, regtest))(t)
			same(t, "address", m.Address, want.String())
		}},
		{"signmessagewithprivkey and verifymessage", func(t *testing.T) {
			wif := must(btcutil.NewWIF(key, regtest, true))(t)
			p2pkh := must(address.NewAddressPubKeyHash(address.Hash160(pub.SerializeCompressed()), regtest))(t)
			var signature string
			receive(t, c, &btcjson.SignMessageWithPrivKeyCmd{PrivKey: wif.String(), Message: "ahoy"}, &signature)
			same(t, "valid", must(c.VerifyMessage(p2pkh, signature, "ahoy"))(t), true)
			same(t, "valid for another text", must(c.VerifyMessage(p2pkh, signature, "avast"))(t), false)
		}},
		{"createrawtransaction", func(t *testing.T) {
			coinbase := first.Transactions[0].TxHash()
			tx = must(c.CreateRawTransaction(
				[]btcjson.TransactionInput{{Txid: coinbase.String(), Vout: 0}},
				map[address.Address]btcutil.Amount{to: 50*btcutil.SatoshiPerBitcoin - fee}, nil))(t)
			same(t, "input", tx.TxIn[0].PreviousOutPoint, wire.OutPoint{Hash: coinbase})
			same(t, "output", btcutil.Amount(tx.TxOut[0].Value), 50*btcutil.SatoshiPerBitcoin-fee)
			prevouts := txscript.NewCannedPrevOutputFetcher(pkScript, 50e8)
			tx.TxIn[0].Witness = must(txscript.WitnessSignature(tx, txscript.NewTxSigHashes(tx, prevouts), 0, 50e8, pkScript, txscript.SigHashAll, key, true))(t)
			id := tx.TxHash()
			txid = &id
		}},
		{"decoderawtransaction", func(t *testing.T) {
			var raw bytes.Buffer
			tx.Serialize(&raw)
			d := must(c.DecodeRawTransaction(raw.Bytes()))(t)
			same(t, "txid", d.Txid, txid.String())
			same(t, "wtxid", d.Hash, tx.WitnessHash().String())
			same(t, "witness", d.Vin[0].Witness[1], hex.EncodeToString(pub.SerializeCompressed()))
			same(t, "type", d.Vout[0].ScriptPubKey.Type, "witness_v0_keyhash")
		}},
		{"decodescript", func(t *testing.T) {
			d := must(c.DecodeScript(pkScript))(t)
			same(t, "type", d.Type, "witness_v0_keyhash")
			same(t, "address", d.Address, to.String())
		}},
		{"testmempoolaccept", func(t *testing.T) {
			v := must(c.TestMempoolAccept([]*wire.MsgTx{tx}, 0))(t)[0]
			same(t, "allowed", v.Allowed, true)
			same(t, "wtxid", v.Wtxid, tx.WitnessHash().String())
			same(t, "fee", v.Fees.Base, fee.ToBTC())
			same(t, "reason", v.RejectReason, "")
			bad := tx.Copy()
			bad.TxOut[0].Value--
			v = must(c.TestMempoolAccept([]*wire.MsgTx{bad}, 0))(t)[0]
			same(t, "allowed", v.Allowed, false)
			same(t, "reason", v.RejectReason,
				"mandatory-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)")
		}},
		{"sendrawtransaction", func(t *testing.T) {
			same(t, "txid", *must(c.SendRawTransaction(tx, false))(t), *txid)
			gone := tx.Copy()
			gone.TxIn[0].PreviousOutPoint.Index = 9
			_, err := c.SendRawTransaction(gone, true)
			refused(t, err, -25, "bad-txns-inputs-missingorspent")
			// What lnd does to find out what a refusal means.
			if mapped := rpcclient.MapRPCErr(err); !errors.Is(mapped, rpcclient.ErrMissingInputsOrSpent) {
				t.Errorf("the client takes it for %v", mapped)
			}
		}},
		{"submitpackage", func(t *testing.T) {
			_, err := c.SubmitPackage([]*wire.MsgTx{tx, tx}, nil, nil)
			refused(t, err, -25, "package topology disallowed. not child-with-parents or parents depend on each other.")
		}},
		{"getrawmempool", func(t *testing.T) {
			same(t, "pool", *must(c.GetRawMempool())(t)[0], *txid)
		}},
		{"getrawmempool verbose", func(t *testing.T) {
			e, ok := must(c.GetRawMempoolVerbose())(t)[txid.String()]
			same(t, "found", ok, true)
			same(t, "height", e.Height, height())
			same(t, "vsize", int64(e.Vsize), int64(tx.SerializeSize()-tx.SerializeSizeStripped()+3)/4+int64(tx.SerializeSizeStripped()))
		}},
		{"getmempoolentry", func(t *testing.T) {
			e := must(c.GetMempoolEntry(txid.String()))(t)
			same(t, "fee", e.Fees.Base, fee.ToBTC())
			same(t, "wtxid", e.WTxId, tx.WitnessHash().String())
			same(t, "ancestors", e.AncestorCount, 1)
			if age := time.Now().Unix() - e.Time; age < 0 || age > 600 {
				t.Errorf("it came %d s ago", age)
			}
		}},
		{"getmempoolinfo", func(t *testing.T) {
			var i btcjson.GetMempoolInfoResult
			receive(t, c, btcjson.NewGetMempoolInfoCmd(), &i)
			same(t, "size", i.Size, 1)
		}},
		{"gettxspendingprevout", func(t *testing.T) {
			spent := tx.TxIn[0].PreviousOutPoint
			r := must(c.GetTxSpendingPrevOut([]wire.OutPoint{spent, {Hash: *txid}}))(t)
			same(t, "spender", r[0].SpendingTxid, txid.String())
			same(t, "spender of the output", r[1].SpendingTxid, "")
		}},
		{"getrawtransaction", func(t *testing.T) {
			same(t, "transaction", *must(c.GetRawTransaction(txid))(t).Hash(), *txid)
			v := must(c.GetRawTransactionVerbose(txid))(t)
			same(t, "wtxid", v.Hash, tx.WitnessHash().String())
			same(t, "confirmations", v.Confirmations, 0)
			_, err := c.GetRawTransaction(&chainhash.Hash{1})
			refused(t, err, -5, "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries. Use gettransaction for wallet transactions.")
		}},
		{"estimatesmartfee", func(t *testing.T) {
			e := must(c.EstimateSmartFee(6, nil))(t)
			same(t, "blocks", e.Blocks, 6)
			if e.FeeRate == nil || *e.FeeRate < 0.00001 {
				t.Errorf("%+v", e)
			}
		}},
		{"gettxout", func(t *testing.T) {
			spent := tx.TxIn[0].PreviousOutPoint
			if o := must(c.GetTxOut(&spent.Hash, 0, true))(t); o != nil {
				t.Errorf("the pool spends %+v", o)
			}
			o := must(c.GetTxOut(&spent.Hash, 0, false))(t)
			same(t, "value", o.Value, 50)
			same(t, "coinbase", o.Coinbase, true)
			same(t, "confirmations", o.Confirmations, height())
			same(t, "value in the pool", must(c.GetTxOut(txid, 0, true))(t).Value, 50-fee.ToBTC())
		}},
		{"getblocktemplate", func(t *testing.T) {
			b := must(c.GetBlockTemplate(&btcjson.TemplateRequest{Mode: "template", Rules: []string{"segwit"}}))(t)
			same(t, "height", b.Height, height()+1)
			same(t, "previous", b.PreviousHash, tip().String())
			same(t, "transactions", len(b.Transactions), 1)
			same(t, "transaction", b.Transactions[0].TxID, txid.String())
			same(t, "fee", btcutil.Amount(b.Transactions[0].Fee), fee)
			same(t, "value", btcutil.Amount(*b.CoinbaseValue), 50*btcutil.SatoshiPerBitcoin+fee)
			same(t, "bits", b.Bits, "207fffff")
			same(t, "weight limit", b.WeightLimit, 4_000_000)
			same(t, "nonce range", b.NonceRange, "00000000ffffffff")
			_, err := c.GetBlockTemplate(&btcjson.TemplateRequest{Mode: "template"})
			refused(t, err, -8, "getblocktemplate must be called with the segwit rule set (call with {\"rules\": [\"segwit\"]})")
		}},
		{"submitblock", func(t *testing.T) {
			b := btcutil.NewBlock(must(c.GetBlock(tip()))(t))
			same(t, "answer", c.SubmitBlock(b, nil).Error(), "duplicate")
			msg := b.MsgBlock().Copy()
			msg.Header.MerkleRoot[0] ^= 1
			for !solved(&msg.Header) {
				msg.Header.Nonce++
			}
			same(t, "answer", c.SubmitBlock(btcutil.NewBlock(msg), nil).Error(), "bad-txnmrklroot")
		}},
		{"invalidateblock", func(t *testing.T) {
			if err := c.InvalidateBlock(tip()); err != nil {
				t.Fatal(err)
			}
			same(t, "height", must(c.GetBlockCount())(t), height()-1)
			same(t, "tips", len(must(c.GetChainTips())(t)), 2)
		}},
		{"reconsiderblock", func(t *testing.T) {
			if err := c.ReconsiderBlock(tip()); err != nil {
				t.Fatal(err)
			}
			same(t, "tip", *must(c.GetBestBlockHash())(t), *tip())
		}},
		{"preciousblock", func(t *testing.T) {
			must(rpcclient.ReceiveFuture(c.SendCmd(btcjson.NewPreciousBlockCmd(tip().String()))))(t)
			same(t, "tip", *must(c.GetBestBlockHash())(t), *tip())
		}},
		{"generatetoaddress takes the pool", func(t *testing.T) {
			hashes = append(hashes, must(c.GenerateToAddress(1, to, nil))(t)...)
			b := must(c.GetBlock(tip()))(t)
			same(t, "transactions", len(b.Transactions), 2)
			same(t, "transaction", b.Transactions[1].TxHash(), *txid)
			same(t, "pool", len(must(c.GetRawMempool())(t)), 0)
			_, err := c.SendRawTransaction(tx, true)
			refused(t, err, -27, "Transaction outputs already in utxo set")
		}},
		{"submitpackage takes a parent that pays nothing with the child that pays for it", func(t *testing.T) {
			coinbase := must(c.GetBlock(hashes[1]))(t).Transactions[0].TxHash()
			parent = wire.NewMsgTx(3) // TRUC, as BIP 431 has it
			parent.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&coinbase, 0), nil, nil))
			parent.AddTxOut(wire.NewTxOut(50e8, pkScript))
			signed(t, parent, key, pkScript, 50e8)
			id := parent.TxHash()
			child = wire.NewMsgTx(3)
			child.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&id, 0), nil, nil))
			child.AddTxOut(wire.NewTxOut(50e8-int64(fee), pkScript))
			signed(t, child, key, pkScript, 50e8)

			_, err := c.SendRawTransaction(parent, false)
			refused(t, err, -26, fmt.Sprintf("min relay fee not met, 0 < %d", vsize(parent)))
			bad := child.Copy()
			bad.TxOut[0].Value--
			r := must(c.SubmitPackage([]*wire.MsgTx{parent, bad}, nil, nil))(t)
			same(t, "message", r.PackageMsg, "transaction failed")
			if v := r.TxResults[bad.WitnessHash().String()]; v.Error == nil {
				t.Errorf("%+v", v)
			}
			same(t, "pool", len(must(c.GetRawMempool())(t)), 0)
			r = must(c.SubmitPackage([]*wire.MsgTx{parent, child}, nil, nil))(t)
			same(t, "message", r.PackageMsg, "success")
			same(t, "results", len(r.TxResults), 2)
			same(t, "replaced", len(r.ReplacedTransactions), 0)
			for _, tx := range []*wire.MsgTx{parent, child} {
				v, ok := r.TxResults[tx.WitnessHash().String()]
				same(t, "found", ok, true)
				same(t, "txid", v.TxID, tx.TxHash())
				if v.Error != nil || v.OtherWtxid != nil {
					t.Errorf("%+v", v)
				}
				must(c.GetMempoolEntry(v.TxID.String()))(t)
			}
		}},
		{"importmempool", func(t *testing.T) {
			// The client has functions for neither.
			if _, err := c.RawRequest("prioritisetransaction", params(child.TxHash().String(), 0, 777)); err != nil {
				t.Fatal(err)
			}
			var saved struct{ Filename string }
			if err := json.Unmarshal(must(c.RawRequest("savemempool", nil))(t), &saved); err != nil {
				t.Fatal(err)
			}
			// A node with the same chain, whose pool nobody has told of anything.
			alone := startNode(t)
			for _, h := range hashes {
				if err := alone.client.SubmitBlock(btcutil.NewBlock(must(c.GetBlock(h))(t)), nil); err != nil {
					t.Fatal(err)
				}
			}
			same(t, "pool", len(must(alone.client.GetRawMempool())(t)), 0)
			_, err := alone.client.RawRequest("importmempool", params(saved.Filename+".not"))
			refused(t, err, -1, "Unable to import mempool file, see debug.log for details.")
			options := map[string]bool{"use_current_time": false, "apply_fee_delta_priority": true, "apply_unbroadcast_set": true}
			same(t, "answer", string(must(alone.client.RawRequest("importmempool", params(saved.Filename, options)))(t)), "{}")
			same(t, "pool", len(must(alone.client.GetRawMempool())(t)), 2)
			for _, tx := range []*wire.MsgTx{parent, child} {
				got, want := must(alone.client.GetMempoolEntry(tx.TxHash().String()))(t), must(c.GetMempoolEntry(tx.TxHash().String()))(t)
				same(t, "wtxid", got.WTxId, tx.WitnessHash().String())
				same(t, "time", got.Time, want.Time)
				same(t, "fee", got.Fees.Base, want.Fees.Base)
				same(t, "fee with what was added", got.Fees.Modified, want.Fees.Modified)
			}
			alone.end(t)
		}},
		{"both are mined", func(t *testing.T) {
			hashes = append(hashes, must(c.GenerateToAddress(1, to, nil))(t)...)
			b := must(c.GetBlock(tip()))(t)
			same(t, "transactions", len(b.Transactions), 3)
			same(t, "parent", b.Transactions[1].TxHash(), parent.TxHash())
			same(t, "child", b.Transactions[2].TxHash(), child.TxHash())
		}},
		{"a batch", func(t *testing.T) {
			config := n.config
			b := must(rpcclient.NewBatch(&config))(t)
			defer b.Shutdown()
			count, best, bad := b.GetBlockCountAsync(), b.GetBestBlockHashAsync(), b.GetBlockHashAsync(1000)
			if err := b.Send(); err != nil {
				t.Fatal(err)
			}
			same(t, "height", must(count.Receive())(t), height())
			same(t, "tip", *must(best.Receive())(t), *tip())
			_, err := bad.Receive()
			refused(t, err, -8, "Block height out of range")
		}},
		{"a wrong password", func(t *testing.T) {
			config := n.config
			config.CookiePath, config.User, config.Pass = "", "__cookie__", "guess"
			other := must(rpcclient.New(&config, nil))(t)
			defer other.Shutdown()
			if _, err := other.GetBlockCount(); err == nil || !strings.Contains(err.Error(), "401") {
				t.Errorf("error is %v, want status 401", err)
			}
		}},
		{"every method that both know was called", func(t *testing.T) {
			var text string
			receive(t, c, btcjson.NewHelpCmd(nil), &text)
			registered := btcjson.RegisteredCmdMethods()
			count := 0
			for line := range strings.Lines(text) {
				name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
				if !slices.Contains(registered, name) || name == "stop" {
					continue
				}
				count++
				if !n.called[name] {
					t.Errorf("%s was not", name)
				}
			}
			if count < 40 {
				t.Errorf("only %d", count)
			}
		}},
		{"the other node stops", other.end},
		{"stop, with code 0 and nothing on standard error", n.end},
	}
	for _, s := range steps {
		t.Run(s.name, s.run)
	}
}

// signed signs the only input of tx, which spends a coin of key.
func signed(t *testing.T, tx *wire.MsgTx, key *btcec.PrivateKey, pkScript []byte, value int64) {
	t.Helper()
	hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(pkScript, value))
	tx.TxIn[0].Witness = must(txscript.WitnessSignature(tx, hashes, 0, value, pkScript, txscript.SigHashAll, key, true))(t)
}

// vsize is how large a transaction counts, in virtual bytes.
func vsize(tx *wire.MsgTx) int { return (3*tx.SerializeSizeStripped() + tx.SerializeSize() + 3) / 4 }

// params are those of a method that the client has no function for.
func params(values ...any) (list []json.RawMessage) {
	for _, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		list = append(list, raw)
	}
	return list
}

// solved says whether a header has proof of work on regtest.
func solved(h *wire.BlockHeader) bool {
	hash := h.BlockHash()
	return hash[len(hash)-1] < 0x7f
}
