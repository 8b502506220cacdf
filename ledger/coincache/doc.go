// Package coincache keeps coins in memory between the rules and the database:
// a write-back table in which a coin that is created and spent between two
// flushes never reaches the disk.
//
// The table holds no pointers, so the garbage collector never looks into it,
// and it counts its memory exactly. It is open-addressed in 256 segments that
// grow one by one and at different times: the memory follows the number of
// coins closely, and growing needs room for one segment twice, not for the
// table. Keys are hashed with a seed of this process, so that nobody can choose
// outpoints that collide.
//
// The package is not for reading through to a database, nor for the format of
// a coin on disk: the ledger does both.
package coincache
