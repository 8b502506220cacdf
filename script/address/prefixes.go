// Package address turns output scripts into the addresses people pass around,
// and back: base58check (P2PKH, P2SH), bech32 (BIP 173, witness version 0) and
// bech32m (BIP 350, later versions), and private keys in the wallet import
// format. What an address means on a network is told by its [Prefixes].
//
// It is not for classifying scripts in general (script.Classify is) and knows
// no keys beyond their encoding.
package address

// Prefixes are what tells the addresses of one network from another's.
type Prefixes struct {
	PubKeyHash byte   // version byte of P2PKH in base58check
	ScriptHash byte   // version byte of P2SH in base58check
	PrivateKey byte   // version byte of a private key in the wallet import format
	HRP        string // human-readable part of bech32 and bech32m, lower case

	// ExtPublic and ExtPrivate are the first four bytes of extended public and
	// private keys (BIP 32): they give "xpub" and "xprv" their first letters.
	ExtPublic  [4]byte
	ExtPrivate [4]byte
}
