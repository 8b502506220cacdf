// Package fsys is the ledger's one door to a file system, and how every part of the
// node replaces a file as a whole (Replace). FS says what the ledger needs of one; Disk is a real folder; Mem keeps files in memory; Crash
// does too, loses what was not synced and stops at a chosen operation, so that
// crash safety can be shown and not argued; Faults makes any FS run full, turn
// read-only or fail at a chosen operation.
//
// The rules of durability are the strictest that a real disk may apply. What
// was written to a file is durable after File.Sync, and only then. A file's
// name (made, renamed or removed) is durable after SyncDir of its folder, and
// only then: syncing the file does not do it.
//
// The package is not a general file API: names are slash-separated, relative
// to the root and never contain "..".
package fsys
