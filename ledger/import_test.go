package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/wire"
)

// The chains of the vectors, with what Bitcoin Core says of them.
var vectorChains = []struct {
	file   string
	height uint32
	tip    string
	txouts uint64
	muhash string
}{
	{"chain-p2wpkh.dat", 213, "17f967d5221ebff1a86a8bbcc9624f733d5298720c6caf4a74cefbbc0e1b7344", 160153, "f70473228486329daab7adbcdc40625acd77f96fde37f181f26ee6a9d51d4d5d"},
	{"chain-p2tr.dat", 213, "09712d10a3c5f236d17160a7e230b6cc30473a1880e62466fa467290bb949ef7", 160153, "b346b2a5a563d6e17331566d8e1d72df78629aa94050b226920e96a3db67723b"},
	{"chain-mixed.dat", 255, "0c65e7cc24c73475717cc70d2a48b227b2bc7faa0973bc66f3b9ff67c2f03052", 133465, "88f010e2313694a01d061a5d4da7379272724ac41c9ccd5cc472f815340b0737"},
}

// diskConfig is the defaults, on a folder of the real disk.
func diskConfig(t testing.TB) Config {
	return Config{Dir: filepath.Join(t.TempDir(), "regtest"), Params: regtest}
}

func openDisk(t testing.TB, cfg Config) *Ledger {
	t.Helper()
	l, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return l
}

func TestImportVectorChains(t *testing.T) {
	for _, v := range vectorChains {
		t.Run(v.file, func(t *testing.T) {
			if testing.Short() && v.file != "chain-p2tr.dat" {
				t.Skip("long")
			}
			path := vectors.Path(t, "chains/"+v.file)
			l := openDisk(t, diskConfig(t))
			defer l.Close()
			calls := 0
			p, err := l.Import(t.Context(), path, func(ImportProgress) { calls++ })
			if err != nil {
				t.Fatal(err)
			}
			if p.Height != v.height || p.Added != uint64(v.height) || p.Read != p.Total || calls == 0 {
				t.Fatalf("progress %+v after %d calls", p, calls)
			}
			t.Logf("%d inputs in %v", p.Inputs, p.Elapsed)
			stats, err := l.CoinStats(t.Context(), StatsMuHash)
			if err != nil {
				t.Fatal(err)
			}
			if stats.Tip.Hash.String() != v.tip || stats.TxOuts != v.txouts || stats.Hash.String() != v.muhash {
				t.Fatalf("tip %v, %d outputs, muhash %v", stats.Tip, stats.TxOuts, stats.Hash)
			}
		})
	}
}

// The first blocks of Bitcoin, as a bootstrap file, under a chain-spec of its
// rules.
func TestImportMainnet(t *testing.T) {
	raw := vectors.Read(t, "btcd/database/testdata/blocks1-256.bz2")
	spec, err := os.ReadFile("../consensus/testdata/bitcoin.json")
	if err != nil {
		t.Fatal(err)
	}
	cfg := diskConfig(t)
	if cfg.Params, err = consensus.ParseSpec(spec); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bootstrap.dat")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	l := openDisk(t, cfg)
	p, err := l.Import(t.Context(), path, nil)
	if err != nil || p.Height < 255 {
		t.Fatalf("%+v, %v", p, err)
	}
	// Block 170 has the first payment of all.
	e, _ := l.EntryAt(170)
	if got := e.Ref.Hash.String(); got != "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee" {
		t.Fatalf("block 170 is %s", got)
	}
	spent, err := l.Spent(e.Ref.Hash)
	if err != nil || len(spent) != 1 || spent[0].Height != 9 || !spent[0].Coinbase || spent[0].Out.Value != 50*wire.Coin {
		t.Fatalf("%+v, %v", spent, err)
	}
	if err := l.VerifyChain(t.Context(), 4, 0, nil); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Params = regtest
	_, err = Open(t.Context(), cfg)
	oneLine(t, err, ErrOtherNetwork)
}

// writeChain writes blocks in the three forms that Import reads, and returns the
// paths: a flat chain file, a bootstrap file and a folder of block files, out of
// order and padded with zeros.
func writeChain(t *testing.T, blocks []*wire.Block) (flatFile, bootstrap, folder string) {
	t.Helper()
	dir := t.TempDir()
	var plain, framed []byte
	frame := func(dst []byte, b *wire.Block) []byte {
		dst = append(dst, regtest.Magic[:]...)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(b.Size()))
		return append(dst, b.Bytes()...)
	}
	for _, b := range blocks {
		plain = binary.LittleEndian.AppendUint32(plain, uint32(b.Size()))
		plain = append(plain, b.Bytes()...)
		framed = frame(framed, b)
	}
	shuffled := slices.Clone(blocks)
	slices.Reverse(shuffled[:len(shuffled)/2])
	slices.Reverse(shuffled[len(shuffled)/3:])
	var files [2][]byte
	files[0] = frame(nil, regtest.Genesis)
	for i, b := range shuffled {
		k := i * 2 / len(shuffled)
		files[k] = append(frame(files[k], b), make([]byte, i%3*5)...)
	}
	folder = filepath.Join(dir, "blocks")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	flatFile, bootstrap = filepath.Join(dir, "chain.dat"), filepath.Join(dir, "bootstrap.dat")
	for name, b := range map[string][]byte{
		flatFile: plain, bootstrap: framed,
		filepath.Join(folder, "blk00000.dat"): append(files[0], make([]byte, 4096)...),
		filepath.Join(folder, "blk00003.dat"): files[1],
	} {
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return flatFile, bootstrap, folder
}

func TestImportForms(t *testing.T) {
	s := newSpender(21)
	s.MineN(105)
	s.busyN(10)
	flatFile, bootstrap, folder := writeChain(t, s.Blocks())
	for _, path := range []string{flatFile, bootstrap, folder, mask(t, folder)} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			l := newTest(t)
			p, err := l.Import(t.Context(), path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if p.Height != s.State().Tip.Height || p.Added != uint64(p.Height) || p.Invalid != 0 {
				t.Fatalf("%+v", p)
			}
			checkAt(t, l, s.Chain)
			// And once more: everything is known.
			p, err = l.Import(t.Context(), path, nil)
			if err != nil || p.Added != 0 {
				t.Fatalf("again: %+v, %v", p, err)
			}
		})
	}
}

// mask copies a folder of block files in the way in which Bitcoin Core masks
// them.
func mask(t *testing.T, folder string) string {
	t.Helper()
	masked, key := t.TempDir(), []byte{1, 0, 0xff, 7, 9, 0x80, 3, 0x55}
	names, err := filepath.Glob(filepath.Join(folder, "blk*.dat"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	put := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(masked, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("xor.dat", key)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] ^= key[i%len(key)]
		}
		put(filepath.Base(name), b)
	}
	return masked
}

// An import that is stopped at any moment goes on where it was.
func TestImportResumes(t *testing.T) {
	s := newSpender(22)
	s.MineN(105)
	s.busyN(10)
	_, bootstrap, folder := writeChain(t, s.Blocks())
	for _, path := range []string{bootstrap, folder} {
		cfg := diskConfig(t)
		for i := 0; ; i++ {
			l := openDisk(t, cfg)
			ctx := &countdown{Context: t.Context(), left: 40}
			p, err := l.Import(ctx, path, nil)
			if cerr := l.Close(); cerr != nil {
				t.Fatal(cerr)
			}
			if err == nil {
				if i < 2 || p.Height != s.State().Tip.Height {
					t.Fatalf("run %d ends at %d", i, p.Height)
				}
				break
			}
			wantError(t, err, context.Canceled)
		}
		l := openDisk(t, cfg)
		checkAt(t, l, s.Chain)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestImportErrors(t *testing.T) {
	s := newSpender(23)
	s.MineN(30)
	flatFile, bootstrap, folder := writeChain(t, s.Blocks())
	whole, err := os.ReadFile(flatFile)
	if err != nil {
		t.Fatal(err)
	}
	framed, err := os.ReadFile(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) string {
		path := filepath.Join(t.TempDir(), "chain.dat")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	broken := slices.Clone(whole)
	broken[len(whole)/2] ^= 1
	other := slices.Clone(framed)
	other[len(framed)*2/3] ^= 1
	second := 4 + int(binary.LittleEndian.Uint32(whole))
	badKey := mask(t, folder)
	if err := os.Truncate(filepath.Join(badKey, "xor.dat"), 7); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		want       string
	}{
		{"missing", filepath.Join(folder, "nothing"), "no such file"},
		{"empty file", write(nil), "holds no block"},
		{"empty folder", t.TempDir(), "has no files blk*.dat"},
		{"short key", badKey, "not the 8 of a key"},
		{"truncated block", write(whole[:len(whole)-10]), "ends in the middle of a block"},
		{"truncated frame", write(framed[:len(framed)-s.Tip().Size()-3]), "ends in the middle of a block's frame"},
		{"no chain file", write([]byte(strings.Repeat("no chain file ", 100))), "not a chain file"},
		{"damaged block", write(broken), "block "},
		{"does not connect", write(whole[second:]), "previous block not found"},
		{"damaged bootstrap", write(other), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newTest(t)
			_, err := l.Import(t.Context(), c.path, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v", err)
			}
			// What came before the fault stays, and the whole file goes in after.
			if _, err := l.Import(t.Context(), flatFile, nil); err != nil {
				t.Fatal(err)
			}
			checkAt(t, l, s.Chain)
		})
	}
}

// In a folder, which a node wrote, an invalid branch is passed over.
func TestImportInvalidBranch(t *testing.T) {
	s := newSpender(24)
	s.MineN(105)
	s.Mark("tip")
	bad := s.invalidBranch()
	s.Goto("tip")
	s.MineN(4)
	blocks := s.Blocks()
	mixed := slices.Concat(blocks[:105], bad, blocks[105:])
	flatFile, bootstrap, _ := writeChain(t, mixed)
	folder := t.TempDir() // in order, so that the invalid branch is tried
	if err := os.Rename(bootstrap, filepath.Join(folder, "blk00000.dat")); err != nil {
		t.Fatal(err)
	}
	l := newTest(t)
	p, err := l.Import(t.Context(), folder, nil)
	if err != nil || p.Invalid == 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	checkAt(t, l, s.Chain)
	l = newTest(t)
	_, err = l.Import(t.Context(), flatFile, nil)
	wantError(t, err, consensus.ErrCoinbaseAmount)
	if errors.Is(err, ErrFault) {
		t.Fatal("an invalid block is no fault")
	}
	if _, ok := l.Ancestor(l.Tip().Tip.Hash, 105); !ok {
		t.Fatalf("the tip is %v", l.Tip().Tip)
	}
}
