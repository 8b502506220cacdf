package node

import (
	"testing"
	"time"
)

// TestClock: the clock stands where it was set, and runs on with its offset.
func TestClock(t *testing.T) {
	c := new(Clock)
	near := func(what string, want time.Time) {
		t.Helper()
		if d := c.Now().Sub(want); d < 0 || d > time.Minute {
			t.Errorf("%s: the clock is %v away from where it should be", what, d)
		}
	}
	near("untouched", time.Now())
	c.SetOffset(3 * time.Hour)
	near("ahead", time.Now().Add(3*time.Hour))
	first := c.Now()
	for deadline := time.Now().Add(time.Minute); !c.Now().After(first); {
		if time.Now().After(deadline) {
			t.Fatal("with an offset the clock stands still")
		}
	}
	c.SetOffset(-time.Hour)
	near("behind", time.Now().Add(-time.Hour))
	c.SetMock(1_700_000_000)
	if got := c.Now(); !got.Equal(time.Unix(1_700_000_000, 0)) || c.Mock() != 1_700_000_000 {
		t.Errorf("stopped at 1700000000 the clock says %v", got)
	}
	c.SetMock(0)
	near("let run again", time.Now().Add(-time.Hour))
	if c.Offset() != -time.Hour {
		t.Errorf("offset %v", c.Offset())
	}
	c.SetOffset(0)
	near("set right", time.Now())
}
