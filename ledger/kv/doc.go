// Package kv keeps keys and values on disk: an ordered store with atomic,
// durable writes, snapshots and iteration. It is the only package that knows
// goleveldb, whose formats and behaviour it tunes, guards and tests.
//
// What it adds to goleveldb: files go through an fsys.FS, so that the real
// database runs on a file system that crashes; names are synced where
// goleveldb leaves that to luck; a damaged file is one clear error and never a
// panic or a silent loss; after the first failed write nothing more is
// written.
//
// The package is not for the meaning of keys and values (see ledger).
package kv
