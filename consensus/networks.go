package consensus

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// The first bytes of extended keys are Bitcoin's on every built-in network, so
// that the devices which hold such keys need to know nothing new: those of its
// main network on ours, those of its test networks elsewhere.
var (
	xpub = [4]byte{0x04, 0x88, 0xb2, 0x1e}
	xprv = [4]byte{0x04, 0x88, 0xad, 0xe4}
	tpub = [4]byte{0x04, 0x35, 0x87, 0xcf}
	tprv = [4]byte{0x04, 0x35, 0x83, 0x94}
)

// Main returns the rules of the main network.
func Main() *Params {
	genesis := ownGenesis("Keelson main 21/Nov/2026 The keel is laid; what is built on it is yours", 0x1d00ffff, 682016879)
	p := own(genesis)
	p.Name = "main"
	p.Magic = [4]byte{0xeb, 0xb5, 0xe1, 0xce}
	p.RPCPort, p.P2PPort = 7332, 7333
	p.Address = address.Prefixes{PubKeyHash: 45, ScriptHash: 107, PrivateKey: 173, HRP: "kel", ExtPublic: xpub, ExtPrivate: xprv}
	p.CoinUnit = "KEL"
	return p
}

// Test returns the rules of the public test network: those of the main network
// with an easier anchor.
func Test() *Params {
	genesis := ownGenesis("Keelson test 21/Nov/2026 Here we may run aground and learn", 0x1e00ffff, 39219109)
	p := own(genesis)
	p.Name = "test"
	p.Magic = [4]byte{0xeb, 0xb5, 0xe1, 0x74}
	p.RPCPort, p.P2PPort = 17332, 17333
	p.Address = address.Prefixes{PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "tkel", ExtPublic: tpub, ExtPrivate: tprv}
	p.CoinUnit = "KEL"
	return p
}

// own returns what the main and test networks share.
func own(genesis *wire.Block) *Params {
	return &Params{
		Genesis:     genesis,
		GenesisHash: genesis.Hash(),

		Difficulty: ASERT,
		PowLimit:   limit(0x1e00ffff),
		Spacing:    120,
		Window:     2016, // for the time rules of BIP 54
		HalfLife:   34_560,
		Anchor:     pow.Bits(genesis.Header.Bits),

		TimeWarpGrace:      -1, // BIP 54 has its own
		MaxFutureBlockTime: 600,

		InitialSubsidy:   10 * wire.Coin,
		HalvingInterval:  1_050_000,
		CoinbaseMaturity: 100,

		MaxBlockWeight:     2_000_000,
		MaxBlockSigOpsCost: 40_000,

		Covenants: true,
	}
}

// RegtestOptions are the settings of a local test network.
type RegtestOptions struct {
	// ActivationHeights overrides heights; see ParseActivationHeight.
	ActivationHeights map[Deployment]uint32
	// NoCovenants switches the covenant opcodes of tapscript off.
	NoCovenants bool
	// Retarget turns ASERT on, with the schedule of the main network. The
	// anchor is the genesis block of February 2011: blocks should go on from
	// its time, or the difficulty stays at its lowest.
	Retarget bool
	// Stages are other difficulty rules from their heights on, in that order; see
	// ParseStages.
	Stages []Stage
}

// regtestBits are those of regtest's genesis block, and its limit.
const regtestBits = 0x207fffff

// Regtest returns the rules of Bitcoin Core 28's regtest, to the bit.
func Regtest(o RegtestOptions) *Params {
	genesis := bitcoinGenesis(1296688602, 2, regtestBits)
	p := &Params{
		Name:        "regtest",
		Genesis:     genesis,
		GenesisHash: genesis.Hash(),
		Magic:       [4]byte{0xfa, 0xbf, 0xb5, 0xda},
		RPCPort:     18443,
		P2PPort:     18444,
		Address:     address.Prefixes{PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "bcrt", ExtPublic: tpub, ExtPrivate: tprv},
		CoinUnit:    "BTC",

		Difficulty: Fixed,
		PowLimit:   limit(regtestBits),
		Spacing:    600,
		Window:     144,
		Anchor:     regtestBits,

		// Core 28 has BIP 94 on regtest; later releases made it an option.
		TimeWarpGrace:      600,
		MaxFutureBlockTime: 7200,

		InitialSubsidy:   50 * wire.Coin,
		HalvingInterval:  150,
		CoinbaseMaturity: 100,

		MaxBlockWeight:     4_000_000,
		MaxBlockSigOpsCost: 80_000,

		Activation: [NumDeployments]uint32{
			BIP34: 1, BIP65: 1, BIP66: 1, CSV: 1, Segwit: 0, Taproot: 0, BIP54: Never,
		},
		Covenants: !o.NoCovenants,

		Stages: o.Stages,
	}
	for d, height := range o.ActivationHeights {
		p.Activation[d] = height
	}
	if o.Retarget {
		p.Difficulty, p.Spacing, p.HalfLife = ASERT, stageSpacing, halfLifeBlocks*stageSpacing
	}
	return p
}

// ParseActivationHeight reads the setting testactivationheight, "NAME@HEIGHT",
// where NAME is segwit, bip34, dersig, cltv or csv. Errors read as Bitcoin
// Core's.
func ParseActivationHeight(text string) (Deployment, uint32, error) {
	invalid := func(what string) (Deployment, uint32, error) {
		return 0, 0, fmt.Errorf("%s (%s) for -testactivationheight=name@height%s", what, text, ".")
	}
	name, number, ok := strings.Cut(text, "@")
	if !ok {
		return invalid("Invalid format")
	}
	height, err := strconv.ParseInt(number, 10, 32)
	if err != nil || height < 0 || height >= math.MaxInt32 {
		return invalid("Invalid height value")
	}
	for _, d := range []Deployment{Segwit, BIP34, BIP66, BIP65, CSV} {
		if d.String() == name {
			return d, uint32(height), nil
		}
	}
	return invalid("Invalid name")
}

// ownGenesis returns the genesis block of one of our networks. Its coinbase
// has height 0 as BIP 34 writes it, an extra nonce and a text, and pays to a
// key that nobody has: the point H of BIP 341.
func ownGenesis(text string, bits, nonce uint32) *wire.Block {
	sigScript := append([]byte{0x00, 0x01, 0x00, byte(len(text))}, text...)
	pkScript := payToPubKey("0250929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")
	header := wire.Header{Version: 0x20000000, Time: 1795219200, Bits: bits, Nonce: nonce}
	return genesisBlock(header, sigScript, 10*wire.Coin, pkScript)
}

// bitcoinGenesis returns the genesis block that Bitcoin's networks share but
// for time, nonce and bits. Its coinbase has the original difficulty bits, the
// number 4 and the headline of 3 January 2009.
func bitcoinGenesis(time, nonce, bits uint32) *wire.Block {
	const headline = "The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
	sigScript := append([]byte{0x04}, binary.LittleEndian.AppendUint32(nil, 0x1d00ffff)...)
	sigScript = append(sigScript, 0x01, 0x04, byte(len(headline)))
	sigScript = append(sigScript, headline...)
	pkScript := payToPubKey("04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6" +
		"49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f")
	header := wire.Header{Version: 1, Time: time, Bits: bits, Nonce: nonce}
	return genesisBlock(header, sigScript, 50*wire.Coin, pkScript)
}

// payToPubKey returns the script of a key in hexadecimal and OP_CHECKSIG.
func payToPubKey(text string) []byte {
	key, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return append(append([]byte{byte(len(key))}, key...), 0xac)
}

// genesisBlock returns a block of one coinbase on nothing.
func genesisBlock(header wire.Header, sigScript []byte, value wire.Amount, pkScript []byte) *wire.Block {
	coinbase := &wire.Tx{
		Version: 1,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{Index: 0xffffffff},
			SigScript: sigScript,
			Sequence:  wire.SequenceFinal,
		}},
		Outputs: []wire.TxOut{{Value: value, PkScript: pkScript}},
	}
	b := &wire.Block{Header: header, Txs: []*wire.Tx{coinbase}}
	b.Header.MerkleRoot, _ = b.TxMerkleRoot()
	return b
}

// limit returns the target of constant bits.
func limit(bits pow.Bits) pow.Target {
	t, err := bits.Target()
	if err != nil {
		panic(err)
	}
	return t
}
