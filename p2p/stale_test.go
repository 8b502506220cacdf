package p2p

import (
	"testing"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

func TestStillness(t *testing.T) {
	const limit = 6 * time.Minute
	var s stillness
	began := time.Unix(1_700_000_000, 0)
	for _, look := range []struct {
		after time.Duration
		tip   byte
		stale bool
	}{
		{0, 1, false}, // whatever there was before, we have just begun
		{limit, 1, false},
		{limit + 1, 1, true},
		{limit + 2, 2, false},
		{2*limit + 2, 2, false},
		{2*limit + 3, 2, true},
		{2*limit + 4, 1, false}, // a reorganisation is movement, too
	} {
		if got := s.over(limit, wire.Hash{look.tip}, began.Add(look.after)); got != look.stale {
			t.Errorf("after %v with tip %d: %v", look.after, look.tip, got)
		}
	}
}
