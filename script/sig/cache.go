package sig

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// A cache is an array of sets of ways keys. The set is chosen by the key, the
// way to overwrite by a counter of the set, so that a set forgets its oldest.
const (
	cacheWays   = 8
	cacheShards = 64 // locks; sets are spread over them
)

type cacheKey [sha256.Size]byte

type cacheSet struct {
	keys [cacheWays]cacheKey // a zero key is an empty place
	next uint32              // the way to overwrite next
}

const cacheSetBytes = cacheWays*sha256.Size + 4

// Cache is a bounded set of checks, and of transactions, that were found to hold, safe
// for concurrent use. It remembers a SHA-256 hash of each, salted so that nobody
// outside can aim at a place of it. What does not hold is never remembered. A nil
// *Cache, in an [Exact] or a [Batch], remembers nothing.
type Cache struct {
	salt   [32]byte
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu   sync.RWMutex
	sets []cacheSet // guarded by mu
	_    [32]byte   // keeps neighbouring locks off one cache line
}

// NewCache returns a cache that takes at most maxBytes of memory for its keys,
// or nil if that is not enough for one key. salt should be random and secret.
func NewCache(maxBytes int, salt [32]byte) *Cache {
	perShard := maxBytes / (cacheShards * cacheSetBytes)
	if perShard < 1 {
		return nil
	}
	c := &Cache{salt: salt}
	for i := range c.shards {
		c.shards[i].sets = make([]cacheSet, perShard)
	}
	return c
}

// key hashes what the answer to ch depends on.
func (c *Cache) key(ch *Check) cacheKey {
	var space [320]byte
	return sha256.Sum256(ch.appendTo(append(space[:0], c.salt[:]...)))
}

// scriptsMark begins the key of a transaction, and of no check: it is no Kind.
const scriptsMark = 0xff

func (c *Cache) scriptsKey(wtxid [32]byte, rules uint64) cacheKey {
	var space [32 + 1 + 32 + 8]byte
	b := append(append(space[:0], c.salt[:]...), scriptsMark)
	return sha256.Sum256(binary.LittleEndian.AppendUint64(append(b, wtxid[:]...), rules))
}

// HasScripts reports whether AddScripts was told the same, and it is not forgotten yet.
func (c *Cache) HasScripts(wtxid [32]byte, rules uint64) bool {
	k := c.scriptsKey(wtxid, rules)
	return c.has(&k)
}

// AddScripts remembers that all scripts of the transaction with a witness id are valid
// by the rules that a number stands for, such as script.Flags.
func (c *Cache) AddScripts(wtxid [32]byte, rules uint64) {
	k := c.scriptsKey(wtxid, rules)
	c.add(&k)
}

// set returns the shard of a key and the set's place in it.
func (c *Cache) set(k *cacheKey) (*cacheShard, int) {
	s := &c.shards[k[0]%cacheShards]
	return s, int(binary.LittleEndian.Uint64(k[8:]) % uint64(len(s.sets)))
}

// has reports whether the key was added and is not forgotten yet.
func (c *Cache) has(k *cacheKey) bool {
	s, i := c.set(k)
	s.mu.RLock()
	defer s.mu.RUnlock()
	set := &s.sets[i]
	for w := range set.keys {
		if set.keys[w] == *k {
			return true
		}
	}
	return false
}

// add remembers a key.
func (c *Cache) add(k *cacheKey) {
	s, i := c.set(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	set := &s.sets[i]
	for w := range set.keys {
		if set.keys[w] == *k {
			return
		}
	}
	set.keys[set.next] = *k
	set.next = (set.next + 1) % cacheWays
}
