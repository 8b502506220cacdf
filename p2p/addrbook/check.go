package addrbook

import (
	"errors"
	"fmt"
	"slices"
)

// Check walks the tables and returns an error if they contradict each other. It
// is for tests.
func (b *Book) Check() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Join(b.checkEntries(), b.checkTables(), b.checkPending())
}

func (b *Book) checkEntries() error {
	tried := 0
	for i, e := range b.order {
		switch {
		case e.at != i || b.byAddr[e.addr] != e:
			return fmt.Errorf("%v is not where it should be", e.addr)
		case !b.takes(&e.addr):
			return fmt.Errorf("%v does not belong here", e.addr)
		case e.tried && (len(e.buckets) != 0 || e.success == 0):
			return fmt.Errorf("%v is tried, with %d places among the new, worked at %d", e.addr, len(e.buckets), e.success)
		case !e.tried && (len(e.buckets) == 0 || len(e.buckets) > maxPlaces):
			return fmt.Errorf("%v is new and has %d places", e.addr, len(e.buckets))
		case e.seen < 0 || e.success < 0 || e.attempt < 0 || e.failures < 0:
			return fmt.Errorf("%v has impossible times", e.addr)
		}
		if e.tried {
			tried++
			if b.rival(&e.addr) != e {
				return fmt.Errorf("%v is not in its place among the tried", e.addr)
			}
		}
		for j, n := range e.buckets {
			if slices.Contains(e.buckets[:j], n) || b.fresh[n].at[b.position(kindNew, int(n), &e.addr)] != e {
				return fmt.Errorf("%v is not in its place of bucket %d", e.addr, n)
			}
		}
	}
	if len(b.byAddr) != len(b.order) || tried != b.triedCount {
		return fmt.Errorf("%d entries of which %d are tried, %d are found and %d counted", len(b.order), tried, len(b.byAddr), b.triedCount)
	}
	return nil
}

// checkTables counts places: with every entry in its own, none may be left over.
func (b *Book) checkTables() error {
	places, err := countPlaces(b.fresh[:])
	tried, triedErr := countPlaces(b.tried[:])
	if err := errors.Join(err, triedErr); err != nil {
		return err
	}
	for _, e := range b.order {
		places -= len(e.buckets)
	}
	if places != 0 || tried != b.triedCount {
		return fmt.Errorf("%d places of the new are held by nobody, %d of the tried by %d", places, tried, b.triedCount)
	}
	return nil
}

func countPlaces(table []bucket) (places int, err error) {
	for n := range table {
		for position, e := range table[n].at {
			if (table[n].taken>>position&1 == 1) != (e != nil) {
				return 0, fmt.Errorf("place %d of bucket %d is wrongly marked", position, n)
			}
			if e != nil {
				places++
			}
		}
	}
	return places, nil
}

func (b *Book) checkPending() error {
	for i, e := range b.pending {
		if b.byAddr[e.addr] != e || e.tried || slices.Contains(b.pending[:i], e) {
			return fmt.Errorf("%v waits, though it is tried, gone, or waits already", e.addr)
		}
	}
	if len(b.pending) > collisions {
		return fmt.Errorf("%d wait", len(b.pending))
	}
	return nil
}
