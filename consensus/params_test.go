package consensus

import (
	"encoding/hex"
	"testing"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// TestGenesisBlocks compares the genesis blocks, which the source has in
// fields, with their bytes.
func TestGenesisBlocks(t *testing.T) {
	for _, c := range []struct {
		p         *Params
		hash, raw string
	}{
		{Main(), "000000009ccf588e1f8e4d9085c25d645c0e368126e9d070c323fddb5eba7f02",
			"0000002000000000000000000000000000000000000000000000000000000000000000003d1acf3c77bb7087a905199d06fc3449961e79d878d646caa8c9fb896b9b456100df006bffff001d6fc0a6280101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4b000100474b65656c736f6e206d61696e2032312f4e6f762f3230323620546865206b65656c206973206c6169643b2077686174206973206275696c74206f6e20697420697320796f757273ffffffff0100ca9a3b0000000023210250929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0ac00000000"},
		{Test(), "00000074198d56431a1b6be0155b590126f58082e69f843e56c5aa7c3bf047eb",
			"000000200000000000000000000000000000000000000000000000000000000000000000f2604f405170dfb995824096d02f4a24d2cf1a6637566cc6a695fb0cae66670000df006bffff001ea56f56020101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff3e0001003a4b65656c736f6e20746573742032312f4e6f762f323032362048657265207765206d61792072756e206167726f756e6420616e64206c6561726effffffff0100ca9a3b0000000023210250929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0ac00000000"},
		{Regtest(RegtestOptions{}), "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
			"0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f20020000000101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"},
	} {
		if got := c.p.GenesisHash.String(); got != c.hash || c.p.Genesis.Hash() != c.p.GenesisHash {
			t.Errorf("%s: hash %s, not %s", c.p.Name, got, c.hash)
		}
		if got := hex.EncodeToString(c.p.Genesis.Bytes()); got != c.raw {
			t.Errorf("%s: block %s", c.p.Name, got)
		}
		if err := CheckBlock(c.p, c.p.Genesis); err != nil {
			t.Errorf("%s: %v", c.p.Name, err)
		}
	}
}

// TestConstants has every number of the networks once more, by hand.
func TestConstants(t *testing.T) {
	type constants struct {
		name        string
		magic       string
		rpc, p2p    uint16
		prefixes    address.Prefixes
		unit        string
		difficulty  Difficulty
		limit       string
		anchor      pow.Bits
		spacing     int64
		window      uint32
		halfLife    int64
		grace       int64
		future      int64
		subsidy     wire.Amount
		halving     uint32
		maturity    uint32
		weight      int
		sigOps      int
		activation  [NumDeployments]uint32 // bip34 cltv dersig csv segwit taproot bip54
		covenants   bool
		flagsOfOne  script.Flags
		subsidyOf0  wire.Amount
		totalSupply wire.Amount
	}
	const allFlags = script.VerifyP2SH | script.VerifyWitness | script.VerifyTaproot | script.VerifyDERSig |
		script.VerifyCheckLockTimeVerify | script.VerifyCheckSequenceVerify | script.VerifyNullDummy
	for _, c := range []struct {
		p    *Params
		want constants
	}{
		{Main(), constants{
			"main", "ebb5e1ce", 7332, 7333, address.Prefixes{PubKeyHash: 45, ScriptHash: 107, PrivateKey: 173, HRP: "kel", ExtPublic: [4]byte{0x04, 0x88, 0xb2, 0x1e}, ExtPrivate: [4]byte{0x04, 0x88, 0xad, 0xe4}}, "KEL",
			ASERT, "000000ffff000000000000000000000000000000000000000000000000000000", 0x1d00ffff, 120, 2016, 34560, -1, 600,
			1_000_000_000, 1_050_000, 100, 2_000_000, 40_000, [7]uint32{}, true, allFlags, 1_000_000_000, 2_099_999_986_350_000,
		}},
		{Test(), constants{
			"test", "ebb5e174", 17332, 17333, address.Prefixes{PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "tkel", ExtPublic: [4]byte{0x04, 0x35, 0x87, 0xcf}, ExtPrivate: [4]byte{0x04, 0x35, 0x83, 0x94}}, "KEL",
			ASERT, "000000ffff000000000000000000000000000000000000000000000000000000", 0x1e00ffff, 120, 2016, 34560, -1, 600,
			1_000_000_000, 1_050_000, 100, 2_000_000, 40_000, [7]uint32{}, true, allFlags, 1_000_000_000, 2_099_999_986_350_000,
		}},
		{Regtest(RegtestOptions{}), constants{
			"regtest", "fabfb5da", 18443, 18444, address.Prefixes{PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "bcrt", ExtPublic: [4]byte{0x04, 0x35, 0x87, 0xcf}, ExtPrivate: [4]byte{0x04, 0x35, 0x83, 0x94}}, "BTC",
			Fixed, "7fffff0000000000000000000000000000000000000000000000000000000000", 0x207fffff, 600, 144, 0, 600, 7200,
			5_000_000_000, 150, 100, 4_000_000, 80_000, [7]uint32{1, 1, 1, 1, 0, 0, Never}, true, allFlags, 5_000_000_000, 1_499_999_998_350,
		}},
	} {
		p := c.p
		var total wire.Amount
		for halving := range uint32(70) {
			total += wire.Amount(p.HalvingInterval) * Subsidy(p, halving*p.HalvingInterval)
		}
		got := constants{
			p.Name, hex.EncodeToString(p.Magic[:]), p.RPCPort, p.P2PPort, p.Address, p.CoinUnit,
			p.Difficulty, p.PowLimit.String(), p.Anchor, p.Spacing, p.Window, p.HalfLife, p.TimeWarpGrace, p.MaxFutureBlockTime,
			p.InitialSubsidy, p.HalvingInterval, p.CoinbaseMaturity, p.MaxBlockWeight, p.MaxBlockSigOpsCost, p.Activation, p.Covenants,
			GenesisState(p).ScriptFlags(), Subsidy(p, 0), total,
		}
		if got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", p.Name, got, c.want)
		}
		if p.SpecHash != [32]byte{} || p.BIP34Hash != (wire.Hash{}) || p.MinimumChainWork != (pow.Work{}) {
			t.Errorf("%s has what only specs have", p.Name)
		}
	}
}

func TestSubsidy(t *testing.T) {
	for _, c := range []struct {
		p      *Params
		height uint32
		want   wire.Amount
	}{
		{Regtest(RegtestOptions{}), 1, 50 * wire.Coin},
		{Regtest(RegtestOptions{}), 149, 50 * wire.Coin},
		{Regtest(RegtestOptions{}), 150, 25 * wire.Coin},
		{Regtest(RegtestOptions{}), 150 * 32, 1},
		{Regtest(RegtestOptions{}), 150 * 33, 0},
		{Regtest(RegtestOptions{}), 150 * 64, 0},
		{Regtest(RegtestOptions{}), 4_000_000_000, 0},
		{Main(), 1_049_999, 10 * wire.Coin},
		{Main(), 1_050_000, 5 * wire.Coin},
		{Main(), 1_050_000 * 29, 1},
		{Main(), 1_050_000 * 30, 0},
	} {
		if got := Subsidy(c.p, c.height); got != c.want {
			t.Errorf("%s at %d: %v, not %v", c.p.Name, c.height, got, c.want)
		}
	}
}

func TestParseActivationHeight(t *testing.T) {
	for text, want := range map[string]struct {
		d      Deployment
		height uint32
	}{
		"segwit@0":         {Segwit, 0},
		"bip34@2":          {BIP34, 2},
		"dersig@102":       {BIP66, 102},
		"cltv@111":         {BIP65, 111},
		"csv@2147483646":   {CSV, 2147483646},
		"csv@+432":         {CSV, 432},
		"segwit@000000150": {Segwit, 150},
	} {
		d, height, err := ParseActivationHeight(text)
		if err != nil || d != want.d || height != want.height {
			t.Errorf("%q is %v at %d, %v", text, d, height, err)
		}
	}
	for text, want := range map[string]string{
		"":                  "Invalid format () for -testactivationheight=name@height.",
		"segwit":            "Invalid format (segwit) for -testactivationheight=name@height.",
		"segwit@":           "Invalid height value (segwit@) for -testactivationheight=name@height.",
		"segwit@-1":         "Invalid height value (segwit@-1) for -testactivationheight=name@height.",
		"segwit@2147483647": "Invalid height value (segwit@2147483647) for -testactivationheight=name@height.",
		"segwit@1x":         "Invalid height value (segwit@1x) for -testactivationheight=name@height.",
		"bip35@1":           "Invalid name (bip35@1) for -testactivationheight=name@height.",
		"taproot@1":         "Invalid name (taproot@1) for -testactivationheight=name@height.",
		"bip54@1":           "Invalid name (bip54@1) for -testactivationheight=name@height.",
	} {
		if _, _, err := ParseActivationHeight(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestActivationHeights: a rule holds from its height on, and the State is
// about the child.
func TestActivationHeights(t *testing.T) {
	p := Regtest(RegtestOptions{ActivationHeights: map[Deployment]uint32{BIP66: 10, BIP65: 20, CSV: 30, Segwit: 40, BIP34: 50}})
	for _, c := range []struct {
		d    Deployment
		at   uint32
		flag script.Flags
	}{
		{BIP66, 10, script.VerifyDERSig},
		{BIP65, 20, script.VerifyCheckLockTimeVerify},
		{CSV, 30, script.VerifyCheckSequenceVerify},
		{Segwit, 40, script.VerifyNullDummy},
		{BIP34, 50, 0},
	} {
		for _, height := range []uint32{1, c.at - 1, c.at, c.at + 1} {
			s := State{Params: p, Tip: wire.BlockRef{Height: height - 1}}
			want := height >= c.at
			if s.Active(c.d) != want {
				t.Errorf("%v at %d", c.d, height)
			}
			if c.flag != 0 && s.ScriptFlags()&c.flag != 0 != want {
				t.Errorf("flag of %v at %d", c.d, height)
			}
			// As in Bitcoin Core these hold whatever the height of segwit is.
			if always := script.VerifyP2SH | script.VerifyWitness | script.VerifyTaproot; s.ScriptFlags()&always != always {
				t.Errorf("flags at %d: %v", height, s.ScriptFlags())
			}
		}
	}
	if p.Active(BIP54, Never) {
		t.Error("a rule that is never active is active")
	}
}
