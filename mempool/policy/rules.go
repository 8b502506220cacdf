package policy

// The limits on a transaction that no setting changes.
const (
	MaxTxVersion     = 3       // the highest standard version; 3 is TRUC (BIP 431)
	MaxTxWeight      = 400_000 // weight units of a transaction
	MinTxSize        = 65      // bytes of a transaction without its witnesses
	MaxSigScriptSize = 1_650   // bytes: a 15-of-15 multisig in P2SH with some to spare
	MaxSigOpsCost    = 16_000  // a fifth of what a block may have
	MaxP2SHSigOps    = 15      // signature checks of one redeem script
	MaxDustOutputs   = 1       // outputs below the dust threshold; see CheckDust
	MaxMultisigKeys  = 3       // keys of a multisig script that stands in an output

	MaxWitnessScriptSize = 3_600 // bytes of a P2WSH witness script
	MaxWitnessStackItems = 100   // elements that a P2WSH witness script is given
	MaxWitnessStackItem  = 80    // bytes of one of these elements

	// MaxTapscriptStackItem is how many bytes an element may have that a
	// tapscript is given. Bitcoin Core's limit is 80. Ours is that of consensus
	// on any element, because covenants are given parts of the transactions that
	// spend them, and would otherwise be valid but never relayed.
	MaxTapscriptStackItem = 520
)

// Rules are the settings of policy. The zero Rules are as strict as can be but
// for fees, of which they ask none.
type Rules struct {
	// AcceptNonStandard is acceptnonstdtxn: the pool leaves out CheckTx,
	// CheckInputs and CheckWitness. They do not look at it themselves.
	AcceptNonStandard bool
	// PermitBareMultisig is permitbaremultisig: outputs may be multisig scripts.
	PermitBareMultisig bool
	// MaxDataCarrier is datacarriersize: the bytes that the script of an
	// OP_RETURN output may have. 0, which is datacarrier=0, allows no such
	// output.
	MaxDataCarrier int

	DustRelay        FeeRate // dustrelayfee: at which outputs count as dust
	MinRelay         FeeRate // minrelaytxfee: below which nothing is relayed
	IncrementalRelay FeeRate // incrementalrelayfee: what a replacement adds

	// BytesPerSigOp is bytespersigop: how many weight units one unit of sigop
	// cost makes a transaction at least have; see VSize.
	BytesPerSigOp int
}

// DefaultRules returns Bitcoin Core's settings.
func DefaultRules() Rules {
	return Rules{
		PermitBareMultisig: true,
		MaxDataCarrier:     83,
		DustRelay:          3_000,
		MinRelay:           1_000,
		IncrementalRelay:   1_000,
		BytesPerSigOp:      20,
	}
}

// Error is a refusal by policy: the transaction may be valid, but is not taken
// in. Every function of this package that refuses returns an *Error.
type Error struct {
	Reason string // Bitcoin Core's reject string: "dust"
	Debug  string // its debug message; empty where there is none
}

// Error returns the reason and, after a comma, the debug message if there is
// one.
func (e *Error) Error() string {
	if e.Debug == "" {
		return e.Reason
	}
	return e.Reason + ", " + e.Debug
}

func refuse(reason string) error { return &Error{Reason: reason} }
