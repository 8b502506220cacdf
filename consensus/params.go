package consensus

import (
	"encoding/binary"
	"encoding/hex"
	"math"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// Deployment is a set of rules that becomes active at a height.
type Deployment uint8

// The deployments. Rules without one (P2SH, segregated witness in scripts) are
// active from genesis, as in Bitcoin Core; see Params.ScriptFlagExceptions.
const (
	BIP34   Deployment = iota // the height in the coinbase
	BIP65                     // OP_CHECKLOCKTIMEVERIFY
	BIP66                     // strict DER signatures
	CSV                       // BIP 68, 112 and 113: relative lock times
	Segwit                    // BIP 141 and 147: the witness commitment and the null dummy
	Taproot                   // BIP 341 and 342
	BIP54                     // the consensus clean-up
	NumDeployments
)

// String returns the name of the deployment in getdeploymentinfo and in
// testactivationheight: "bip34", "cltv", "dersig", "csv", "segwit", "taproot",
// "bip54".
func (d Deployment) String() string {
	names := [NumDeployments]string{"bip34", "cltv", "dersig", "csv", "segwit", "taproot", "bip54"}
	if d >= NumDeployments {
		return "unknown"
	}
	return names[d]
}

// Never is the activation height of rules that a network does not have.
const Never uint32 = math.MaxUint32

// Difficulty is the way in which a network adjusts its difficulty.
type Difficulty uint8

// The difficulty rules.
const (
	// Fixed keeps the bits of the genesis block.
	Fixed Difficulty = iota
	// ASERT sets each block's difficulty by how far the chain is ahead of its
	// schedule (aserti3-2d), counted from the genesis block.
	ASERT
	// Window is Bitcoin's: every Params.Window blocks the difficulty changes
	// by at most a factor of four.
	Window
)

// Params are the rules of a network. They come from one constructor per
// network and never change afterwards.
type Params struct {
	Name        string
	Genesis     *wire.Block
	GenesisHash wire.Hash
	// SpecHash is the identity of a custom network's chain-spec, zero for the
	// built-in networks; see ParseSpec.
	SpecHash [32]byte

	// What peers and clients know the network by.
	Magic    [4]byte
	RPCPort  uint16
	P2PPort  uint16
	Address  address.Prefixes
	CoinUnit string

	// Proof of work. Spacing and HalfLife (of ASERT) are in seconds, Window in
	// blocks. Anchor is the difficulty of ASERT's schedule at genesis.
	Difficulty       Difficulty
	PowLimit         pow.Target
	Spacing          int64
	Window           uint32
	HalfLife         int64
	Anchor           pow.Bits
	MinimumChainWork pow.Work

	// TimeWarpGrace is how many seconds the first block of a Window may be
	// earlier than its parent; negative where BIP 94 does not apply.
	TimeWarpGrace int64
	// MaxFutureBlockTime is how many seconds a block may be ahead of the clock.
	MaxFutureBlockTime int64

	// Money. HalvingInterval and CoinbaseMaturity are in blocks.
	InitialSubsidy   wire.Amount
	HalvingInterval  uint32
	CoinbaseMaturity uint32

	// MaxBlockWeight is in weight units, MaxBlockSigOpsCost in units of a
	// quarter of a legacy signature operation (BIP 141, "Sigops").
	MaxBlockWeight     int
	MaxBlockSigOpsCost int

	// Activation gives each deployment's height, 0 for "from genesis".
	Activation [NumDeployments]uint32
	// BIP34Hash is the block at BIP 34's activation height on the chain on
	// which no coinbase from before it can recur, zero if there is none: see
	// State.NeedsBIP30.
	BIP34Hash wire.Hash
	// BIP30Exceptions are the blocks that overwrite unspent outputs.
	BIP30Exceptions map[wire.Hash]bool
	// ScriptFlagExceptions gives single blocks other flags in place of P2SH,
	// witness and taproot (Bitcoin Core's script_flag_exceptions).
	ScriptFlagExceptions map[wire.Hash]script.Flags
	// Covenants says that the covenant opcodes of tapscript are active.
	Covenants bool
}

// Active reports whether the rules of d apply to a block at height.
func (p *Params) Active(d Deployment, height uint32) bool {
	return p.Activation[d] != Never && height >= p.Activation[d]
}

// Subsidy returns the new money that the coinbase at height may create, in
// satoshi: the initial subsidy, halved (rounding down) every HalvingInterval.
func Subsidy(p *Params, height uint32) wire.Amount {
	halvings := height / p.HalvingInterval
	if halvings >= 64 {
		return 0
	}
	return p.InitialSubsidy >> halvings
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
}

// Regtest returns the rules of Bitcoin Core 28's regtest, to the bit.
func Regtest(o RegtestOptions) *Params {
	genesis := bitcoinGenesis(1296688602, 2, 0x207fffff)
	p := &Params{
		Name:        "regtest",
		Genesis:     genesis,
		GenesisHash: genesis.Hash(),
		Magic:       [4]byte{0xfa, 0xbf, 0xb5, 0xda},
		RPCPort:     18443,
		P2PPort:     18444,
		Address:     address.Prefixes{PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "bcrt"},
		CoinUnit:    "BTC",

		Difficulty: Fixed,
		PowLimit:   limit(0x207fffff),
		Spacing:    600,
		Window:     144,
		Anchor:     0x207fffff,

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
	}
	for d, height := range o.ActivationHeights {
		p.Activation[d] = height
	}
	if o.Retarget {
		p.Difficulty, p.Spacing, p.HalfLife = ASERT, 120, 34_560
	}
	return p
}

// bitcoinGenesis returns the genesis block that Bitcoin's networks share but
// for time, nonce and bits: one coinbase with the headline of 3 January 2009.
func bitcoinGenesis(time, nonce, bits uint32) *wire.Block {
	const headline = "The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
	const pubKey = "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f"
	key, err := hex.DecodeString(pubKey)
	if err != nil {
		panic(err)
	}
	// The script pushes the original difficulty bits, the number 4 and the
	// headline; the output is a key and OP_CHECKSIG.
	sigScript := append([]byte{0x04}, binary.LittleEndian.AppendUint32(nil, 0x1d00ffff)...)
	sigScript = append(sigScript, 0x01, 0x04, byte(len(headline)))
	sigScript = append(sigScript, headline...)
	pkScript := append([]byte{byte(len(key))}, key...)
	pkScript = append(pkScript, 0xac)
	return genesisBlock(1, time, nonce, bits, sigScript, 50*wire.Coin, pkScript)
}

// genesisBlock builds a block of one coinbase on nothing.
func genesisBlock(version int32, time, nonce, bits uint32, sigScript []byte, value wire.Amount, pkScript []byte) *wire.Block {
	coinbase := &wire.Tx{
		Version: 1,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{Index: 0xffffffff},
			SigScript: sigScript,
			Sequence:  wire.SequenceFinal,
		}},
		Outputs: []wire.TxOut{{Value: value, PkScript: pkScript}},
	}
	b := &wire.Block{Txs: []*wire.Tx{coinbase}}
	b.Header = wire.Header{Version: version, Time: time, Bits: bits, Nonce: nonce}
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
