package mempool

import "testing"

func TestAdd(t *testing.T) {
	w := newWorld(t, nil)
	a := w.spend(1000, 2, w.coin(0))
	b := w.child(a, 0, 2000, 1)
	c := w.spend(500, 1, w.OutputsOf(a)[1], w.OutputsOf(b)[0])
	w.add(a, b, c)
	w.holds(a, b, c)
	w.mine(a)
	w.holds(b, c)
	w.mine(b, c)
	w.holds()
}
