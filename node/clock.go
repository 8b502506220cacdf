package node

import (
	"sync/atomic"
	"time"
)

// Clock is the time that the node lives by: the machine's; or, for tests on
// regtest, the machine's and an offset, or a time at which it stands still.
type Clock struct {
	mock   atomic.Int64 // seconds since 1970; 0: it runs
	offset atomic.Int64 // nanoseconds from the machine's clock, while it runs
}

// Now returns the node's time.
func (c *Clock) Now() time.Time {
	if s := c.mock.Load(); s != 0 {
		return time.Unix(s, 0)
	}
	now := time.Now()
	if d := c.offset.Load(); d != 0 {
		return now.Add(time.Duration(d))
	}
	return now
}

// SetMock stops the clock at a time in seconds since 1970; 0 lets it run again,
// as far from the machine's as it was before.
func (c *Clock) SetMock(seconds int64) { c.mock.Store(seconds) }

// Mock returns where the clock stands, in seconds since 1970; 0: it runs.
func (c *Clock) Mock() int64 { return c.mock.Load() }

// SetOffset is how far from the machine's the clock runs, forwards if d is
// positive. Where it stands still it goes on standing.
func (c *Clock) SetOffset(d time.Duration) { c.offset.Store(int64(d)) }

// Offset returns what SetOffset was told.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }
