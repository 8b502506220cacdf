package ledger

import (
	"bytes"
	"slices"

	"github.com/keelson-chain/keelson/ledger/kv"
)

// rowLog holds writes to the database until they are made, in little memory: the
// rows in the order in which they came, and where each begins. The zero value is
// empty.
//
// They are written in the order of their keys, the last for each key alone. Keys
// that begin with a hash would otherwise be strewn all over the database's tables
// in memory, and on disk over all of its files.
type rowLog struct {
	// Each row is the length of the key (1), that of the value plus 1 or 0 where
	// the key is deleted (1), the key and the value.
	bytes  []byte
	starts []int
}

// put sets a key of at most 255 bytes to a value of at most 254.
func (r *rowLog) put(key, value []byte) {
	r.starts = append(r.starts, len(r.bytes))
	r.bytes = append(r.bytes, byte(len(key)), byte(len(value)+1))
	r.bytes = append(append(r.bytes, key...), value...)
}

func (r *rowLog) delete(key []byte) {
	r.starts = append(r.starts, len(r.bytes))
	r.bytes = append(append(r.bytes, byte(len(key)), 0), key...)
}

// size returns how many bytes of memory the rows take.
func (r *rowLog) size() int64 { return int64(len(r.bytes)) + 8*int64(len(r.starts)) }

func (r *rowLog) key(start int) []byte { return r.bytes[start+2:][:r.bytes[start]] }

func (r *rowLog) write(w kv.Writer) {
	slices.SortFunc(r.starts, func(a, b int) int {
		if c := bytes.Compare(r.key(a), r.key(b)); c != 0 {
			return c
		}
		return a - b
	})
	for i, start := range r.starts {
		key := r.key(start)
		if i+1 < len(r.starts) && bytes.Equal(key, r.key(r.starts[i+1])) {
			continue // it is written again
		}
		if n := r.bytes[start+1]; n > 0 {
			w.Put(key, r.bytes[start+2+len(key):][:n-1])
		} else {
			w.Delete(key)
		}
	}
	// In the order in which they came, again, should more be added.
	slices.Sort(r.starts)
}

func (r *rowLog) reset() { r.bytes, r.starts = r.bytes[:0], r.starts[:0] }
