package addrbook

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	peerA = "12D3KooWGRUkEBhHwrWyvxyBHVjnTLWQbqyKnLmmQcZWjyTYJ4Uk"
	peerB = "12D3KooWEyopopk86nBtCUkNqxJzT2JmXEBhrDBrQmbPvVmpcoDC"
)

var noon = time.Unix(1_700_000_000, 0)

func mustTarget(t testing.TB, s string) Target {
	t.Helper()
	target, err := ParseTarget(s)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestParseTarget(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"192.0.2.7", "192.0.2.7/32"},
		{"192.0.2.7/32", "192.0.2.7/32"},
		{"192.0.2.7/24", "192.0.2.0/24"},
		{"192.0.2.7/0", "0.0.0.0/0"},
		{"192.0.2.7/08", "192.0.0.0/8"},
		{"192.0.2.7/255.255.0.0", "192.0.0.0/16"},
		{"192.0.2.7/255.255.255.255", "192.0.2.7/32"},
		{"192.0.2.7/0.0.0.0", "0.0.0.0/0"},
		{"192.0.2.7/255.254.0.0", "192.0.0.0/15"},
		{"::ffff:192.0.2.7", "192.0.2.7/32"},
		{"::ffff:192.0.2.7/16", "192.0.0.0/16"},
		{"2001:DB8::1", "2001:db8::1/128"},
		{"[2001:db8::1]", "2001:db8::1/128"},
		{"2001:db8:1:2:3::/48", "2001:db8:1::/48"},
		{"2001:db8:1:2::/ffff:ffff:ffff::", "2001:db8:1::/48"},
		{"::/0", "::/0"},
		{peerA, peerA},
	} {
		target, err := ParseTarget(c.in)
		if err != nil || target.String() != c.want {
			t.Errorf("%s: %v, %v; want %s", c.in, target, err, c.want)
			continue
		}
		if again := mustTarget(t, target.String()); again != target {
			t.Errorf("%s: read again it is %v", c.in, again)
		}
	}
	for _, bad := range []string{
		"", "/", "/24", "192.0.2", "192.0.2.7/", "192.0.2.7/33", "192.0.2.7/-1", "192.0.2.7/+1", "192.0.2.7/256", "192.0.2.7/24/24",
		"192.0.2.7/255.0.255.0", "192.0.2.7/0.255.255.255", "192.0.2.7/ffff::", "::ffff:192.0.2.7/112", "2001:db8::1/129", "2001:db8::/255.255.0.0",
		"[2001:db8::1", "2001:db8::1]", "fe80::1%lo", "example.com", "192.0.2.7:7333", peerA[:len(peerA)-1], peerA + "/32", "/p2p/" + peerA,
		strings.Repeat("1", 1000), "Qm",
	} {
		if target, err := ParseTarget(bad); err == nil {
			t.Errorf("%q: %v", bad, target)
		}
	}
}

func TestHostTarget(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7":        "192.0.2.7/32",
		"::ffff:192.0.2.7": "192.0.2.7/32",
		"2001:db8::7":      "2001:db8::/64",
		"fe80::7%lo":       "fe80::/64",
	} {
		if got := HostTarget(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

func TestBans(t *testing.T) {
	var b Bans
	add := func(target string, seconds int) bool {
		return b.Add(Ban{Target: mustTarget(t, target), Created: noon, Until: noon.Add(time.Duration(seconds) * time.Second)}, noon)
	}
	banned := func(addr string, after int) bool {
		return b.BannedAddr(netip.MustParseAddr(addr), noon.Add(time.Duration(after)*time.Second))
	}
	if !add("192.0.2.0/24", 100) || !add("198.51.100.7", 50) || !add("2001:db8::/32", 100) || !add(peerA, 100) {
		t.Fatal("not added")
	}
	if add("192.0.2.9/24", 100) || add("192.0.2.0/24", 60) {
		t.Error("added, though the same subnet is banned as long")
	}
	if !add("192.0.2.0/24", 200) || !add("192.0.2.7", 10) {
		t.Error("not added, though it is longer, or another subnet")
	}
	for _, c := range []struct {
		addr  string
		after int
		want  bool
	}{
		{"192.0.2.1", 0, true},
		{"::ffff:192.0.2.1", 0, true},
		{"192.0.3.1", 0, false},
		{"192.0.2.7", 150, true}, // by the subnet
		{"192.0.2.1", 199, true},
		{"192.0.2.1", 200, false},
		{"198.51.100.7", 49, true},
		{"198.51.100.7", 50, false},
		{"198.51.100.8", 0, false},
		{"2001:db8:ffff::1", 0, true},
		{"2001:db9::1", 0, false},
		{"::1", 0, false},
	} {
		if got := banned(c.addr, c.after); got != c.want {
			t.Errorf("%s after %d s: %v", c.addr, c.after, got)
		}
	}
	if b.BannedAddr(netip.Addr{}, noon) {
		t.Error("no address is banned")
	}
	if !b.BannedID(peerA, noon) || b.BannedID(peerB, noon) || b.BannedID(peerA, noon.Add(100*time.Second)) || b.BannedID("", noon) {
		t.Error("peer ids")
	}
	if !b.Has(mustTarget(t, "192.0.2.0/24"), noon) || b.Has(mustTarget(t, "192.0.2.0/25"), noon) {
		t.Error("Has is about the very subnet")
	}

	var got []string
	for _, ban := range b.List(noon.Add(20 * time.Second)) {
		got = append(got, ban.Target.String())
	}
	if want := []string{"192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32", peerA}; !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	if b.Remove(mustTarget(t, "192.0.2.0/25")) || !b.Remove(mustTarget(t, "192.0.2.0/24")) || banned("192.0.2.1", 0) {
		t.Error("removal")
	}
	if n := b.Sweep(noon.Add(75 * time.Second)); n != 1 {
		t.Errorf("swept %d", n)
	}
	b.Clear()
	if len(b.List(noon)) != 0 || banned("2001:db8::1", 0) || b.BannedID(peerA, noon) {
		t.Error("something is left")
	}
}

// The bans that nobody asked for are bounded; those of the operator stay.
func TestBansBound(t *testing.T) {
	var b Bans
	operator := mustTarget(t, "203.0.113.0/24")
	b.Add(Ban{Target: operator, Until: noon.Add(time.Second), Manual: true}, noon)
	at := func(i int) Target {
		return HostTarget(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	for i := range maxBans + 1 {
		if !b.Add(Ban{Target: at(i), Until: noon.Add(time.Hour + time.Duration(i)*time.Second)}, noon) {
			t.Fatal(i)
		}
	}
	if n := len(b.List(noon)); n != maxBans-maxBans/8+2 {
		t.Errorf("%d bans", n)
	}
	if b.Has(at(0), noon) || b.Has(at(maxBans/8-1), noon) || !b.Has(at(maxBans/8), noon) || !b.Has(at(maxBans), noon) || !b.Has(operator, noon) {
		t.Error("the wrong ones went")
	}
	// Bans that have ended make room before any other.
	for i := range maxBans {
		b.Add(Ban{Target: at(1_000_000 + i), Until: noon.Add(1000 * time.Hour)}, noon.Add(900*time.Hour))
	}
	for i := range maxBans {
		if !b.Has(at(1_000_000+i), noon.Add(900*time.Hour)) {
			t.Fatalf("ban %d went, though others had ended", i)
		}
	}
}

func TestBanFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "banlist.json")
	b, err := LoadBans(file)
	if err != nil || len(b.List(noon)) != 0 {
		t.Fatal("a missing file:", err)
	}
	if err := b.Save(file, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("written, though nothing has changed")
	}
	for i, s := range []string{"192.0.2.0/24", "2001:db8::/32", peerA, "198.51.100.7"} {
		b.Add(Ban{Target: mustTarget(t, s), Created: noon.Add(5 * time.Millisecond), Until: noon.Add(time.Duration(i+1) * time.Hour), Manual: i%2 == 0}, noon)
	}
	if err := b.Save(file, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	again, err := LoadBans(file)
	if err != nil {
		t.Fatal(err)
	}
	want := b.List(noon)
	if got := again.List(noon); !slices.Equal(got, want) || len(want) != 3 {
		t.Errorf("read %v, want %v", got, want)
	}
	if !again.BannedAddr(netip.MustParseAddr("198.51.100.7"), noon) {
		t.Error("not banned any more")
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) != 0 {
		t.Error("left over:", left)
	}
	// What ends is a change.
	if err := again.Save(file, noon.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if b, _ = LoadBans(file); len(b.List(noon)) != 2 {
		t.Error("what has ended was written")
	}
	if err := again.Save(filepath.Join(file, "x"), noon); err != nil {
		t.Error("written, though nothing has changed:", err)
	}
	again.Clear()
	for range 2 { // what was not written is still to be written
		if err := again.Save(filepath.Join(file, "x"), noon); err == nil {
			t.Error("saved below a file")
		}
	}
}

// A file as Bitcoin Core 28.1 writes it.
const coreBans = `{
  "banned_nets": [
    {
      "version": 1,
      "ban_created": 1700000000,
      "banned_until": 1700086400,
      "address": "192.0.2.0/24"
    },
    {
      "version": 1,
      "ban_created": 1700000001,
      "banned_until": 1700086401,
      "address": "2001:db8::/32"
    }
  ]
}
`

func TestCoreBanFile(t *testing.T) {
	b, err := decodeBans([]byte(coreBans))
	if err != nil {
		t.Fatal(err)
	}
	list := b.List(noon)
	if got := fmt.Sprintf("%v %d %d", list[1].Target, list[1].Created.Unix(), list[1].Until.Unix()); got != "2001:db8::/32 1700000001 1700086401" || len(list) != 2 {
		t.Error(got, len(list))
	}
	if got := string(encodeBans(list)); got != coreBans {
		t.Errorf("written again it is\n%s", got)
	}
	if got := string(encodeBans(nil)); got != "{\n  \"banned_nets\": []\n}\n" {
		t.Errorf("no bans are\n%s", got)
	}
}

// Entries that mean nothing to us are left out, the others count.
func TestBanFileEntries(t *testing.T) {
	for name, munge := range map[string][2]string{
		"version":  {`"version": 1`, `"version": 2`},
		"subnet":   {`192.0.2.0/24`, `192.0.2.0/99`},
		"peer id":  {`192.0.2.0/24`, peerA},
		"no field": {`"address": "192.0.2.0/24"`, `"addr": "192.0.2.0/24"`},
		"time":     {`1700086400`, `9223372036854775807`},
	} {
		file := filepath.Join(t.TempDir(), "banlist.json")
		if err := os.WriteFile(file, []byte(strings.Replace(coreBans, munge[0], munge[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := LoadBans(file)
		if err == nil || len(b.List(noon)) != 1 {
			t.Errorf("%s: %v, %v", name, b.List(noon), err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDamagedBanFile(t *testing.T) {
	for name, text := range map[string]string{
		"empty":      "",
		"cut off":    coreBans[:len(coreBans)/2],
		"another":    `{"x": 1}`,
		"an array":   `[]`,
		"wrong type": strings.Replace(coreBans, "1700000000", `"yesterday"`, 1),
		"trailing":   coreBans + "}",
	} {
		file := filepath.Join(t.TempDir(), "banlist.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := LoadBans(file)
		wantDamaged(t, name, file, text, err)
		if len(b.List(noon)) != 0 {
			t.Errorf("%s: bans", name)
		}
	}
}

// wantDamaged wants the file to have been put aside as it was.
func wantDamaged(t *testing.T, name, file, content string, err error) {
	t.Helper()
	if !isDamaged(err) || strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("%s: %v", name, err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("%s: still there", name)
	}
	if aside, err := os.ReadFile(file + ".damaged"); err != nil || string(aside) != content {
		t.Errorf("%s: not kept: %v", name, err)
	}
}

func FuzzBanFile(f *testing.F) {
	f.Add([]byte(coreBans))
	f.Add(encodeBans([]Ban{{Target: Target{ID: peerA}, Manual: true}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := decodeBans(raw)
		if b == nil {
			if !isDamaged(err) {
				t.Fatal(err)
			}
			return
		}
		list := b.sorted()
		again, err := decodeBans(encodeBans(list))
		if err != nil || !slices.Equal(again.sorted(), list) {
			t.Fatalf("%v became %v, %v", list, again.sorted(), err)
		}
	})
}

func BenchmarkBannedAddr(b *testing.B) {
	var bans Bans
	for i := range maxBans {
		bans.Add(Ban{Target: HostTarget(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})), Until: noon.Add(time.Hour)}, noon)
	}
	bans.Add(Ban{Target: mustTarget(b, "192.0.2.0/24"), Until: noon.Add(time.Hour)}, noon)
	addr := netip.MustParseAddr("203.0.113.1")
	b.ReportAllocs()
	for b.Loop() {
		bans.BannedAddr(addr, noon)
	}
}

func encodeBans(list []Ban) []byte {
	var b bytes.Buffer
	_ = writeBans(&b, list) // a buffer takes everything
	return b.Bytes()
}
