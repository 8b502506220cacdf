package host

import "testing"

// TestCounts: a peer connects, is blamed and banned, and is turned away when it
// comes again.
func TestCounts(t *testing.T) {
	a, b := start(t, nil), start(t, nil)
	_, p := join(t, b, a, "tcp")
	if c := a.Counts(); c.Connected != 1 || c.Penalties+c.Banned+c.Disconnected+c.Refused != 0 {
		t.Errorf("connected: %+v", c)
	}
	p.Penalise(60, "a test")
	p.Penalise(60, "a test")
	await(t, "the end of the peer", a.disconnected)
	if c := a.Counts(); c.Penalties != 2 || c.Banned != 1 || c.Disconnected != 1 || c.Evicted != 0 {
		t.Errorf("banned: %+v", c)
	}
	await(t, "the end of the peer", b.disconnected)
	if err := b.OneTry(t.Context(), a.addr(t, "tcp")); err == nil {
		t.Error("a banned peer was let in")
	}
	if c := a.Counts(); c.Connected != 1 || c.Refused == 0 {
		t.Errorf("turned away: %+v", c)
	}
	if c := b.Counts(); c.Connected != 1 || c.Failed != 1 {
		t.Errorf("the caller: %+v", c)
	}
}
