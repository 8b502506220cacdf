package mempool

import (
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

func wtxids(list []Arrival) (ids []wire.Hash) {
	for _, a := range list {
		ids = append(ids, a.WTxID)
	}
	return ids
}

func idsOf(txs ...*wire.Tx) (ids []wire.Hash) {
	for _, tx := range txs {
		ids = append(ids, tx.WTxID())
	}
	return ids
}

func TestArrivals(t *testing.T) {
	w := newWorld(t, nil)
	start := w.pool.Moment()
	a := w.spend(1000, 2, w.coin(0))
	b := w.child(a, 0, 3000, 2)
	c := w.spend(1000, 2, w.coin(1))
	w.add(a, b)
	list, middle, missed := w.pool.ArrivalsSince(start, nil)
	if !slices.Equal(wtxids(list), idsOf(a, b)) || missed {
		t.Fatalf("%v, missed: %v", list, missed)
	}
	if list[1].Fee != 3000 || list[1].VSize != b.VSize() || list[1].TxID != b.TxID() {
		t.Errorf("%+v", list[1])
	}
	w.add(c)
	better := w.spend(20_000, 2, w.coin(1))
	w.add(better)
	if list, _, _ = w.pool.ArrivalsSince(middle, nil); !slices.Equal(wtxids(list), idsOf(better)) {
		t.Errorf("what was replaced is listed: %v", list)
	}
	// What comes back from a block has come anew.
	now := w.pool.Moment()
	w.mine(a, b)
	w.holds(better)
	if err := w.ledger.Invalidate(t.Context(), blockAt(w, 1)); err != nil {
		t.Fatal(err)
	}
	if list, now, _ = w.pool.ArrivalsSince(now, nil); !slices.Equal(wtxids(list), idsOf(a, b)) {
		t.Errorf("%v came back", list)
	}
	if list, _, _ = w.pool.ArrivalsSince(now, nil); len(list) != 0 {
		t.Errorf("%v have come", list)
	}
}

// More arrivals than are remembered are not lost in silence.
func TestArrivalsMissed(t *testing.T) {
	w := newWorld(t, nil)
	start := w.pool.Moment()
	a, b := w.spend(1000, 2, w.coin(0)), w.spend(1000, 2, w.coin(1))
	w.add(a)
	e := w.pool.lookupWitness(&idsOf(a)[0])
	for range maxLatest - 1 {
		w.pool.latest.add(e)
	}
	if list, _, missed := w.pool.ArrivalsSince(start, nil); missed || len(list) != maxLatest {
		t.Fatalf("%d, missed: %v", len(list), missed)
	}
	w.add(b)
	list, now, missed := w.pool.ArrivalsSince(start, nil)
	if !missed || len(list) != maxLatest || list[maxLatest-1].TxID != b.TxID() {
		t.Fatalf("%d, missed: %v", len(list), missed)
	}
	if list, _, missed := w.pool.ArrivalsSince(now, nil); missed || len(list) != 0 {
		t.Fatalf("%d, missed: %v", len(list), missed)
	}
}

func TestRawByID(t *testing.T) {
	w := newWorld(t, nil)
	a := w.spend(1000, 2, w.coin(0)).Clone()
	before := w.pool.Moment()
	w.add(a)
	after := w.pool.Moment()
	for _, c := range []struct {
		name string
		get  func(wire.Hash, Moment) ([]byte, bool)
		id   wire.Hash
	}{{"wtxid", w.pool.RawByWTxID, a.WTxID()}, {"txid", w.pool.RawByTxID, a.TxID()}} {
		if raw, ok := c.get(c.id, after); !ok || !slices.Equal(raw, a.Append(nil)) {
			t.Errorf("%s: %x, %v", c.name, raw, ok)
		}
		if _, ok := c.get(c.id, before); ok {
			t.Errorf("%s: it was not there before", c.name)
		}
		if _, ok := c.get(wire.Hash{1}, after); ok {
			t.Errorf("%s: there is no such transaction", c.name)
		}
	}
	if !w.pool.HasWTxID(a.WTxID()) {
		t.Error("it is there")
	}
	if got := w.pool.LackingWTxIDs([]wire.Hash{{1}, a.WTxID(), {2}}, nil); !slices.Equal(got, []wire.Hash{{1}, {2}}) {
		t.Errorf("%v are lacking", got)
	}
	w.mine(a)
	if _, ok := w.pool.RawByWTxID(a.WTxID(), after); ok || w.pool.HasWTxID(a.WTxID()) {
		t.Error("it has left")
	}
}

// Numbers of arrivals may pass the end of their range.
func TestArrivalNumbersWrap(t *testing.T) {
	w := newWorld(t, nil)
	w.pool.latest.count = 1<<32 - 1
	a, b := w.spend(1000, 2, w.coin(0)), w.spend(1000, 2, w.coin(1))
	w.add(a)
	middle := w.pool.Moment()
	w.add(b)
	if _, ok := w.pool.RawByTxID(a.TxID(), middle); !ok {
		t.Error("a was there")
	}
	if _, ok := w.pool.RawByTxID(b.TxID(), middle); ok {
		t.Error("b was not there")
	}
}

// Parents stand before their children, whatever they pay; what pays too little is
// left out unless somebody above it pays for it.
func TestWTxIDs(t *testing.T) {
	w := newWorld(t, nil)
	low := w.spend(200, 2, w.coin(0))
	child := w.child(low, 0, 100_000, 2)
	grandchild := w.child(child, 0, 200_000, 2)
	cheap := w.spend(300, 2, w.coin(1))
	good := w.spend(5_000, 2, w.coin(2))
	w.add(low, child, grandchild, cheap, good)
	all, _ := w.pool.WTxIDs(0, 100)
	if !slices.Equal(all, idsOf(low, child, grandchild, good, cheap)) {
		t.Errorf("%v", all)
	}
	if some, _ := w.pool.WTxIDs(policy.RateOf(5000, good.VSize()), 100); !slices.Equal(some, idsOf(low, child, grandchild, good)) {
		t.Errorf("%v", some)
	}
	if some, _ := w.pool.WTxIDs(0, 2); len(some) != 0 {
		t.Errorf("a child without its parents: %v", some)
	}
	if some, _ := w.pool.WTxIDs(0, 4); !slices.Equal(some, idsOf(low, child, grandchild, good)) {
		t.Errorf("%v", some)
	}
}

func TestBroadcast(t *testing.T) {
	w := newWorld(t, nil)
	a := w.spend(1000, 2, w.coin(0))
	b := w.child(a, 0, 1000, 2)
	for _, tx := range []*wire.Tx{a, b} {
		if err := w.pool.Add(t.Context(), tx, AddOptions{Local: true}); err != nil {
			t.Fatal(err)
		}
	}
	if list := w.pool.Unbroadcast(); !slices.Equal(wtxids(list), idsOf(a, b)) {
		t.Fatalf("%v", list)
	}
	w.pool.MarkBroadcast(a.WTxID())
	w.pool.MarkBroadcast(a.WTxID())
	w.pool.MarkBroadcast(wire.Hash{1})
	w.check()
	if list := w.pool.Unbroadcast(); !slices.Equal(wtxids(list), idsOf(b)) {
		t.Fatalf("%v", list)
	}
	w.pool.MarkBroadcastTxID(wire.Hash{1})
	w.pool.MarkBroadcastTxID(b.TxID())
	w.check()
	if list := w.pool.Unbroadcast(); len(list) != 0 {
		t.Fatalf("%v", list)
	}
}

// Each has what was replaced, since somebody may mine it.
func TestEachHasReplaced(t *testing.T) {
	w := newWorld(t, nil)
	a := w.spend(1000, 2, w.coin(0))
	b := w.spend(20_000, 2, w.coin(0))
	w.add(a)
	w.add(b)
	seen := map[wire.Hash]int{}
	if err := w.pool.Each(func(wtxid *wire.Hash, raw []byte) {
		if tx, err := wire.DecodeTx(raw); err != nil || tx.WTxID() != *wtxid {
			t.Errorf("%v: %v", wtxid, err)
		}
		seen[*wtxid]++
	}); err != nil {
		t.Fatal(err)
	}
	if seen[a.WTxID()] != 1 || seen[b.WTxID()] != 1 || len(seen) != 2 {
		t.Errorf("%v", seen)
	}
	for range 3 * maxKept {
		w.pool.replaced.add(&entry{raw: []byte{1}})
	}
	w.pool.replaced.add(&entry{raw: make([]byte, maxKeptSize+1)})
	if n := len(w.pool.replaced.list); n != maxKept {
		t.Errorf("%d are kept", n)
	}
}
