package fsys

import (
	"math/rand/v2"
	"path"
)

// Crash is an FS in memory that remembers every change, so that it can say
// what a disk might hold if the power had failed at any moment. Tests run a
// scenario on it, then open an Image or Reboot of it and look whether all that
// was promised is there.
//
// It counts every change, syncs included: writes, truncations, file syncs,
// files made, renamed and removed, folders made and synced.
type Crash struct {
	*mem
	base  snapshot // what was there before the first op, durable
	log   []op
	limit int // ops after which it stops; -1: never
}

// snapshot is a state of the files.
type snapshot struct {
	names map[string]int // the file's id
	files map[int][]byte
	dirs  map[string]bool
}

// NewCrash returns an empty Crash.
func NewCrash() *Crash {
	return newCrash(snapshot{map[string]int{}, map[int][]byte{}, map[string]bool{".": true}})
}

func newCrash(base snapshot) *Crash {
	c := &Crash{mem: newMem(), base: base, limit: -1}
	for name, id := range base.names {
		// Content is only ever changed in place past a copy.
		c.names[name] = &node{id: id, data: append([]byte(nil), base.files[id]...)}
		c.nextID = max(c.nextID, id+1)
	}
	for dir := range base.dirs {
		c.dirs[dir] = true
	}
	c.hook = c.record
	c.gate = c.stopped
	return c
}

func (c *Crash) stopped() error {
	if c.limit >= 0 && len(c.log) >= c.limit {
		return ErrCrashed
	}
	return nil
}

func (c *Crash) record(o op) error {
	if err := c.stopped(); err != nil {
		return err
	}
	o.data = append([]byte(nil), o.data...)
	c.log = append(c.log, o)
	return nil
}

// Ops returns how many changes there were.
func (c *Crash) Ops() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.log)
}

// StopAt makes the file system stop when n changes are done: everything after
// them, reading too, is ErrCrashed.
func (c *Crash) StopAt(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = n
}

// Reboot returns what a disk might hold after a power failure now; see Image.
func (c *Crash) Reboot(seed uint64) *Crash { return c.Image(c.Ops(), seed) }

// Image returns what a disk might hold after a power failure behind the first n
// changes. What was synced is there. Of the rest, seed 0 loses everything and
// seed 1 nothing; any other seed draws, for each file, how many of its writes
// survive and whether the last one is torn, followed by zeros or, though
// earlier ones are lost, followed by later ones; and for each folder how many of
// its changes of names survive.
func (c *Crash) Image(n int, seed uint64) *Crash {
	c.mu.RLock()
	defer c.mu.RUnlock()
	d := newDurable(c.base)
	for _, o := range c.log[:n] {
		d.apply(o)
	}
	return newCrash(d.survivors(seed))
}

// durable follows the changes and keeps apart what is synced and what is not.
type durable struct {
	snapshot
	writes map[int][]op    // unsynced, by file
	moves  map[string][]op // unsynced, by folder
	order  []int           // files with unsynced writes, in order of the first
	folder []string        // folders with unsynced names, in order of the first
}

func newDurable(base snapshot) *durable {
	d := &durable{
		snapshot: snapshot{map[string]int{}, map[int][]byte{}, map[string]bool{}},
		writes:   map[int][]op{},
		moves:    map[string][]op{},
	}
	for name, id := range base.names {
		d.names[name] = id
	}
	for id, data := range base.files {
		d.files[id] = append([]byte(nil), data...)
	}
	for dir := range base.dirs {
		d.dirs[dir] = true
	}
	return d
}

func (d *durable) apply(o op) {
	switch o.kind {
	case opWrite, opTruncate:
		if d.writes[o.id] == nil {
			d.order = append(d.order, o.id)
		}
		d.writes[o.id] = append(d.writes[o.id], o)
	case opSync:
		for _, w := range d.writes[o.id] {
			d.write(w)
		}
		d.writes[o.id] = nil
	case opCreate, opRename, opRemove:
		dir := path.Dir(o.name)
		if d.moves[dir] == nil {
			d.folder = append(d.folder, dir)
		}
		d.moves[dir] = append(d.moves[dir], o)
	case opMkdir:
		d.dirs[o.name] = true
	case opSyncDir:
		for _, m := range d.moves[o.name] {
			d.move(m)
		}
		d.moves[o.name] = nil
	}
}

func (d *durable) write(o op) {
	if o.kind == opTruncate {
		d.files[o.id] = truncate(d.files[o.id], o.off)
	} else {
		d.files[o.id] = writeAt(d.files[o.id], o.data, o.off)
	}
}

func (d *durable) move(o op) {
	switch o.kind {
	case opCreate:
		d.names[o.name] = o.id
	case opRename:
		d.names[o.to] = d.names[o.name]
		delete(d.names, o.name)
	case opRemove:
		delete(d.names, o.name)
	}
}

// survivors decides what of the unsynced changes is on the disk.
func (d *durable) survivors(seed uint64) snapshot {
	r := rand.New(rand.NewPCG(seed, 0xd15c))
	for _, dir := range d.folder {
		moves := d.moves[dir]
		for _, m := range moves[:d.some(r, seed, len(moves))] {
			d.move(m)
		}
		d.moves[dir] = nil
	}
	for _, id := range d.order {
		writes := d.writes[id]
		d.writes[id] = nil
		keep := d.some(r, seed, len(writes))
		for _, w := range writes[:keep] {
			d.write(w)
		}
		if seed <= 1 || keep == len(writes) {
			continue
		}
		torn := writes[keep]
		if torn.kind == opTruncate {
			continue
		}
		part := torn
		part.data = torn.data[:r.IntN(len(torn.data)+1)]
		switch r.IntN(4) {
		case 0: // nothing of it
		case 1: // a part
			d.write(part)
		case 2: // a part, and zeros in place of the rest
			zeros := torn
			zeros.data = make([]byte, len(torn.data))
			d.write(zeros)
			d.write(part)
		case 3: // a part, and the later writes as well
			d.write(part)
			for _, w := range writes[keep+1:] {
				d.write(w)
			}
		}
	}
	return d.snapshot
}

// some draws how many of n ordered changes survive.
func (d *durable) some(r *rand.Rand, seed uint64, n int) int {
	switch seed {
	case 0:
		return 0
	case 1:
		return n
	}
	return r.IntN(n + 1)
}
