package kv

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/syndtr/goleveldb/leveldb/journal"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

func logOf(records ...[]byte) []byte {
	var b bytes.Buffer
	w := journal.NewWriter(&b)
	for _, r := range records {
		to, _ := w.Next()
		to.Write(r)
	}
	w.Close()
	return b.Bytes()
}

func memFile(t *testing.T, data []byte) fsys.File {
	t.Helper()
	f, err := fsys.Mem().Create("f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	return f
}

// damagedLog makes a log of records whose lengths sizes gives, and flips bits
// where flips says: two bytes for the place and one for the bits. So a few bytes
// of input make a log of several blocks.
func damagedLog(sizes, flips []byte) []byte {
	var records [][]byte
	for i, n := range sizes[:min(len(sizes), 12)] {
		records = append(records, bytes.Repeat([]byte{byte(i)}, int(n)*int(n)))
	}
	data := logOf(records...)
	for ; len(flips) >= 3 && len(data) > 0; flips = flips[3:] {
		data[(int(flips[0])<<8|int(flips[1]))*7%len(data)] ^= flips[2]
	}
	return data
}

// FuzzLog reads any bytes, and damaged logs, as a log. What is left after the
// torn end must be whole to goleveldb too, and hold the same records; a cut
// leaves the records before it.
func FuzzLog(f *testing.F) {
	f.Add([]byte{}, []byte{3, 0, 255, 255, 255}, []byte{}, uint(12))
	f.Add([]byte{}, []byte{255, 100, 200, 7}, []byte{200, 3, 1}, uint(60000))
	f.Add(logOf([]byte("one"), nil, []byte("three")), []byte{}, []byte{}, uint(12))
	f.Fuzz(func(t *testing.T, data, sizes, flips []byte, cut uint) {
		checkLogBytes(t, data, cut)
		checkLogBytes(t, damagedLog(sizes, flips), cut)
	})
}

func checkLogBytes(t *testing.T, data []byte, cut uint) {
	var records [][]byte
	collect := func(r []byte) error { records = append(records, bytes.Clone(r)); return nil }
	whole, err := readLog(memFile(t, data), int64(len(data)), collect)
	if err != nil {
		if !isDamage(err) {
			t.Fatal(err)
		}
		return
	}
	r := journal.NewReader(bytes.NewReader(data[:whole]), nil, true, true)
	for _, want := range records {
		from, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(from); err != nil || !bytes.Equal(got, want) {
			t.Fatal(err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	all := records
	records = nil
	part := data[:min(uint64(cut), uint64(whole))]
	if _, err := readLog(memFile(t, part), int64(len(part)), collect); err != nil {
		t.Fatalf("cut at %d of %d: %v", len(part), whole, err)
	}
	if len(records) > len(all) {
		t.Fatal("more records after a cut")
	}
	for i, r := range records {
		if !bytes.Equal(r, all[i]) {
			t.Fatalf("record %d differs after a cut", i)
		}
	}
}

// FuzzManifest reads any bytes as a record of a manifest and as a table's
// footer.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("\x01\x04name\x02\x05\x03\x07\x04\x09\x05\x01\x01k\x06\x00\x03\x07\x00\x04\x10\x01a\x01z\x09\x00"))
	f.Add(bytes.Repeat([]byte{0xff}, 48))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m manifest
		if err := m.read(data); err != nil && !isDamage(err) {
			t.Fatal(err)
		}
		if err := checkFooter(memFile(t, data), int64(len(data))); err != nil && !isDamage(err) {
			t.Fatal(err)
		}
	})
}
