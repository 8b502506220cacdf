package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/wire"
)

// hostPort returns HOST:PORT of the node's TCP address.
func (n *node) hostPort(t testing.TB) string {
	t.Helper()
	for _, a := range n.lib.Network().ListenAddresses() {
		if port, err := a.ValueForProtocol(multiaddr.P_TCP); err == nil {
			return "127.0.0.1:" + port
		}
	}
	t.Fatal("no TCP address")
	return ""
}

func TestHostPort(t *testing.T) {
	a, b := start(t, nil), start(t, nil)
	if err := a.OneTry(t.Context(), b.hostPort(t)); err != nil {
		t.Fatal(err)
	}
	if p := await(t, "the peer", a.connected); p.ID() != b.ID() || p.Kind() != peerinfo.Manual || !strings.HasSuffix(p.Addr(), "/p2p/"+b.ID()) {
		t.Errorf("%s, %s, %s", p.ID(), p.Kind(), p.Addr())
	}
	wantErr(t, a.OneTry(t.Context(), b.hostPort(t)), ErrConnected)
	wantErr(t, a.OneTry(t.Context(), a.hostPort(t)), ErrSelf)
	wantErr(t, a.OneTry(t.Context(), a.addr(t, "quic-v1")), ErrSelf)

	c := start(t, func(c *Config) { c.Dev = false })
	wantErr(t, c.OneTry(t.Context(), b.hostPort(t)), peerinfo.ErrAddress)
	if err := c.OneTry(t.Context(), b.hostPort(t)+"/"+b.ID()); err != nil {
		t.Errorf("with the peer id: %v", err)
	}
	// Another node than the one that was named.
	if err := c.OneTry(t.Context(), strings.Replace(b.addr(t, "tcp"), b.ID(), a.ID(), 1)); err == nil {
		t.Error("took b for a")
	}
}

// What listens at an address may be anything.
func TestHostPortOfOthers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("220 mail.example.org ESMTP\r\n"))
			_ = c.Close()
		}
	})
	a := start(t, nil)
	if err := a.OneTry(t.Context(), listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "does not speak libp2p") {
		t.Errorf("error %v", err)
	}
	_ = listener.Close()
	wg.Wait()
	if err := a.OneTry(t.Context(), listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody listens: %v", err)
	}
}

// Nodes nearby are called over TCP, others over QUIC.
func TestRankAddrs(t *testing.T) {
	for _, test := range []struct{ at, first string }{
		{"127.0.0.1", "tcp"}, {"192.168.1.2", "tcp"}, {"203.0.113.5", "quic-v1"},
	} {
		info, err := ParseAddr(test.at + ":8333")
		if err != nil {
			t.Fatal(err)
		}
		ranked := rankAddrs(info.Addrs)
		first := slices.MinFunc(ranked, func(a, b network.AddrDelay) int { return int(a.Delay - b.Delay) })
		if len(ranked) != 2 || !strings.Contains(first.Addr.String(), test.first) || first.Delay != 0 {
			t.Errorf("%s: %v", test.at, ranked)
		}
		only := rankAddrs(info.Addrs[:1]) // QUIC alone is not put off
		if len(only) != 1 || only[0].Delay != 0 {
			t.Errorf("%s: %v", test.at, only)
		}
	}
}

func TestParseAddr(t *testing.T) {
	const id = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
	for _, test := range []struct {
		in, id string
		addrs  []string
	}{
		{"1.2.3.4:8333", "", []string{"/ip4/1.2.3.4/udp/8333/quic-v1", "/ip4/1.2.3.4/tcp/8333"}},
		{"[2001:db8::1]:8333", "", []string{"/ip6/2001:db8::1/udp/8333/quic-v1", "/ip6/2001:db8::1/tcp/8333"}},
		{"[::ffff:1.2.3.4]:1", "", []string{"/ip4/1.2.3.4/udp/1/quic-v1", "/ip4/1.2.3.4/tcp/1"}},
		{"node.example.org:8333", "", []string{"/dns/node.example.org/udp/8333/quic-v1", "/dns/node.example.org/tcp/8333"}},
		{"1.2.3.4:8333/" + id, id, []string{"/ip4/1.2.3.4/udp/8333/quic-v1", "/ip4/1.2.3.4/tcp/8333"}},
		{"1.2.3.4:8333/p2p/" + id, id, []string{"/ip4/1.2.3.4/udp/8333/quic-v1", "/ip4/1.2.3.4/tcp/8333"}},
		{"/ip4/1.2.3.4/tcp/8333/p2p/" + id, id, []string{"/ip4/1.2.3.4/tcp/8333"}},
		{"/dns/a.example/udp/1/quic-v1/p2p/" + id, id, []string{"/dns/a.example/udp/1/quic-v1"}},
	} {
		info, err := ParseAddr(test.in)
		if err != nil {
			t.Errorf("%s: %v", test.in, err)
			continue
		}
		var addrs []string
		for _, a := range info.Addrs {
			addrs = append(addrs, a.String())
		}
		if got := ""; info.ID != "" {
			got = info.ID.String()
			if got != test.id {
				t.Errorf("%s: id %s", test.in, got)
			}
		}
		if !slices.Equal(addrs, test.addrs) {
			t.Errorf("%s: %v", test.in, addrs)
		}
	}
	for _, in := range []string{
		"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:-1", ":8333", "::1:8333", "1.2.3.4:8333/", "1.2.3.4:8333/xyz",
		"/", "/ip4/1.2.3.4", "/ip4/1.2.3.4/tcp/8333", "/p2p/" + id, "/ip4/1.2.3.400/tcp/1/p2p/" + id, "a b:1", "exa/mple:1",
	} {
		_, err := ParseAddr(in)
		if !errors.Is(err, peerinfo.ErrAddress) {
			t.Errorf("%q: error %v", in, err)
		}
	}
}

func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"1.2.3.4:8333", "[::1]:1", "/ip4/1.2.3.4/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN", "a:1/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		info, err := ParseAddr(s)
		if (err == nil) != (len(info.Addrs) > 0) || err != nil && !errors.Is(err, peerinfo.ErrAddress) {
			t.Errorf("%v, %v", info, err)
		}
	})
}

func TestOtherNetwork(t *testing.T) {
	a, b := start(t, nil), start(t, func(c *Config) { c.Genesis = wire.Hash{31: 9} })
	err := a.OneTry(t.Context(), b.addr(t, "tcp"))
	wantErr(t, err, errOther)
	if len(a.Peers()) != 0 || len(b.Peers()) != 0 || len(b.connected) != 0 {
		t.Error("they are peers")
	}
}

// What the operator bans is cut off, kept out, and still banned after a restart.
func TestBan(t *testing.T) {
	dir := t.TempDir()
	withDir := func(c *Config) { c.Dir = dir }
	a, b := start(t, withDir), start(t, nil)
	for _, target := range []string{b.ID(), "127.0.0.1"} {
		_, ofB := join(t, b, a, "tcp")
		if err := a.Ban(target, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		wantErr(t, a.Ban(target, time.Now().Add(time.Minute)), peerinfo.ErrBanned)
		if p := await(t, "the end", a.disconnected); p != ofB || p.reason() != errBanned {
			t.Errorf("%v", p.reason())
		}
		await(t, "the end at the other side", b.disconnected)
		for _, transport := range []string{"tcp", "quic-v1"} {
			if err := b.OneTry(t.Context(), a.addr(t, transport)); err == nil {
				t.Errorf("%s: called in over %s", target, transport)
			}
		}
		// Nobody but the operator calls it.
		if _, err := a.Connect(t.Context(), b.info(), peerinfo.FullRelay); err == nil {
			t.Errorf("%s: called", target)
		}
		if err := a.OneTry(t.Context(), b.addr(t, "tcp")); err != nil {
			t.Errorf("%s: called by the operator: %v", target, err)
		}
		await(t, "its other side", b.connected)
		await(t, "the manual peer", a.connected).Disconnect("test")
		await(t, "the manual peer", a.disconnected)
		await(t, "its other side", b.disconnected)

		a.stop()
		a = start(t, withDir)
		if bans := a.Bans(); len(bans) != 1 || !strings.HasPrefix(bans[0].Target, target) {
			t.Fatalf("after a restart: %v", bans)
		}
		if err := b.OneTry(t.Context(), a.addr(t, "tcp")); err == nil {
			t.Errorf("%s: called in after a restart", target)
		}
		if err := a.Unban(target); err != nil {
			t.Fatal(err)
		}
		wantErr(t, a.Unban(target), peerinfo.ErrNotBanned)
	}
	if err := a.Ban("10.0.0.0/8", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := a.ClearBans(); err != nil || len(a.Bans()) != 0 {
		t.Errorf("%v, %v", a.Bans(), err)
	}
	join(t, b, a, "quic-v1")
}

// Bad behaviour adds up, over connections, and ends in a ban that is kept.
func TestPenalise(t *testing.T) {
	now := time.Now()
	a := start(t, func(c *Config) {
		c.BanTime = time.Hour
		c.Now = func() time.Time { return now }
	})
	b := start(t, nil)
	_, p := join(t, b, a, "tcp")
	p.Penalise(60, "one")
	p.Disconnect("test")
	await(t, "the end", a.disconnected)
	await(t, "the end", b.disconnected)
	_, p = join(t, b, a, "tcp")
	if s := p.Score(); s < 59 || s > 60 {
		t.Errorf("score %d", s)
	}
	p.Penalise(41, "two")
	wantGone(t, a, p, "misbehaves: two")
	if bans := a.Bans(); len(bans) != 1 || bans[0].Target != b.ID() || bans[0].Until.Sub(bans[0].Created) != time.Hour {
		t.Errorf("bans %v", bans)
	}
}

// Whoever leaves before his deeds are known is banned all the same, once.
func TestPenaliseTheGone(t *testing.T) {
	a, b := start(t, nil), start(t, nil)
	_, p := join(t, b, a, "tcp")
	b.stop()
	await(t, "the end", a.disconnected)
	p.Penalise(100, "a bad block")
	p.Penalise(100, "another one")
	if bans := a.Bans(); len(bans) != 1 || bans[0].Target != b.ID() {
		t.Errorf("bans %v", bans)
	}
}

func TestScoreDecays(t *testing.T) {
	s := &score{points: 10, at: time.Unix(1000, 0)}
	s.decay(time.Unix(1000, 0).Add(3 * scoreDecay))
	if s.points != 7 {
		t.Errorf("%v points", s.points)
	}
	s.decay(time.Unix(1000, 0).Add(300 * scoreDecay))
	if s.points != 0 {
		t.Errorf("%v points", s.points)
	}
}

// Scores of strangers are bounded.
func TestScoresBounded(t *testing.T) {
	h := &Host{scores: map[string]*score{}}
	for i := range maxScores {
		h.scores[fmt.Sprint(i)] = &score{points: 1, at: time.Now().Add(-2 * scoreDecay * time.Duration(i%2))}
	}
	h.forgetScores(time.Now())
	if len(h.scores) != maxScores/2 {
		t.Errorf("%d scores left", len(h.scores))
	}
}

func TestWhitelist(t *testing.T) {
	w, err := ParseWhitelist("noban,addr@127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	a, b := start(t, func(c *Config) { c.Whitelist = []Whitelist{w} }), start(t, nil)
	_, p := join(t, b, a, "tcp")
	if !p.Whitelisted(NoBan|Addr|Download) || p.Whitelisted(Mempool) {
		t.Errorf("permissions %v", p.permissions.Strings())
	}
	p.Penalise(1000, "everything")
	wantGone(t, a, p, "misbehaves: everything")
	if len(a.Bans()) != 0 {
		t.Errorf("bans %v", a.Bans())
	}
	await(t, "the end", b.disconnected)
	// A ban of the operator does not count either.
	if err := a.Ban("127.0.0.1", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	join(t, b, a, "tcp")
}

func TestParseWhitelist(t *testing.T) {
	const id = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
	for _, test := range []struct {
		in       string
		want     string
		in_, out bool
	}{
		{"1.2.3.4", "1.2.3.4/32 noban relay mempool download", true, false},
		{"1.2.3.4/16", "1.2.0.0/16 noban relay mempool download", true, false},
		{"::1", "::1/128 noban relay mempool download", true, false},
		{"noban@1.2.3.4", "1.2.3.4/32 noban download", true, false},
		{"forcerelay@1.2.3.4", "1.2.3.4/32 forcerelay relay", true, false},
		{"bloom,addr@1.2.3.4", "1.2.3.4/32 bloomfilter addr", true, false},
		{"bloomfilter@1.2.3.4", "1.2.3.4/32 bloomfilter", true, false},
		{"all@1.2.3.4", "1.2.3.4/32 bloomfilter noban forcerelay relay mempool download addr", true, false},
		{"mempool,out@1.2.3.4", "1.2.3.4/32 mempool", false, true},
		{"mempool,in,out@1.2.3.4", "1.2.3.4/32 mempool", true, true},
		{"@1.2.3.4", "1.2.3.4/32", true, false},
		{"relay@" + id, id + " relay", true, false},
	} {
		w, err := ParseWhitelist(test.in)
		if err != nil {
			t.Errorf("%s: %v", test.in, err)
			continue
		}
		target := w.Peer
		if w.Prefix.IsValid() {
			target = w.Prefix.String()
		}
		if got := strings.Join(append([]string{target}, w.Permissions.Strings()...), " "); got != test.want || w.In != test.in_ || w.Out != test.out {
			t.Errorf("%s: %s, in %v, out %v", test.in, got, w.In, w.Out)
		}
	}
	for in, want := range map[string]string{
		"":                 "Invalid netmask specified in -whitelist: ''",
		"1.2.3":            "Invalid netmask specified in -whitelist: '1.2.3'",
		"1.2.3.4/33":       "Invalid netmask specified in -whitelist: '1.2.3.4/33'",
		"noban@example":    "Invalid netmask specified in -whitelist: 'example'",
		"unknown@1.2.3.4":  "Invalid P2P permission: 'unknown'",
		"noban,x@1.2.3.4":  "Invalid P2P permission: 'x'",
		"noban@@1.2.3.4/8": "Invalid netmask specified in -whitelist: '@1.2.3.4/8'",
	} {
		if _, err := ParseWhitelist(in); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", in, err, want)
		}
	}
}

// A full node lets the youngest give way; a protected peer stays.
func TestEviction(t *testing.T) {
	protected := start(t, nil)
	a := start(t, func(c *Config) {
		c.MaxPeers = 40
		c.Whitelist = []Whitelist{{Peer: protected.ID(), Permissions: NoBan, In: true}}
	})
	for range 39 {
		newRaw(t).greet(a)
	}
	_, p := join(t, protected, a, "tcp")
	r := newRaw(t)
	_, last := r.greet(a)
	gone := await(t, "the end of a peer", a.disconnected)
	if gone == p || gone == last || gone.reason() != errEvicted {
		t.Errorf("%s is gone: %v", gone.ID(), gone.reason())
	}
	if c := a.Counts(); c.Connected != 41 || c.Evicted != 1 || c.Disconnected != 1 {
		t.Errorf("counts: %+v", c)
	}
	if gone.Num() < 10 {
		t.Errorf("peer %d is gone, one of the oldest", gone.Num())
	}
	if n := len(a.Peers()); n != 40 {
		t.Errorf("%d peers", n)
	}
}

// Where everybody deserves to stay, the caller does not.
func TestFull(t *testing.T) {
	a := start(t, func(c *Config) { c.MaxPeers = 3 })
	for range 3 {
		newRaw(t).greet(a)
	}
	b := start(t, nil)
	if err := b.OneTry(t.Context(), a.addr(t, "tcp")); err == nil {
		// It may have greeted before it was sent away.
		await(t, "the end", b.disconnected)
	}
	if n := len(a.Peers()); n != 3 {
		t.Errorf("%d peers", n)
	}
	// Places for nodes that we call are kept free where we look for some.
	c := start(t, func(c *Config) { c.MaxPeers, c.Outbound, c.BlockOnly, c.Discover = 5, 2, 1, true })
	newRaw(t).greet(c)
	r := newRaw(t)
	r.call(c)
	if s := r.open(c, message.NameRelay); s != nil {
		_, _ = s.Write(message.AppendRelayFrame(nil, rawHello()))
	}
	r.awaitHungUp(c)
}

func TestNetworkInactive(t *testing.T) {
	a, b := start(t, nil), start(t, nil)
	ofA, _ := join(t, b, a, "tcp")
	a.SetNetworkActive(false)
	await(t, "the end", a.disconnected)
	if p := await(t, "the end", b.disconnected); p != ofA {
		t.Error("another peer")
	}
	for _, transport := range []string{"tcp", "quic-v1"} {
		if err := b.OneTry(t.Context(), a.addr(t, transport)); err == nil {
			t.Errorf("connected over %s", transport)
		}
	}
	wantErr(t, a.OneTry(t.Context(), b.addr(t, "tcp")), peerinfo.ErrInactive)
	a.SetNetworkActive(true)
	join(t, b, a, "tcp")
	c := start(t, func(c *Config) { c.Inactive = true })
	wantErr(t, c.OneTry(t.Context(), b.addr(t, "tcp")), peerinfo.ErrInactive)
	if c.NetworkActive() {
		t.Error("active")
	}
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	withDir := func(c *Config) { c.Dir = dir }
	a := start(t, withDir)
	id := a.ID()
	a.stop()
	path := filepath.Join(dir, identityFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	b := start(t, withDir)
	if b.ID() != id {
		t.Errorf("%s became %s", id, b.ID())
	}
	b.stop()
	if c := start(t, nil); c.ID() == id {
		t.Error("the same identity without a folder")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, raw[:len(raw)-1], []byte("key"), append([]byte{8, 9}, raw[2:]...)} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := testConfig()
		cfg.Handler, cfg.Dir = newRecorder(), dir
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "is damaged") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%x: error %v", damaged, err)
		}
		if kept, _ := os.ReadFile(path); !bytes.Equal(kept, damaged) {
			t.Error("the damaged file was changed")
		}
	}
}

// A node that starts again replaces what its peers still believe of it.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	a, b := start(t, nil), start(t, func(c *Config) { c.Dir = dir })
	_, first := join(t, b, a, "quic-v1")
	b.stop()
	await(t, "the end", a.disconnected)
	b = start(t, func(c *Config) { c.Dir = dir })
	_, second := join(t, b, a, "quic-v1")
	if second.ID() != first.ID() || second.Num() != first.Num()+1 {
		t.Errorf("%s %d, %s %d", first.ID(), first.Num(), second.ID(), second.Num())
	}
	if peers := a.Peers(); len(peers) != 1 || peers[0] != second {
		t.Errorf("%d peers", len(peers))
	}
}

// Two nodes that call each other at the same time end up with one connection,
// the same at both ends.
func TestBothCall(t *testing.T) {
	for range 5 {
		a, b := start(t, nil), start(t, nil)
		var wg sync.WaitGroup
		wg.Go(func() { _ = a.OneTry(t.Context(), b.addr(t, "tcp")) })
		wg.Go(func() { _ = b.OneTry(t.Context(), a.addr(t, "quic-v1")) })
		wg.Wait()
		// Whatever was superseded is over when both ends can talk.
		talk := func(from, to *node) {
			for {
				if p := from.Host.Peer(to.ID()); p != nil {
					p.Send(&message.Push{On: true})
				}
				select {
				case <-to.received:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}
		talk(a, b)
		talk(b, a)
		if len(a.Peers()) != 1 || len(b.Peers()) != 1 {
			t.Errorf("%d and %d peers", len(a.Peers()), len(b.Peers()))
		} else if a.Peers()[0].Inbound() == b.Peers()[0].Inbound() {
			t.Errorf("two connections: %v", a.Peers()[0].Inbound())
		}
		a.stop()
		b.stop()
	}
}

func TestAskErrors(t *testing.T) {
	a, b := start(t, nil), start(t, nil)
	p, ofB := join(t, a, b, "tcp")
	ask := func(ctx context.Context, name string, serve serveFunc) error {
		b.serving(serve)
		_, err := p.Ask(ctx, name, []byte("?"), 10)
		return err
	}
	wantErr(t, ask(t.Context(), message.NameTxs, func(_ context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
		return answer(make([]byte, 11))
	}), ErrTooLarge)
	wantErr(t, ask(t.Context(), message.NameTxs, nil), ErrRefused)
	wantErr(t, ask(t.Context(), message.NameTxs, func(context.Context, *Peer, string, []byte, func([]byte) error) error {
		return nil // no frame at all
	}), ErrRefused)
	wantErr(t, ask(t.Context(), "unknown", nil), ErrRefused)

	ctx, cancel := context.WithCancel(t.Context())
	wantErr(t, ask(ctx, message.NameTxs, func(ctx context.Context, _ *Peer, _ string, _ []byte, _ func([]byte) error) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}), context.Canceled)
	own := errors.New("own")
	b.serving(func(_ context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
		return answerAll(answer, []byte("1"), []byte("2"))
	})
	frames := 0
	err := p.AskMany(t.Context(), message.NameTxs, nil, 10, func([]byte) error { frames++; return own })
	if !errors.Is(err, own) || frames != 1 {
		t.Errorf("%v after %d frames", err, frames)
	}
	frames = 0
	if err := p.AskMany(t.Context(), message.NameTxs, nil, 10, func([]byte) error { frames++; return nil }); err != nil || frames != 2 {
		t.Errorf("%v after %d frames", err, frames)
	}
	wantErr(t, ask(t.Context(), message.NameTxs, func(ctx context.Context, p *Peer, _ string, _ []byte, _ func([]byte) error) error {
		ofB.Disconnect("test")
		<-ctx.Done()
		return ctx.Err()
	}), ErrGone)
	await(t, "the end", p.Done())
	_, err = p.Ask(t.Context(), message.NameTxs, nil, 10)
	wantErr(t, err, ErrGone)
	if p.Send(&message.Push{On: true}) {
		t.Error("sent after the end")
	}
}

// Large answers arrive whole.
func TestLargeAnswers(t *testing.T) {
	for _, transport := range []string{"tcp", "quic-v1"} {
		a, b := start(t, nil), start(t, nil)
		p, _ := join(t, a, b, transport)
		block := bytes.Repeat([]byte("block"), 500_000)
		b.serving(func(_ context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
			for i := range 8 {
				if err := answer(block[:len(block)-i]); err != nil {
					return err
				}
			}
			return nil
		})
		i := 0
		err := p.AskMany(t.Context(), message.NameBlocks, nil, 4_000_000, func(b []byte) error {
			if !bytes.Equal(b, block[:len(block)-i]) {
				return fmt.Errorf("frame %d differs", i)
			}
			i++
			return nil
		})
		if err != nil || i != 8 {
			t.Errorf("%s: %v after %d", transport, err, i)
		}
		if got := p.Info().Received.ByMessage[message.NameBlocks]; got < uint64(7*len(block)) {
			t.Errorf("counted %d bytes", got)
		}
	}
}

func TestInfo(t *testing.T) {
	a, b := start(t, nil), start(t, nil)
	for transport, want := range map[string]string{"tcp": "tcp", "quic-v1": "quic-v1"} {
		ofA, ofB := join(t, a, b, transport)
		i := ofB.Info()
		if i.ID != a.ID() || i.Kind != peerinfo.Inbound || i.Network != peerinfo.Unroutable || !strings.HasPrefix(i.Transport, want) ||
			i.Subver != "/test:1/" || i.StartingHeight != 7 || i.Sent.ByMessage["hello"] == 0 || i.Received.ByMessage["hello"] == 0 || i.Local == "" || i.Session == "" {
			t.Errorf("%s: %+v", transport, i)
		}
		if total := b.Totals(); total.Sent.Total < i.Sent.Total {
			t.Errorf("%+v", total)
		}
		a.PingAll()
		ofA.Disconnect("test")
		await(t, "the end", a.disconnected)
		await(t, "the end", b.disconnected)
	}
}

// libp2p's own metrics are there.
func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	a, b := start(t, nil), start(t, func(c *Config) { c.Registerer = registry })
	join(t, a, b, "tcp")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "libp2p_swarm_connections_opened_total" && len(f.GetMetric()) > 0 {
			return
		}
	}
	t.Errorf("none of %d families counts connections", len(families))
}

// The reason for which a peer leaves is logged once, in one line.
func TestLog(t *testing.T) {
	var log logged
	a := start(t, func(c *Config) { c.Log = log.logger() })
	b := start(t, nil)
	_, p := join(t, b, a, "tcp")
	p.Disconnect("why")
	p.Disconnect("not why")
	await(t, "the end", a.disconnected)
	await(t, "the end", b.disconnected)
	_, p = join(t, b, a, "tcp")
	p.Penalise(100, "bad")
	await(t, "the end", a.disconnected)
	a.stop()
	if s := log.String(); strings.Count(s, `"reason":"why"`) != 1 || strings.Count(s, `"reason"`) != 2 ||
		strings.Count(s, `"level":"warn"`) != 1 || !strings.Contains(s, `"reason":"misbehaves: bad","message":"peer disconnected and banned"`) || !strings.Contains(s, b.ID()) {
		t.Errorf("logged:\n%s", s)
	}
}

// logged is what a host has logged, with level info.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) logger() zerolog.Logger { return zerolog.New(l).Level(zerolog.InfoLevel) }

// Write adds to it.
func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// String returns it.
func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func FuzzParseWhitelist(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "noban,in,out@10.0.0.0/8", "all@::/0", "@", "relay@12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWhitelist(s)
		if err == nil && (w.Prefix.IsValid() == (w.Peer != "") || !w.In && !w.Out) {
			t.Errorf("%+v", w)
		}
	})
}

// libp2p keeps nothing of those that are gone.
func TestForget(t *testing.T) {
	a, b, c := start(t, nil), start(t, nil), start(t, nil)
	for _, n := range []*node{b, c} {
		if err := n.OneTry(t.Context(), a.addr(t, "tcp")); err != nil {
			t.Fatal(err)
		}
		await(t, "the peer", a.connected)
	}
	store := a.lib.Peerstore()
	knows := func(n *node) bool {
		protocols, _ := store.GetProtocols(n.lib.ID())
		return slices.Contains(store.Peers(), n.lib.ID()) || len(protocols)+len(store.Addrs(n.lib.ID())) > 0
	}
	if !knows(b) || !knows(c) {
		t.Fatal("it knows nothing of its peers")
	}
	b.SetNetworkActive(false)
	await(t, "the end of one", a.disconnected)
	for start := time.Now(); knows(b); time.Sleep(50 * time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatal("it keeps what it knows of who is gone")
		}
	}
	if !knows(c) {
		t.Error("it forgets a peer")
	}
	if store.PrivKey(a.lib.ID()) == nil {
		t.Error("it forgets itself")
	}
	// Who was forgotten may call, and be called, again.
	b.SetNetworkActive(true)
	if err := a.OneTry(t.Context(), b.addr(t, "tcp")); err != nil {
		t.Error(err)
	}
}
