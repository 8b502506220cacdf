package p2p

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestChase plays events and shows what the chase then does. Times are in
// milliseconds.
func TestChase(t *testing.T) {
	for _, c := range []struct {
		name   string
		pushed bool
		play   string // what happens, and what is to be done then
	}{
		{
			"asks the announcer at once where nobody pushes", false,
			"0 have 1; compact 1",
		},
		{
			"waits for a push", true,
			"0 have 1; wait 200; 199; wait 200; 200; compact 1",
		},
		{
			"waits longer for whoever promised to push", true,
			"0 have 1; wait 200; 150 promise 2; wait 1150; 1150; compact 1",
		},
		{
			"asks another one besides after a second", false,
			"0 have 1; compact 1; wait 60000; 500 have 2; wait 1000; 1000; compact 2; wait 60000; 1500 have 3; wait 2000; 2000; compact 3; 2500 have 4; wait 3000; 3000; wait 60000",
		},
		{
			"asks the next one at once when one has failed", false,
			"0 have 1; compact 1; 1 have 2; wait 1000; 10 useless 1 compact; compact 2",
		},
		{
			"asks for what is missing where the compact form came from", false,
			"0 have 1; compact 1; 1 have 2; wait 1000; 5 answered 1 compact; compact 2; 10 need txn 2; txn 2; wait 1010; 20 useless 2 txn; txn 1",
		},
		{
			"asks one that we chose for what is missing besides", false,
			"0 have 1; compact 1; 1 have 2; 5 answered 1 compact; compact 2; 10 need txn 1; txn 1; wait 1010; 20 chosen 3; txn 3 again; wait 1020; 30 chosen 4; wait 1020; " +
				"40 useless 3 txn; txn 2 again; 50 useless 1 txn; txn 4 again",
		},
		{
			"comes back to who did not have it yet", false,
			"0 have 1; compact 1; 10 notyet 1 compact; wait 1010; 1010; compact 1",
		},
		{
			"gives one peer a few tries", false,
			"0 have 1; compact 1; 0 notyet 1 compact; wait 1000; 1000; compact 1; 1000 notyet 1 compact; wait 2000; 2000; compact 1; " +
				"2000 notyet 1 compact; wait 3000; 3000; compact 1; 3000 notyet 1 compact; whole 1",
		},
		{
			"asks for the whole block where nothing else helps", false,
			"0 have 1; compact 1; 1 useless 1 compact; whole 1; wait 60000; 2 have 2; wait 3001; 3001; whole 2; 3002 useless 1 whole; wait 60000; 3003 useless 2 whole; give up",
		},
		{
			"forgets who has left", false,
			"0 have 1; compact 1; 1 have 2; wait 1000; 2 gone 2; wait 60000; 3 useless 1 compact; whole 1",
		},
		{
			"needs the whole block at once", true,
			"0 have 1; wait 200; 1 need whole; whole 1",
		},
		{
			"ends", false,
			"0 have 1; compact 1; 59999; wait 60000; 60000; give up",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Unix(1e9, 0)
			now := start
			at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
			ch := newChase(start, c.pushed)
			names := map[string]want{"compact": wantCompact, "txn": wantTxn, "whole": wantWhole}
			show := func(s step) string {
				switch {
				case s.giveUp:
					return "give up"
				case s.ask:
					for name, w := range names {
						if w == s.want && s.again {
							return fmt.Sprintf("%s %d again", name, s.peer)
						}
						if w == s.want {
							return fmt.Sprintf("%s %d", name, s.peer)
						}
					}
				}
				return fmt.Sprintf("wait %d", s.until.Sub(start).Milliseconds())
			}
			for _, line := range strings.Split(c.play, "; ") {
				var ms int
				var peer int64
				var verb, what string
				if n, _ := fmt.Sscanf(line, "%d", &ms); n == 0 {
					if got := show(ch.next(now)); got != line {
						t.Fatalf("at %d: %s, want %s", now.Sub(start).Milliseconds(), got, line)
					}
					continue
				}
				now = at(ms)
				_, _ = fmt.Sscanf(line, "%d %s", &ms, &verb)
				switch verb {
				case "":
				case "have", "promise", "chosen":
					_, _ = fmt.Sscanf(line, "%d %s %d", &ms, &verb, &peer)
					ch.announced(now, peer, verb == "promise", verb == "chosen")
				case "gone":
					_, _ = fmt.Sscanf(line, "%d %s %d", &ms, &verb, &peer)
					ch.gone(peer)
				case "need":
					_, _ = fmt.Sscanf(line, "%d %s %s %d", &ms, &verb, &what, &peer)
					ch.need(now, names[what], peer)
				default:
					_, _ = fmt.Sscanf(line, "%d %s %d %s", &ms, &verb, &peer, &what)
					ch.ended(now, peer, names[what], map[string]verdict{"answered": answered, "notyet": notYet, "useless": useless}[verb])
				}
			}
		})
	}
}

// TestChaseEnds: whatever happens, a chase asks no more than maxAsks at once, nobody
// too often, and ends.
func TestChaseEnds(t *testing.T) {
	for seed := range uint64(200) {
		r := newRand(seed)
		start := time.Unix(1e9, 0)
		now := start
		ch := newChase(now, r.IntN(2) == 0)
		type question struct {
			peer int64
			want want
		}
		var open []question
		tries := map[question]int{}
		for steps := 0; ; steps++ {
			if steps > 10_000 {
				t.Fatalf("seed %d: no end", seed)
			}
			switch r.IntN(6) {
			case 0:
				ch.announced(now, r.Int64N(6), r.IntN(2) == 0, r.IntN(2) == 0)
			case 1:
				ch.gone(r.Int64N(6))
			case 2:
				ch.need(now, want(r.IntN(int(wants))), r.Int64N(6))
			case 3, 4:
				if len(open) > 0 {
					i := r.IntN(len(open))
					ch.ended(now, open[i].peer, open[i].want, verdict(r.IntN(3)))
					open = append(open[:i], open[i+1:]...)
				}
			}
			s := ch.next(now)
			if s.giveUp {
				break
			}
			if s.ask {
				q := question{s.peer, s.want}
				open = append(open, q)
				if tries[q]++; tries[q] > maxTries || len(open) > maxAsks {
					t.Fatalf("seed %d: %+v asked for the %d. time, %d open", seed, q, tries[q], len(open))
				}
				continue
			}
			if !s.until.After(now) {
				t.Fatalf("seed %d: waits until %v at %v", seed, s.until.Sub(start), now.Sub(start))
			}
			now = now.Add(s.until.Sub(now) / time.Duration(1+r.IntN(3)))
		}
		if now.After(start.Add(chaseTime)) {
			t.Fatalf("seed %d: ends after %v", seed, now.Sub(start))
		}
	}
}
