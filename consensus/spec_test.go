package consensus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

func bitcoinSpec(t testing.TB) map[string]any {
	text, err := os.ReadFile("testdata/bitcoin.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

func encode(t testing.TB, spec map[string]any) []byte {
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestBitcoinSpec compares the spec of Bitcoin's rules with the numbers of its
// main network.
func TestBitcoinSpec(t *testing.T) {
	p := readSpec(t, "bitcoin.json")
	if got := p.GenesisHash.String(); got != "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f" {
		t.Errorf("genesis block %s", got)
	}
	if p.Activation != [NumDeployments]uint32{227931, 388381, 363725, 419328, 481824, 709632, Never} {
		t.Errorf("activation %v", p.Activation)
	}
	if p.Difficulty != Window || p.Spacing != 600 || p.Window != 2016 || p.TimeWarpGrace != -1 || p.HalfLife != 0 {
		t.Errorf("difficulty %v %v %v %v %v", p.Difficulty, p.Spacing, p.Window, p.TimeWarpGrace, p.HalfLife)
	}
	if got := p.PowLimit.String(); got != "00000000ffff0000000000000000000000000000000000000000000000000000" {
		t.Errorf("limit %s", got)
	}
	bip16 := wire.MustHash("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22")
	taproot := wire.MustHash("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad")
	if want := map[wire.Hash]script.Flags{bip16: 0, taproot: script.VerifyP2SH | script.VerifyWitness}; !maps.Equal(p.ScriptFlagExceptions, want) {
		t.Errorf("exceptions %v", p.ScriptFlagExceptions)
	}
	if len(p.BIP30Exceptions) != 2 || p.Covenants || p.CoinUnit != "BTC" || p.Address.HRP != "bc" || p.Address.ExtPublic != xpub || p.Address.ExtPrivate != xprv || p.Magic != [4]byte{0xf9, 0xbe, 0xb4, 0xd9} {
		t.Errorf("%+v", p)
	}
}

// TestSpecHash: the identity does not depend on how the file is written but on
// everything that it says.
func TestSpecHash(t *testing.T) {
	base := readSpec(t, "bitcoin.json")
	if base.SpecHash == [32]byte{} {
		t.Fatal("no identity")
	}
	same := bitcoinSpec(t)
	same["genesis"] = map[string]any{"block": fmt.Sprintf("%X", base.Genesis.Bytes())}
	same["magic"] = "F9BEB4D9"
	same["minimum_chain_work"] = "0"
	same["address"].(map[string]any)["ext_public"] = "0488B21E" // what is usual
	p, err := ParseSpec(append([]byte(" \n"), encode(t, same)...))
	if err != nil {
		t.Fatal(err)
	}
	if p.SpecHash != base.SpecHash {
		t.Error("the same network has another identity")
	}
	seen := map[[32]byte]string{base.SpecHash: "none"}
	for name, change := range map[string]func(spec map[string]any){
		"name":       func(s map[string]any) { s["name"] = "other" },
		"magic":      func(s map[string]any) { s["magic"] = "f9beb4d8" },
		"port":       func(s map[string]any) { s["rpc_port"] = 1 },
		"unit":       func(s map[string]any) { s["coin_unit"] = "XBT" },
		"hrp":        func(s map[string]any) { s["address"].(map[string]any)["hrp"] = "bx" },
		"prefix":     func(s map[string]any) { s["address"].(map[string]any)["pubkey_hash"] = 1 },
		"xpub":       func(s map[string]any) { s["address"].(map[string]any)["ext_public"] = "043587cf" },
		"xprv":       func(s map[string]any) { s["address"].(map[string]any)["ext_private"] = "04358394" },
		"spacing":    func(s map[string]any) { s["difficulty"].(map[string]any)["spacing"] = 601 },
		"limit":      func(s map[string]any) { s["difficulty"].(map[string]any)["limit"] = "1d01ffff" },
		"grace":      func(s map[string]any) { s["difficulty"].(map[string]any)["time_warp_grace"] = 0 },
		"rule":       func(s map[string]any) { s["difficulty"].(map[string]any)["rule"] = "fixed" },
		"work":       func(s map[string]any) { s["minimum_chain_work"] = "1" },
		"future":     func(s map[string]any) { s["max_future_block_time"] = 1 },
		"subsidy":    func(s map[string]any) { s["initial_subsidy"] = 1 },
		"halving":    func(s map[string]any) { s["halving_interval"] = 1 },
		"maturity":   func(s map[string]any) { s["coinbase_maturity"] = 1 },
		"weight":     func(s map[string]any) { s["max_block_weight"] = 4000 },
		"sigops":     func(s map[string]any) { s["max_block_sigops_cost"] = 4 },
		"activation": func(s map[string]any) { s["activation"].(map[string]any)["csv"] = "never" },
		"bip34":      func(s map[string]any) { delete(s, "bip34_hash") },
		"bip30":      func(s map[string]any) { delete(s, "bip30_exceptions") },
		"exceptions": func(s map[string]any) { delete(s, "script_flag_exceptions") },
		"covenants":  func(s map[string]any) { s["covenants"] = true },
	} {
		spec := bitcoinSpec(t)
		change(spec)
		p, err := ParseSpec(encode(t, spec))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if other, ok := seen[p.SpecHash]; ok {
			t.Errorf("changes of %s and %s give the same identity", name, other)
		}
		seen[p.SpecHash] = name
	}
}

// TestSpecAssumed: what a spec vouches for is read, and makes no other network.
func TestSpecAssumed(t *testing.T) {
	base := readSpec(t, "bitcoin.json")
	spec := bitcoinSpec(t)
	blocks := []wire.Hash{wire.MustHash(strings.Repeat("0a", 32)), wire.MustHash(strings.Repeat("0b", 32))}
	spec["assumeutxo"] = []map[string]any{
		{"height": 110, "block": blocks[0], "hash_serialized_3": blocks[1], "chain_txs": 111},
		{"height": 200, "block": blocks[1], "hash_serialized_3": blocks[0], "chain_txs": 400},
	}
	p, err := ParseSpec(encode(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	want := []AssumedCoins{
		{wire.BlockRef{Hash: blocks[0], Height: 110}, blocks[1], 111},
		{wire.BlockRef{Hash: blocks[1], Height: 200}, blocks[0], 400},
	}
	if !slices.Equal(p.AssumeUTXO, want) {
		t.Errorf("%+v", p.AssumeUTXO)
	}
	if p.SpecHash != base.SpecHash || len(base.AssumeUTXO) != 0 {
		t.Errorf("the identity is %x, not %x", p.SpecHash, base.SpecHash)
	}
}

// TestSpecErrors breaks one thing at a time; the error names it.
func TestSpecErrors(t *testing.T) {
	type object = map[string]any
	in := func(key string) func(object) object {
		return func(s object) object { return s[key].(object) }
	}
	top := func(s object) object { return s }
	one := strings.Repeat("01", 32)
	for _, c := range []struct {
		where func(object) object
		key   string
		value any // nil deletes
		want  string
	}{
		{top, "nmae", "x", `unknown field "nmae"`},
		{in("difficulty"), "halflife", 1, `unknown field "halflife"`},
		{top, "name", nil, "name"},
		{top, "name", "Main Street", "name"},
		{top, "name", "main", "built-in"},
		{top, "name", strings.Repeat("x", 33), "name"},
		{top, "name", 7, "name"},
		{top, "magic", "f9beb4", "magic"},
		{top, "magic", "f9beb4dx", "magic"},
		{top, "rpc_port", 0, "rpc_port"},
		{top, "rpc_port", 65536, "rpc_port"},
		{top, "p2p_port", 8332, "p2p_port"},
		{top, "coin_unit", "", "coin_unit"},
		{top, "coin_unit", "B T", "coin_unit"},
		{in("address"), "private_key", nil, "private_key"},
		{in("address"), "pubkey_hash", 256, "pubkey_hash"},
		{in("address"), "pubkey_hash", 5, "pubkey_hash"},
		{in("address"), "hrp", "BC", "hrp"},
		{in("address"), "hrp", "", "hrp"},
		{in("address"), "ext_public", "0488b2", "ext_public"},
		{in("address"), "ext_private", "0488ade4x", "ext_private"},
		{in("address"), "ext_private", "0488b21e", "ext_private"},
		{top, "genesis", nil, "genesis"},
		{in("genesis"), "nonce", 1, "hash is above the target"},
		{in("genesis"), "bits", "1d00fff", "genesis.bits"},
		{in("genesis"), "coinbase_script", "0", "coinbase_script"},
		{in("genesis"), "coinbase_script", "00", "hash is above the target"},
		{in("genesis"), "pk_script", "zz", "pk_script"},
		{in("genesis"), "block", "00", "either"},
		{top, "genesis", object{"block": "00"}, "genesis.block"},
		{top, "genesis", object{"block": "zz"}, "genesis.block"},
		{in("difficulty"), "rule", "magic", "difficulty.rule"},
		{in("difficulty"), "rule", "asert", "half_life"},
		{in("difficulty"), "half_life", 1, "half_life"},
		{in("difficulty"), "anchor", "1d00ffff", "anchor"},
		{in("difficulty"), "limit", "1c00ffff", "easier than the limit"},
		{in("difficulty"), "limit", "00000000", "difficulty.limit"},
		{in("difficulty"), "limit", nil, "difficulty.limit"},
		{in("difficulty"), "limit", "207fffff", "too easy for windows"},
		{in("difficulty"), "spacing", 600_000, "too easy for windows"},
		{in("difficulty"), "spacing", 0, "difficulty.spacing"},
		{in("difficulty"), "spacing", -600, "difficulty.spacing"},
		{in("difficulty"), "window", 1, "difficulty.window"},
		{in("difficulty"), "time_warp_grace", -1, "time_warp_grace"},
		{top, "minimum_chain_work", "xyz", "minimum_chain_work"},
		{top, "max_future_block_time", nil, "max_future_block_time"},
		{top, "initial_subsidy", -1, "initial_subsidy"},
		{top, "initial_subsidy", 2_100_000_000_000_001, "initial_subsidy"},
		{top, "halving_interval", 0, "halving_interval"},
		{top, "coinbase_maturity", -1, "coinbase_maturity"},
		{top, "max_block_weight", 3999, "max_block_weight"},
		{top, "max_block_weight", 100_000_000, "max_block_weight"},
		{top, "max_block_sigops_cost", 0, "max_block_sigops_cost"},
		{in("activation"), "csv", nil, "activation.csv"},
		{in("activation"), "csv", -1, "activation height"},
		{in("activation"), "csv", "soon", "activation height"},
		{in("activation"), "csv", 4294967295, "activation height"},
		{in("activation"), "bip9", 1, "unknown names"},
		{top, "bip34_hash", "00", "hash"},
		{top, "script_flag_exceptions", object{"00": "NONE"}, "hash"},
		{in("script_flag_exceptions"), "00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22", "P2SH,MAGIC", "MAGIC"},
		{top, "covenants", nil, "covenants"},
		{top, "assumeutxo", []object{{"height": 0, "block": one, "hash_serialized_3": one, "chain_txs": 1}}, "assumeutxo has height 0"},
		{top, "assumeutxo", []object{{"height": 7, "block": one, "hash_serialized_3": one, "chain_txs": 8}, {"height": 7, "block": one, "hash_serialized_3": one, "chain_txs": 8}}, "height 7 behind 7"},
		{top, "assumeutxo", []object{{"height": 7, "hash_serialized_3": one, "chain_txs": 8}}, "block"},
		{top, "assumeutxo", []object{{"height": 7, "block": one, "chain_txs": 8}}, "hash_serialized_3"},
		{top, "assumeutxo", []object{{"height": 7, "block": one, "hash_serialized_3": one, "chain_txs": 7}}, "chain_txs"},
		{top, "assumeutxo", []object{{"hieght": 7}}, `unknown field "hieght"`},
		{top, "assumeutxo", make([]object, 1001), "at most 1000"},
	} {
		t.Run(fmt.Sprintf("%s %v", c.key, c.value), func(t *testing.T) {
			spec := bitcoinSpec(t)
			if c.value == nil {
				delete(c.where(spec), c.key)
			} else {
				c.where(spec)[c.key] = c.value
			}
			_, err := ParseSpec(encode(t, spec))
			if err == nil || !strings.HasPrefix(err.Error(), "chain-spec: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want something about %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %v", err)
			}
		})
	}
	for _, text := range []string{"", "{", "[]", "null", `{"name":"x"`, string(encode(t, bitcoinSpec(t))) + "{}"} {
		if _, err := ParseSpec([]byte(text)); err == nil {
			t.Errorf("%.20q is a spec", text)
		}
	}
}

// TestASERTSpec: a network of one's own with an anchor.
func TestASERTSpec(t *testing.T) {
	spec := bitcoinSpec(t)
	d := spec["difficulty"].(map[string]any)
	d["rule"], d["half_life"], d["spacing"], d["limit"] = "asert", 3600, 60, "207fffff"
	p, err := ParseSpec(encode(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	implied := p.SpecHash
	if p.Anchor != 0x1d00ffff || p.HalfLife != 3600 {
		t.Errorf("anchor %08x, half-life %d", uint32(p.Anchor), p.HalfLife)
	}
	d["anchor"] = "1d00ffff"
	if p, err = ParseSpec(encode(t, spec)); err != nil || p.SpecHash != implied {
		t.Errorf("with the anchor named: %v", err)
	}
	d["anchor"] = "207fffff"
	if p, err = ParseSpec(encode(t, spec)); err != nil || p.Anchor != 0x207fffff || p.SpecHash == implied {
		t.Errorf("with another anchor: %v", err)
	}
	d["anchor"] = "2100ffff"
	if _, err = ParseSpec(encode(t, spec)); err == nil {
		t.Error("an anchor beyond the limit")
	}
}

func FuzzParseSpec(f *testing.F) {
	text, err := os.ReadFile("testdata/bitcoin.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"name":"x","activation":{"csv":"never"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseSpec(text)
		if err != nil {
			if p != nil || !strings.HasPrefix(err.Error(), "chain-spec: ") {
				t.Fatal(p, err)
			}
			return
		}
		if err := CheckBlock(p, p.Genesis); err != nil {
			t.Fatal(err)
		}
		s := GenesisState(p)
		s.NextBits()
		Subsidy(p, 1<<31)
	})
}
