package kv

import "github.com/syndtr/goleveldb/leveldb"

// Batch collects writes to be applied at once, in order. The zero value is
// empty and ready.
type Batch struct{ b leveldb.Batch }

// Put sets the value of a key.
func (b *Batch) Put(key, value []byte) { b.b.Put(key, value) }

// Delete removes a key, which need not exist.
func (b *Batch) Delete(key []byte) { b.b.Delete(key) }

// Len returns how many writes there are.
func (b *Batch) Len() int { return b.b.Len() }

// Size returns how many bytes of memory they take.
func (b *Batch) Size() int { return len(b.b.Dump()) }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.b.Reset() }

func (b *Batch) replay(w Writer) error { return b.b.Replay(w) }
