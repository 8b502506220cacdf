// Package wire holds the data that nodes agree on byte for byte: transactions,
// block headers, blocks, hashes and amounts, with their one canonical encoding.
//
// The encodings are Bitcoin's: integers little-endian, counts as CompactSize,
// transactions with the segregated witness format of BIP 144.
//
// Decoding is bounded: it is never tighter than consensus, and it never
// allocates more than a small multiple of the bytes it was given. A decoded
// value keeps the buffer that it came from, and its scripts are slices of it.
//
// The package is not for rules (see consensus), scripts (see script) or peer
// messages (see p2p); it knows no files, sockets, clock or log.
package wire
