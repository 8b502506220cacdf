package consensus

import (
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
	// Stages replace all this from their heights on, each until the next one
	// begins. Only regtest has any, and only if it is told so.
	Stages []Stage

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

	// AssumeUTXO are the blocks whose sets of coins the network vouches for, by
	// height. They are no rules: nodes that name others are on the same network.
	AssumeUTXO []AssumedCoins
}

// AssumedCoins says what the coins after a block are (Bitcoin Core's
// AssumeutxoData).
type AssumedCoins struct {
	Block wire.BlockRef
	// Hash is that of gettxoutsetinfo's hash_serialized_3.
	Hash wire.Hash
	// ChainTxs is how many transactions the chain has up to the block.
	ChainTxs uint64
}

// Active reports whether the rules of d apply to a block at height.
func (p *Params) Active(d Deployment, height uint32) bool {
	return p.Activation[d] != Never && height >= p.Activation[d]
}

// Subsidy returns the new money that the coinbase at height may create, in
// satoshi: the initial subsidy, halved (rounding down) every HalvingInterval.
func Subsidy(p *Params, height uint32) wire.Amount {
	return p.InitialSubsidy >> (height / p.HalvingInterval)
}
