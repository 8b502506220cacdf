package consensus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// chainSpec is a chain-spec file: one JSON object. Every key is required but
// those that are marked; hashes are as people read them, other bytes in the
// order in which they are sent.
type chainSpec struct {
	// Name is 1 to 32 of a-z, 0-9 and '-'; it also names the data directory.
	Name     string `json:"name"`
	Magic    string `json:"magic"` // 4 bytes
	RPCPort  uint16 `json:"rpc_port"`
	P2PPort  uint16 `json:"p2p_port"`
	CoinUnit string `json:"coin_unit"`
	Address  struct {
		PubKeyHash *byte  `json:"pubkey_hash"`
		ScriptHash *byte  `json:"script_hash"`
		PrivateKey *byte  `json:"private_key"`
		HRP        string `json:"hrp"`
		// ExtPublic and ExtPrivate, 4 bytes each, are optional: Bitcoin's, those
		// of xpub and xprv, if they are left out.
		ExtPublic  string `json:"ext_public,omitempty"`
		ExtPrivate string `json:"ext_private,omitempty"`
	} `json:"address"`

	Genesis specGenesis `json:"genesis"`

	Difficulty struct {
		// Rule is "fixed", "asert" or "bitcoin-2016".
		Rule  string `json:"rule"`
		Limit string `json:"limit"` // bits of the easiest target
		// Spacing is in seconds, Window in blocks (2016 on Bitcoin).
		Spacing int64  `json:"spacing"`
		Window  uint32 `json:"window"`
		// HalfLife in seconds and Anchor are for asert alone; Anchor is
		// optional there and is the genesis block's bits if it is left out.
		HalfLife int64  `json:"half_life,omitempty"`
		Anchor   string `json:"anchor,omitempty"`
		// TimeWarpGrace, optional, switches the time-warp rule of BIP 94 on,
		// which allows 600 seconds.
		TimeWarpGrace *int64 `json:"time_warp_grace,omitempty"`
	} `json:"difficulty"`
	// MinimumChainWork is optional: up to 64 hexadecimal digits.
	MinimumChainWork   string `json:"minimum_chain_work,omitempty"`
	MaxFutureBlockTime int64  `json:"max_future_block_time"`

	InitialSubsidy   wire.Amount `json:"initial_subsidy"` // satoshi
	HalvingInterval  uint32      `json:"halving_interval"`
	CoinbaseMaturity uint32      `json:"coinbase_maturity"`

	MaxBlockWeight     int `json:"max_block_weight"`
	MaxBlockSigOpsCost int `json:"max_block_sigops_cost"`

	// Activation has a height, or "never", for each of bip34, dersig, cltv,
	// csv, segwit, taproot and bip54.
	Activation map[string]specHeight `json:"activation"`
	// Optional: see the fields of Params. Flags are written as in Bitcoin
	// Core's tests: "P2SH,WITNESS", or "NONE".
	BIP34Hash            *wire.Hash           `json:"bip34_hash,omitempty"`
	BIP30Exceptions      []wire.Hash          `json:"bip30_exceptions,omitempty"`
	ScriptFlagExceptions map[wire.Hash]string `json:"script_flag_exceptions,omitempty"`
	Covenants            *bool                `json:"covenants"`

	// AssumeUTXO is optional: see Params, in the order of heights. It is no part of
	// the network's identity, so that it may grow with the chain.
	AssumeUTXO []specCoins `json:"assumeutxo,omitempty"`
}

// specCoins are AssumedCoins.
type specCoins struct {
	Height   uint32    `json:"height"`
	Block    wire.Hash `json:"block"`
	Hash     wire.Hash `json:"hash_serialized_3"`
	ChainTxs uint64    `json:"chain_txs"`
}

// maxAssumed bounds the list, which nodes go through from its end.
const maxAssumed = 1000

// specGenesis is the genesis block: either all of it in Block, or its fields.
type specGenesis struct {
	Block string `json:"block,omitempty"`

	Version        int32       `json:"version,omitempty"`
	Time           uint32      `json:"time,omitempty"`
	Bits           string      `json:"bits,omitempty"`
	Nonce          uint32      `json:"nonce,omitempty"`
	CoinbaseScript string      `json:"coinbase_script,omitempty"`
	Value          wire.Amount `json:"value,omitempty"` // satoshi
	PkScript       string      `json:"pk_script,omitempty"`
}

// specHeight is a height or Never.
type specHeight uint32

func (h specHeight) MarshalJSON() ([]byte, error) {
	if uint32(h) == Never {
		return []byte(`"never"`), nil
	}
	return json.Marshal(uint32(h))
}

func (h *specHeight) UnmarshalJSON(b []byte) error {
	if string(b) == `"never"` {
		*h = specHeight(Never)
		return nil
	}
	var n uint32
	if err := json.Unmarshal(b, &n); err != nil || n == Never {
		return fmt.Errorf(`activation height %s must be a number or "never"`, b)
	}
	*h = specHeight(n)
	return nil
}

// ParseSpec reads a chain-spec file, which defines a network: a JSON object
// with all that Params hold (testdata/bitcoin.json is one, of Bitcoin's own
// rules). Keys that are unknown, missing or out of range are errors that name
// the key.
//
// Params.SpecHash is the identity of the network: the SHA-256 hash of the spec
// in a canonical form, which spaces, the order of keys and the way in which
// the genesis block is given do not change, but every value does, except for those of
// assumeutxo.
func ParseSpec(text []byte) (*Params, error) {
	var spec chainSpec
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&spec); err != nil {
		return nil, fmt.Errorf("chain-spec: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("chain-spec: data goes on after the end")
	}
	p, err := spec.params()
	if err != nil {
		return nil, fmt.Errorf("chain-spec: %w", err)
	}
	spec.Genesis = specGenesis{Block: hex.EncodeToString(p.Genesis.Bytes())}
	spec.Magic = hex.EncodeToString(p.Magic[:])
	spec.Difficulty.Anchor = fmt.Sprintf("%08x", uint32(p.Anchor))
	spec.Difficulty.Limit = fmt.Sprintf("%08x", uint32(p.PowLimit.Bits()))
	spec.MinimumChainWork = p.MinimumChainWork.String()
	for hash, flags := range p.ScriptFlagExceptions {
		spec.ScriptFlagExceptions[hash] = flags.String()
	}
	spec.AssumeUTXO = nil
	canonical, err := json.Marshal(&spec)
	if err != nil {
		return nil, fmt.Errorf("chain-spec: %w", err)
	}
	p.SpecHash = sha256.Sum256(canonical)
	return p, nil
}

// params checks every value and returns what the spec says.
func (spec *chainSpec) params() (*Params, error) {
	p := &Params{
		Name:               spec.Name,
		RPCPort:            spec.RPCPort,
		P2PPort:            spec.P2PPort,
		CoinUnit:           spec.CoinUnit,
		Spacing:            spec.Difficulty.Spacing,
		Window:             spec.Difficulty.Window,
		TimeWarpGrace:      -1,
		MaxFutureBlockTime: spec.MaxFutureBlockTime,
		InitialSubsidy:     spec.InitialSubsidy,
		HalvingInterval:    spec.HalvingInterval,
		CoinbaseMaturity:   spec.CoinbaseMaturity,
		MaxBlockWeight:     spec.MaxBlockWeight,
		MaxBlockSigOpsCost: spec.MaxBlockSigOpsCost,
	}
	for _, part := range []func(*Params) error{
		spec.identity, spec.numbers, spec.genesisBlock, spec.difficulty, spec.activation, spec.exceptions, spec.assumed,
	} {
		if err := part(p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// identity reads what peers and clients know the network by.
func (spec *chainSpec) identity(p *Params) error {
	switch spec.Name {
	case "main", "test", "regtest":
		return fmt.Errorf("name %q is that of a built-in network", spec.Name)
	}
	if !within(spec.Name, 1, 32, func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' }) {
		return fmt.Errorf("name %q must be 1 to 32 of a-z, 0-9 and '-'", spec.Name)
	}
	if !within(spec.CoinUnit, 1, 8, func(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }) {
		return fmt.Errorf("coin_unit %q must be 1 to 8 letters", spec.CoinUnit)
	}
	magic, err := hex.DecodeString(spec.Magic)
	if err != nil || len(magic) != len(p.Magic) {
		return fmt.Errorf("magic %q must be 8 hexadecimal digits", spec.Magic)
	}
	copy(p.Magic[:], magic)
	if spec.RPCPort == 0 || spec.P2PPort == 0 || spec.RPCPort == spec.P2PPort {
		return fmt.Errorf("rpc_port %d and p2p_port %d must be two different ports", spec.RPCPort, spec.P2PPort)
	}
	a := &spec.Address
	if a.PubKeyHash == nil || a.ScriptHash == nil || a.PrivateKey == nil {
		return errors.New("address must have pubkey_hash, script_hash, private_key and hrp")
	}
	if *a.PubKeyHash == *a.ScriptHash {
		return fmt.Errorf("address.pubkey_hash and script_hash are both %d", *a.PubKeyHash)
	}
	if !within(a.HRP, 1, 20, func(c byte) bool { return '!' <= c && c <= '~' && (c < 'A' || c > 'Z') }) {
		return fmt.Errorf("address.hrp %q must be 1 to 20 printable characters without capitals", a.HRP)
	}
	p.Address = address.Prefixes{PubKeyHash: *a.PubKeyHash, ScriptHash: *a.ScriptHash, PrivateKey: *a.PrivateKey, HRP: a.HRP}
	return spec.extendedKeys(p)
}

// extendedKeys reads what the network's extended keys begin with.
func (spec *chainSpec) extendedKeys(p *Params) error {
	for _, version := range []struct {
		key   string
		text  *string
		usual [4]byte
		into  *[4]byte
	}{
		{"ext_public", &spec.Address.ExtPublic, xpub, &p.Address.ExtPublic},
		{"ext_private", &spec.Address.ExtPrivate, xprv, &p.Address.ExtPrivate},
	} {
		*version.into = version.usual
		if *version.text == "" {
			continue
		}
		b, err := hex.DecodeString(*version.text)
		if err != nil || len(b) != len(version.into) {
			return fmt.Errorf("address.%s %q must be 8 hexadecimal digits", version.key, *version.text)
		}
		copy(version.into[:], b)
		// The usual value, written out, is no other network.
		if *version.text = hex.EncodeToString(b); *version.into == version.usual {
			*version.text = ""
		}
	}
	if p.Address.ExtPublic == p.Address.ExtPrivate {
		return fmt.Errorf("address.ext_public and ext_private are both %x", p.Address.ExtPublic)
	}
	return nil
}

func within(s string, shortest, longest int, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return len(s) >= shortest && len(s) <= longest
}

// numbers checks the ranges. The upper bounds are not rules: they keep all
// arithmetic with the numbers far from overflow, and blocks decodable.
func (spec *chainSpec) numbers(*Params) error {
	for _, n := range []struct {
		key          string
		value        int64
		least, bound int64
	}{
		{"difficulty.spacing", spec.Difficulty.Spacing, 1, 1_000_000},
		{"difficulty.window", int64(spec.Difficulty.Window), 2, 100_000},
		{"max_future_block_time", spec.MaxFutureBlockTime, 1, 1_000_000},
		{"initial_subsidy", int64(spec.InitialSubsidy), 0, int64(wire.MaxMoney)},
		{"halving_interval", int64(spec.HalvingInterval), 1, 1 << 31},
		{"coinbase_maturity", int64(spec.CoinbaseMaturity), 0, 1 << 31},
		{"max_block_weight", int64(spec.MaxBlockWeight), 4000, 32 << 20},
		{"max_block_sigops_cost", int64(spec.MaxBlockSigOpsCost), 1, 32 << 20},
	} {
		if n.value < n.least || n.value > n.bound {
			return fmt.Errorf("%s is %d and must be from %d to %d", n.key, n.value, n.least, n.bound)
		}
	}
	if spec.Covenants == nil {
		return errors.New("covenants must be true or false")
	}
	return nil
}

// genesisBlock reads or builds the genesis block, which must be one that
// CheckBlock accepts.
func (spec *chainSpec) genesisBlock(p *Params) error {
	g := &spec.Genesis
	limit, err := parseTarget("difficulty.limit", spec.Difficulty.Limit)
	if err != nil {
		return err
	}
	p.PowLimit = limit
	if g.Block != "" {
		if *g != (specGenesis{Block: g.Block}) {
			return errors.New("genesis must have either block or the fields of it")
		}
		raw, err := hex.DecodeString(g.Block)
		if err != nil {
			return errors.New("genesis.block is not hexadecimal")
		}
		if p.Genesis, err = wire.DecodeBlock(raw); err != nil {
			return fmt.Errorf("genesis.block: %w", err)
		}
	} else {
		bits, err := parseBits("genesis.bits", g.Bits)
		if err != nil {
			return err
		}
		sigScript, err := hex.DecodeString(g.CoinbaseScript)
		if err != nil {
			return errors.New("genesis.coinbase_script is not hexadecimal")
		}
		pkScript, err := hex.DecodeString(g.PkScript)
		if err != nil {
			return errors.New("genesis.pk_script is not hexadecimal")
		}
		header := wire.Header{Version: g.Version, Time: g.Time, Bits: uint32(bits), Nonce: g.Nonce}
		p.Genesis = genesisBlock(header, sigScript, g.Value, pkScript)
	}
	p.GenesisHash = p.Genesis.Hash()
	if !p.Genesis.Header.PrevBlock.IsZero() {
		return errors.New("genesis block has a parent")
	}
	if err := CheckBlock(p, p.Genesis); err != nil {
		return fmt.Errorf("genesis block: %w", err)
	}
	return nil
}

// difficulty reads the difficulty rule.
func (spec *chainSpec) difficulty(p *Params) error {
	d := &spec.Difficulty
	p.Anchor = pow.Bits(p.Genesis.Header.Bits)
	switch d.Rule {
	case "fixed":
		p.Difficulty = Fixed
	case "bitcoin-2016":
		p.Difficulty = Window
		// What pow.Retarget divides by must not be zero, and what it multiplies
		// must fit 256 bits, or a late window would make the difficulty jump up.
		timespan := uint64(d.Spacing) * uint64(d.Window)
		if timespan < 4 {
			return errors.New("difficulty.window is too short: bitcoin-2016 needs 4 s")
		}
		if timespan >= 1<<30 || p.PowLimit.BitLen()+bits.Len64(4*timespan) > 256 {
			return fmt.Errorf("difficulty.limit %s is too easy for windows of %d s under bitcoin-2016", d.Limit, timespan)
		}
	case "asert":
		p.Difficulty = ASERT
		if p.HalfLife = d.HalfLife; p.HalfLife < 1 || p.HalfLife > 100_000_000 {
			return fmt.Errorf("difficulty.half_life is %d and must be from 1 to 100000000", p.HalfLife)
		}
		if d.Anchor != "" {
			anchor, err := parseBits("difficulty.anchor", d.Anchor)
			if err != nil {
				return err
			}
			if target, err := anchor.Target(); err != nil || target.Cmp(p.PowLimit) > 0 {
				return fmt.Errorf("difficulty.anchor %q is not a target within the limit", d.Anchor)
			}
			p.Anchor = anchor
		}
	default:
		return fmt.Errorf(`difficulty.rule %q must be "fixed", "asert" or "bitcoin-2016"`, d.Rule)
	}
	if p.Difficulty != ASERT && (d.HalfLife != 0 || d.Anchor != "") {
		return fmt.Errorf("difficulty.half_life and anchor are for asert, not for %s", d.Rule)
	}
	if d.TimeWarpGrace != nil {
		if p.TimeWarpGrace = *d.TimeWarpGrace; p.TimeWarpGrace < 0 || p.TimeWarpGrace > 1_000_000 {
			return fmt.Errorf("difficulty.time_warp_grace is %d and must be from 0 to 1000000", p.TimeWarpGrace)
		}
	}
	if spec.MinimumChainWork != "" {
		work, err := pow.ParseWork(spec.MinimumChainWork)
		if err != nil {
			return fmt.Errorf("minimum_chain_work: %w", err)
		}
		p.MinimumChainWork = work
	}
	return nil
}

// activation reads the heights of all deployments.
func (spec *chainSpec) activation(p *Params) error {
	for d := range NumDeployments {
		height, ok := spec.Activation[d.String()]
		if !ok {
			return fmt.Errorf("activation.%v is missing", d)
		}
		p.Activation[d] = uint32(height)
	}
	if len(spec.Activation) > int(NumDeployments) {
		return fmt.Errorf("activation has unknown names: it has %d, there are %d", len(spec.Activation), NumDeployments)
	}
	p.Covenants = *spec.Covenants
	return nil
}

// exceptions reads what single blocks are excused from.
func (spec *chainSpec) exceptions(p *Params) error {
	if spec.BIP34Hash != nil {
		p.BIP34Hash = *spec.BIP34Hash
	}
	for _, hash := range spec.BIP30Exceptions {
		if p.BIP30Exceptions == nil {
			p.BIP30Exceptions = make(map[wire.Hash]bool)
		}
		p.BIP30Exceptions[hash] = true
	}
	for hash, text := range spec.ScriptFlagExceptions {
		flags, err := script.ParseFlags(text)
		if err != nil {
			return fmt.Errorf("script_flag_exceptions of %v: %w", hash, err)
		}
		if p.ScriptFlagExceptions == nil {
			p.ScriptFlagExceptions = make(map[wire.Hash]script.Flags)
		}
		p.ScriptFlagExceptions[hash] = flags
	}
	return nil
}

// assumed reads the sets of coins that the network vouches for.
func (spec *chainSpec) assumed(p *Params) error {
	if len(spec.AssumeUTXO) > maxAssumed {
		return fmt.Errorf("assumeutxo has %d blocks, at most %d are possible", len(spec.AssumeUTXO), maxAssumed)
	}
	last := uint32(0)
	for _, a := range spec.AssumeUTXO {
		switch {
		case a.Height <= last:
			return fmt.Errorf("assumeutxo has height %d behind %d", a.Height, last)
		case a.Block.IsZero() || a.Hash.IsZero():
			return fmt.Errorf("assumeutxo of height %d must have block and hash_serialized_3", a.Height)
		case a.ChainTxs <= uint64(a.Height):
			return fmt.Errorf("assumeutxo of height %d has chain_txs %d: a chain has more transactions than that", a.Height, a.ChainTxs)
		}
		last = a.Height
		p.AssumeUTXO = append(p.AssumeUTXO, AssumedCoins{
			Block: wire.BlockRef{Hash: a.Block, Height: a.Height}, Hash: a.Hash, ChainTxs: a.ChainTxs,
		})
	}
	return nil
}

// parseBits reads eight hexadecimal digits.
func parseBits(key, text string) (pow.Bits, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 4 {
		return 0, fmt.Errorf("%s %q must be 8 hexadecimal digits", key, text)
	}
	return pow.Bits(b[0])<<24 | pow.Bits(b[1])<<16 | pow.Bits(b[2])<<8 | pow.Bits(b[3]), nil
}

func parseTarget(key, text string) (pow.Target, error) {
	bits, err := parseBits(key, text)
	if err != nil {
		return pow.Target{}, err
	}
	target, err := bits.Target()
	if err != nil {
		return pow.Target{}, fmt.Errorf("%s %q: %w", key, text, err)
	}
	return target, nil
}
