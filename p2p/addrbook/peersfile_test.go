package addrbook

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

func TestPeersFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "peers.dat")
	b, err := Load(file, testConfig)
	if err != nil || b.Len() != 0 {
		t.Fatal("a missing file:", err)
	}
	fill(b, 2000, noon)
	a := node(ip4(1, 2, 3))
	for i := range 100 {
		b.Add([]Known{seen(a, noon.Add(time.Duration(i)*time.Minute))}, netip.AddrPortFrom(ip4(byte(20+i), 1, 1), 7333), time.Hour, noon)
	}
	if len(b.byAddr[a].buckets) < 2 {
		t.Fatal("no address in several buckets")
	}
	v6 := Addr{AddrPort: v6Longest, Transport: QUIC, ID: peerA}
	b.Add([]Known{seen(v6, noon)}, v6.AddrPort, 0, noon)
	if err := b.Save(file); err != nil {
		t.Fatal(err)
	}
	again, err := Load(file, Config{Genesis: testConfig.Genesis, Seed: [32]byte{99}})
	if err != nil {
		t.Fatal(err)
	}
	mustCheck(t, again)
	if !slices.Equal(again.Slots(), b.Slots()) {
		t.Error("other places after reading it again")
	}
	if !bytes.Equal(again.encode(), b.encode()) {
		t.Error("written again it is another file")
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) != 0 {
		t.Error("left over:", left)
	}
	if err := b.Save(filepath.Join(file, "below", "a", "file")); err == nil {
		t.Error("saved into no folder")
	}
}

func TestDamagedPeersFile(t *testing.T) {
	b := New(testConfig)
	fill(b, 50, noon)
	good := b.encode()
	body := good[:len(good)-32]
	for name, raw := range map[string][]byte{
		"empty":       {},
		"cut off":     good[:len(good)-1],
		"changed":     append(slices.Clone(good[:100]), append([]byte{good[100] ^ 1}, good[101:]...)...),
		"another one": seal(append([]byte("KPEERS02"), body[8:]...)),
		"trailing":    seal(append(slices.Clone(body), 0)),
		"shorter":     seal(body[:len(body)-1]),
		"genesis":     seal(append(slices.Clone(body[:8]), append(make([]byte, 32), body[40:]...)...)),
		"count":       seal(append(slices.Clone(body[:72]), append([]byte{255, 255, 255, 255}, body[76:]...)...)),
	} {
		file := filepath.Join(t.TempDir(), "peers.dat")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := Load(file, testConfig)
		wantDamaged(t, name, file, string(raw), err)
		if b.Len() != 0 {
			t.Errorf("%s: not empty", name)
		}
		mustCheck(t, b)
	}
	// What cannot be read is not damaged, and stays where it is.
	dir := t.TempDir()
	if b, err := Load(dir, testConfig); err == nil || isDamaged(err) || b.Len() != 0 {
		t.Error("a folder:", err)
	}
}

// A huge file is put aside without being read.
func TestHugeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "peers.dat")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file, testConfig); !isDamaged(err) {
		t.Error(err)
	}
	if info, err := os.Stat(file + ".damaged"); err != nil || info.Size() != maxFile+1 {
		t.Error("not kept:", err)
	}
}

// The largest book fits into the largest file.
func TestLargestFile(t *testing.T) {
	longest := entry{addr: Addr{AddrPort: v6Longest, Transport: QUIC, ID: string(make([]byte, maxID))}, source: v6Longest, buckets: make([]uint16, maxPlaces)}
	if size := maxEntries * len(appendEntry(nil, &longest)); size > maxFile {
		t.Errorf("%d bytes", size)
	}
}

func TestAnchors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "anchors.dat")
	genesis := testConfig.Genesis
	if list, err := TakeAnchors(file, genesis); err != nil || list != nil {
		t.Fatal("a missing file:", err)
	}
	want := []Known{seen(node(ip4(1, 2, 3)), noon), seen(node(ip4(4, 5, 6)), noon), seen(node(ip4(7, 8, 9)), noon)}
	if err := SaveAnchors(file, genesis, want); err != nil {
		t.Fatal(err)
	}
	if list, err := TakeAnchors(file, genesis); err != nil || !slices.Equal(list, want[:MaxAnchors]) {
		t.Errorf("%v, %v", list, err)
	}
	if list, err := TakeAnchors(file, genesis); err != nil || list != nil {
		t.Error("still there:", list, err)
	}

	good := encodeAnchors(genesis, want[:1])
	body := good[:len(good)-32]
	for name, raw := range map[string][]byte{
		"empty":    {},
		"cut off":  good[:len(good)-1],
		"changed":  append([]byte{'x'}, good[1:]...),
		"network":  encodeAnchors(wire.Hash{2}, want[:1]),
		"count":    encodeAnchors(genesis, want),
		"trailing": seal(append(slices.Clone(body), 1)),
		"address":  seal(append(slices.Clone(body[:45]), append([]byte{0, 0, 0}, body[48:]...)...)),
	} {
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := TakeAnchors(file, genesis)
		wantDamaged(t, name, file, string(raw), err)
		if list != nil {
			t.Errorf("%s: %v", name, list)
		}
	}
}

func FuzzPeersFile(f *testing.F) {
	b := New(testConfig)
	fill(b, 20, noon)
	raw := b.encode()
	f.Add(raw[:len(raw)-32])
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := New(testConfig)
		if err := b.decodeSealed(raw); err != nil {
			if !isDamaged(err) {
				t.Fatal(err)
			}
			return
		}
		mustCheck(t, b)
		again := New(testConfig)
		if err := again.decode(b.encode()); err != nil || !bytes.Equal(again.encode(), b.encode()) {
			t.Fatal("another book when read again:", err)
		}
	})
}

func FuzzAnchorsFile(f *testing.F) {
	raw := encodeAnchors(testConfig.Genesis, []Known{seen(node(ip4(1, 2, 3)), noon)})
	f.Add(raw[:len(raw)-32])
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := decodeSealedAnchors(raw, testConfig.Genesis)
		if err != nil {
			if !isDamaged(err) || list != nil {
				t.Fatal(list, err)
			}
			return
		}
		if !bytes.Equal(encodeAnchors(testConfig.Genesis, list), seal(raw)) {
			t.Fatal("not the one encoding")
		}
	})
}
