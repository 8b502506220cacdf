// Package flat keeps append-only records in numbered files: block bodies
// (blk00000.dat, ...) and undo records (rev00000.dat, ...). The framing is
// Bitcoin's, so that tools which read blk files read these: the network's
// magic (4 bytes), the payload's length (4 bytes, little-endian), the payload.
//
// A record is found again by its Pos, which also carries its checksum. The
// Pos, and the End of the files, are for the caller to keep in a database: it
// calls Sync, then commits the batch that names them. Whatever lies past the
// End that the database names was never committed and is cut off by Open.
//
// The package is not for the meaning of a payload (see ledger).
package flat
