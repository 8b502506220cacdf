package node

import (
	"sync/atomic"
	"time"
)

// Clock is the time that the node lives by: the machine's, or, for tests on
// regtest, one that stands still where it was set.
type Clock struct {
	mock atomic.Int64 // seconds since 1970; 0: the machine's clock
}

// Now returns the node's time.
func (c *Clock) Now() time.Time {
	if s := c.mock.Load(); s != 0 {
		return time.Unix(s, 0)
	}
	return time.Now()
}

// SetMock stops the clock at a time in seconds since 1970; 0 lets it run with
// the machine's again.
func (c *Clock) SetMock(seconds int64) { c.mock.Store(seconds) }
