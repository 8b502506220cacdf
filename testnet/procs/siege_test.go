package procs_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/p2p/attack"
	"github.com/keelson-chain/keelson/testnet/procs"
)

const (
	// siegeHeight is how long the chain is: so much that chains with little work are
	// known to be none (their bound is 144 blocks below the tip).
	siegeHeight = 300
	// siegeMemory is how much more memory a node under attack may take than a quiet
	// one, in bytes, and smokeMemory where other tests keep the machine busy, so that
	// garbage is collected late.
	siegeMemory, smokeMemory = 100 << 20, 250 << 20
	// siegeLog is how much a node may log for each connection of an attacker, and
	// siegeChat how much besides, in bytes.
	siegeLog  = 2 << 10
	siegeChat = 256 << 10
	// siegeFate is how long the fate of an attacker may take: it is as slow as it is
	// allowed to be, and the machine is busy.
	siegeFate = time.Minute
	// siegeSpell is how long attackers go on that are borne, and siegeRest how long a
	// victim may have to give memory back before the next come.
	siegeSpell, siegeRest = 5 * time.Second, 7 * time.Second
)

// TestSiege attacks a node that has honest peers in every way that there is: first
// those that it has to ask for its misfortune, then all others at once. Slow ones are
// left out. TestSieges, with KEELSON_ATTACKERS attackers, does so in one way after
// the other; `make siege` has 200 of them.
func TestSiege(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	s := newSiege(t)
	s.allowed = smokeMemory
	for _, asked := range []bool{true, false} {
		var wg sync.WaitGroup
		until := time.Now().Add(siegeSpell)
		for _, a := range attack.All() {
			if a.Asked == asked && !a.Slow {
				wg.Go(func() { s.attack(a, until, true) })
			}
		}
		s.during(&wg)
		s.lift()
	}
	s.branches()
}

// TestSieges has many attackers do the same at one time.
func TestSieges(t *testing.T) {
	text := os.Getenv("KEELSON_ATTACKERS")
	if text == "" {
		t.Skip("it takes long: KEELSON_ATTACKERS says how many attack")
	}
	attackers, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("KEELSON_ATTACKERS: %v", err)
	}
	only, err := regexp.Compile(os.Getenv("KEELSON_ATTACK"))
	if err != nil {
		t.Fatalf("KEELSON_ATTACK: %v", err)
	}
	s := newSiege(t)
	for _, a := range attack.All() {
		if !only.MatchString(a.Name) {
			continue
		}
		t.Run(strings.ReplaceAll(a.Name, " ", "_"), func(t *testing.T) {
			s.t = t
			var wg sync.WaitGroup
			until := time.Now().Add(siegeSpell)
			for range attackers {
				wg.Go(func() { s.attack(a, until, false) })
			}
			s.during(&wg)
			s.lift()
		})
	}
	s.t = t
	s.branches()
}

// siege is a node under attack, between two honest peers that know each other
// through it alone.
type siege struct {
	*procs.Cluster
	t        testing.TB
	victim   *procs.Node
	target   *attack.Victim
	purse    *procs.Purse
	honest   []int64 // who they are to the victim
	quiet    int64   // memory without attackers, in bytes
	allowed  int64   // how much more it may take
	logged   int     // length of the log before
	files    int     // that the victim has open
	calls    atomic.Int64
	innocent atomic.Int64 // attackers that came to nothing
	most     atomic.Int64 // memory
	relayed  int
	slowest  time.Duration // of what passes between the honest
}

// newSiege starts the nodes. Their caches of signatures, which are taken whole at the
// start and come into memory as they are used, are small: honest ones fill them as well.
func newSiege(t *testing.T) *siege {
	s := &siege{t: t, allowed: siegeMemory, Cluster: procs.NewCluster(t, procs.Build(t), 3, "--maxsigcachesize=4")}
	s.victim = s.Nodes[0]
	s.purse = procs.NewPurse(t, s.Nodes[1], 2000)
	s.target = &attack.Victim{Coin: s.purse.Coin()}
	// A large block, for those who ask for much.
	for range 10 {
		s.purse.Send(t, s.Nodes[1], s.purse.Fat(80_000))
	}
	s.Mine(1, 1)
	s.Mine(1, siegeHeight)
	s.Join(0, 1) // the victim calls one of them, and the other calls it
	s.Join(2, 0)
	s.OneTip()
	big, coin := s.Tip(1), s.target.Coin
	var err error
	if s.target, err = attack.Find(t.Context(), attack.Regtest(), s.victim.PeerPort); err != nil {
		t.Fatal(err)
	}
	s.target.Big, s.target.Coin = big, coin
	s.honest = s.peers()
	if len(s.honest) != 2 {
		t.Fatalf("%d peers, not the two honest ones", len(s.honest))
	}
	// What a node takes that has something to do: large blocks among it, so that its
	// heap has been full and swept.
	for range 10 {
		for range 10 {
			s.purse.Send(t, s.Nodes[1], s.purse.Fat(80_000))
		}
		s.relay()
		s.quiet = max(s.quiet, s.victim.Memory(t))
	}
	s.slowest, s.relayed = 0, 0
	s.logged = s.victim.Out.Len()
	s.files = s.open()
	return s
}

// peers returns the numbers of the victim's peers.
func (s *siege) peers() (ids []int64) {
	s.t.Helper()
	var list []struct{ ID int64 }
	s.victim.Call(s.t, &list, "getpeerinfo")
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	return ids
}

// open returns how many files and sockets the victim has open.
func (s *siege) open() int {
	s.t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.victim.Cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}

// attack attacks as a stranger, who gets what he deserves if there are places for
// all that attack at the time; if not, as one after the other until the time is
// over.
func (s *siege) attack(a attack.Attack, until time.Time, places bool) {
	for first := true; first || !places && time.Now().Before(until); first = false {
		end := until
		if a.Fate != attack.Borne {
			end = time.Now().Add(siegeFate)
		}
		ctx, cancel := context.WithDeadline(context.Background(), end)
		c, err := a.Do(ctx, s.target)
		if err != nil { // all places are taken, or the victim is busy
			cancel()
			time.Sleep(50 * time.Millisecond)
			continue
		}
		s.calls.Add(1)
		if a.Fate != attack.Borne {
			select {
			case <-c.Gone():
			case <-ctx.Done():
				if a.Guilty != nil && !places && !a.Guilty(c) {
					s.innocent.Add(1)
					break // so many attack that the victim had no time for this one
				}
				s.t.Errorf("%s: the attacker is still connected", a.Name)
			}
			if a.Fate == attack.Banned && places && !s.banned(c.ID) {
				s.t.Errorf("%s: the attacker is not banned\n%s", a.Name, s.said(c.ID))
			}
		}
		c.Close()
		cancel()
	}
}

// said returns what the victim has logged about a peer.
func (s *siege) said(id string) string {
	var lines []string
	for line := range strings.Lines(s.victim.Out.String()) {
		if strings.Contains(line, id) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// banned reports whether the victim has banned a peer, or does so soon.
func (s *siege) banned(id string) bool {
	for start := time.Now(); time.Since(start) < siegeFate; time.Sleep(50 * time.Millisecond) {
		var list []struct{ Address string }
		if err := s.victim.Try(&list, "listbanned"); err != nil {
			s.t.Error(err)
			return true
		}
		if slices.ContainsFunc(list, func(b struct{ Address string }) bool { return strings.Contains(b.Address, id) }) {
			return true
		}
	}
	return false
}

// during lets the honest go on until the attackers have done.
func (s *siege) during(attackers *sync.WaitGroup) {
	s.t.Helper()
	over := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			s.most.Store(max(s.most.Load(), s.victim.Memory(s.t)))
			select {
			case <-over:
				return
			case <-tick.C:
			}
		}
	})
	go func() {
		attackers.Wait()
		close(over)
	}()
	for done := false; !done; {
		s.relay()
		select {
		case <-over:
			done = true
		case <-time.After(200 * time.Millisecond):
		}
	}
	watch.Wait()
}

// relay passes a transaction and a block from one honest node to the other, in
// both directions.
func (s *siege) relay() {
	s.t.Helper()
	for _, way := range [][2]int{{1, 2}, {2, 1}} {
		from, to := way[0], way[1]
		start := time.Now()
		tx := s.purse.Tx()
		s.purse.Send(s.t, s.Nodes[from], tx)
		id := tx.TxID()
		s.Await(fmt.Sprintf("a transaction comes from node %d to node %d", from, to), func() bool { return s.Pool(to)[id] })
		s.slowest = max(s.slowest, time.Since(start))
		s.Mine(to, 1)
		s.slowest = max(s.slowest, s.OneTip())
		s.relayed++
	}
}

// lift checks what is left once the attackers have done.
func (s *siege) lift() {
	s.t.Helper()
	s.Await("the attackers are gone", func() bool { return len(s.peers()) <= len(s.honest) })
	if got := s.peers(); fmt.Sprint(got) != fmt.Sprint(s.honest) {
		s.t.Errorf("the victim's peers are %v, before they were %v", got, s.honest)
	}
	s.Await("the victim closes its connections", func() bool { return s.open() <= s.files+20 })
	// One attack is not to be measured with what another one left, if that is given
	// back soon.
	left := s.victim.Memory(s.t)
	for start := time.Now(); left > s.quiet+s.allowed/4 && time.Since(start) < siegeRest; time.Sleep(200 * time.Millisecond) {
		left = s.victim.Memory(s.t)
	}
	if n := len(s.Pool(0)); n > 0 {
		s.t.Errorf("%d transactions are in the pool", n)
	}
	calls, innocent, logged := int(s.calls.Swap(0)), s.innocent.Swap(0), s.victim.Out.Len()-s.logged
	s.logged += logged
	s.t.Logf("%d connections, %d of which came to nothing; memory %d MB at most, %d MB without attackers, %d MB afterwards; %d kB of log; the honest passed on %d times, in %v at most",
		calls, innocent, s.most.Load()>>20, s.quiet>>20, left>>20, logged>>10, s.relayed, s.slowest.Round(time.Millisecond))
	if s.most.Load() > s.quiet+s.allowed {
		s.t.Errorf("memory grows by %d MB", (s.most.Load()-s.quiet)>>20)
	}
	if logged > siegeChat+calls*siegeLog {
		s.t.Errorf("%d kB of log for %d connections", logged>>10, calls)
	}
	s.slowest, s.relayed = 0, 0
	s.most.Store(0)
}

// branches checks what is left of the chains that the attackers told of. To ask
// takes memory for each of them, so that it is done at the end.
func (s *siege) branches() {
	s.t.Helper()
	var tips []struct{ Height int }
	s.victim.Call(s.t, &tips, "getchaintips")
	for _, tip := range tips {
		if tip.Height < siegeHeight/2 {
			s.t.Errorf("the victim keeps a branch that ends at height %d, of too little work", tip.Height)
			break
		}
	}
	s.t.Logf("%d branches are left", len(tips))
}
