package coincache

import (
	"encoding/binary"
	"hash/maphash"
	"iter"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// State is what a Cache knows of an outpoint.
type State uint8

const (
	Miss  State = iota // nothing: the database knows
	Hit                // there is a coin
	Spent              // there is none, whatever the database says
)

// Cache is a table of coins and of spent outpoints. Get is safe for concurrent
// use as long as nobody calls another method.
type Cache struct {
	seed  maphash.Seed
	max   int64
	bytes int64 // taken by all segments
	coins int   // unspent entries
	n     int   // entries
	segs  [segments]segment
}

// New returns an empty cache that is Full when it takes more than maxBytes.
func New(maxBytes int64) *Cache {
	return &Cache{seed: maphash.MakeSeed(), max: maxBytes}
}

// Bytes returns the memory that the table takes, in bytes.
func (c *Cache) Bytes() int64 { return c.bytes }

// Full reports whether the table has outgrown its bound. Nothing is refused
// then: whoever fills the cache asks between blocks, flushes and calls Clean.
func (c *Cache) Full() bool { return c.bytes > c.max }

// Len returns how many coins there are, and how many entries: coins and spent
// outpoints.
func (c *Cache) Len() (coins, entries int) { return c.coins, c.n }

// Get looks an outpoint up. On a Hit it fills in coin, whose script it appends
// to buf; it returns buf, grown. So a coin stays valid as long as the caller
// leaves buf's bytes alone, whatever happens to the cache.
func (c *Cache) Get(op *wire.OutPoint, coin *consensus.Coin, buf []byte) ([]byte, State) {
	key := keyOf(op)
	h := c.hash(&key)
	s := c.segment(h)
	i := s.find(h, &key)
	if i < 0 {
		return buf, Miss
	}
	e := &s.slots[i]
	if e.flags&flagSpent != 0 {
		return buf, Spent
	}
	at := len(buf)
	buf = append(buf, s.script(e)...)
	e.load(coin)
	coin.Out.PkScript = buf[at:len(buf):len(buf)]
	return buf, Hit
}

// Add puts a new coin at op, to be written at the next flush. fresh says that
// neither the cache's lower layers nor the database hold a coin there: then
// spending it before the flush leaves no trace. If in doubt, it is not fresh.
func (c *Cache) Add(op *wire.OutPoint, coin *consensus.Coin, fresh bool) {
	key := keyOf(op)
	h := c.hash(&key)
	s := c.segment(h)
	if i := s.find(h, &key); i >= 0 {
		// A spent entry hides a coin of the database, which the new coin
		// replaces; an unspent one keeps what is known of the database.
		e := &s.slots[i]
		flags := e.flags&flagFresh | flagDirty
		if e.flags&flagSpent != 0 {
			c.coins++
		}
		c.store(s, e, coin, flags)
		return
	}
	flags := flagUsed | flagDirty
	if fresh {
		flags |= flagFresh
	}
	c.insert(h, &key, coin, flags)
}

// PutClean remembers a coin that was read from the database. It changes
// nothing if the outpoint is known already.
func (c *Cache) PutClean(op *wire.OutPoint, coin *consensus.Coin) {
	key := keyOf(op)
	h := c.hash(&key)
	if c.segment(h).find(h, &key) < 0 {
		c.insert(h, &key, coin, flagUsed)
	}
}

// Spend takes the coin at op away, which must exist in the cache or in the
// database: the caller has looked. A fresh coin vanishes; for another the
// outpoint is remembered as spent until the next flush.
func (c *Cache) Spend(op *wire.OutPoint) {
	key := keyOf(op)
	h := c.hash(&key)
	s := c.segment(h)
	i := s.find(h, &key)
	if i < 0 {
		c.insert(h, &key, nil, flagUsed|flagDirty|flagSpent)
		return
	}
	e := &s.slots[i]
	if e.flags&flagSpent != 0 {
		return
	}
	c.coins--
	s.dropScript(e)
	if e.flags&flagFresh != 0 {
		c.remove(s, i)
		return
	}
	e.flags = flagUsed | flagDirty | flagSpent
}

// Entry is a change that the database does not know yet.
type Entry struct {
	OutPoint wire.OutPoint
	Coin     consensus.Coin // unless Spent
	Spent    bool
	Fresh    bool // see Add; a fresh coin is never Spent
}

// Dirty visits all changes since the last Clean, in no order. The Entry and
// its script are valid until the next one; the cache must not be changed
// meanwhile.
func (c *Cache) Dirty() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		var out Entry
		for i := range c.segs {
			s := &c.segs[i]
			for j := range s.slots {
				e := &s.slots[j]
				if e.flags&flagDirty == 0 {
					continue
				}
				out = Entry{
					OutPoint: e.outPoint(),
					Spent:    e.flags&flagSpent != 0,
					Fresh:    e.flags&flagFresh != 0,
				}
				if !out.Spent {
					e.load(&out.Coin)
					out.Coin.Out.PkScript = s.script(e)
				}
				if !yield(&out) {
					return
				}
			}
		}
	}
}

// Merge applies the changes of over, a cache that lay over this one, and leaves
// over as it is.
func (c *Cache) Merge(over *Cache) {
	for e := range over.Dirty() {
		if e.Spent {
			c.Spend(&e.OutPoint)
		} else {
			c.Add(&e.OutPoint, &e.Coin, e.Fresh)
		}
	}
}

// Reset drops everything, changes too, and gives the memory back.
func (c *Cache) Reset() {
	c.segs = [segments]segment{}
	c.bytes, c.coins, c.n = 0, 0, 0
}

// Clean says that all changes are in the database now. Spent outpoints are
// forgotten; coins stay, as far as they fit into keep bytes: the newest ones,
// which are the likeliest to be spent next.
func (c *Cache) Clean(keep int64) {
	oldest := c.oldestToKeep(keep)
	for i := range c.segs {
		c.clean(&c.segs[i], i, oldest)
	}
}

// oldestToKeep returns the height of the oldest coins to keep so that the table
// fits into keep bytes.
func (c *Cache) oldestToKeep(keep int64) uint32 {
	var arenas int64
	top := uint32(0)
	for i := range c.segs {
		s := &c.segs[i]
		arenas += int64(len(s.arena) - s.garbage)
		for j := range s.slots {
			top = max(top, s.slots[j].height)
		}
	}
	// A coin takes a slot and its share of free ones and of long scripts.
	per := slotBytes*3/2 + arenas/int64(max(c.coins, 1))
	room := keep / per
	if int64(c.coins) <= room {
		return 0
	}
	// Counts of coins by height, in up to 4096 steps.
	var counts [4096]int64
	step := top/uint32(len(counts)) + 1
	for i := range c.segs {
		for j := range c.segs[i].slots {
			if e := &c.segs[i].slots[j]; e.flags&(flagUsed|flagSpent) == flagUsed {
				counts[e.height/step]++
			}
		}
	}
	b := len(counts)
	for b > 0 && counts[b-1] <= room {
		b--
		room -= counts[b]
	}
	return uint32(b) * step
}

func (c *Cache) hash(key *[keySize]byte) uint64 { return maphash.Bytes(c.seed, key[:]) }

func (c *Cache) segment(h uint64) *segment { return &c.segs[h>>segmentShift] }

func keyOf(op *wire.OutPoint) (key [keySize]byte) {
	copy(key[:], op.TxID[:])
	binary.LittleEndian.PutUint32(key[wire.HashSize:], op.Index)
	return key
}
