package scripttest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

type taprootCase struct {
	Tx       string
	Prevouts []string
	Index    int
	Flags    string
	Comment  string
	Success  *taprootSpend
	Failure  *taprootSpend
	Final    bool
}

type taprootSpend struct {
	ScriptSig string
	Witness   []string
}

// TaprootRef runs the taproot reference cases, one JSON object to a line. A
// success passes with its flags and any fewer, if final with any flags of
// consensus at all; a failure fails with its flags and any more.
func (r Runner) TaprootRef(t testing.TB, lines []byte, want int) {
	t.Helper()
	r = r.filled()
	ran := 0
	for line := range bytes.Lines(lines) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		c := value[taprootCase](t, line)
		flags := parseFlags(t, c.Flags)
		if c.Success == nil {
			t.Errorf("%s: no success", c.Comment)
		} else {
			hashes := c.hashes(t, c.Success)
			for _, f := range consensusFlags() {
				if !c.Final && f&flags != f {
					continue
				}
				if err := r.Verify(hashes, c.Index, f, r.Sigs); err != nil {
					t.Errorf("%s: success with flags %v: %v", c.Comment, f, err)
				}
			}
		}
		if c.Failure != nil {
			hashes := c.hashes(t, c.Failure)
			for _, f := range consensusFlags() {
				if f&flags != flags {
					continue
				}
				if r.Verify(hashes, c.Index, f, r.Sigs) == nil {
					t.Errorf("%s: failure passes with flags %v", c.Comment, f)
				}
			}
		}
		ran++
	}
	counted(t, ran, want)
}

// TaprootFiles returns the lines of a folder with one case to a file.
func TaprootFiles(t testing.TB, dir string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var line bytes.Buffer
		if err := json.Compact(&line, bytes.TrimRight(b, ", \n")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		lines = append(append(lines, line.Bytes()...), '\n')
	}
	return lines
}

func (c *taprootCase) hashes(t testing.TB, s *taprootSpend) *script.SigHashes {
	t.Helper()
	tx := decodeTx(t, c.Tx).Clone()
	in := &tx.Inputs[c.Index]
	in.SigScript = unhex(t, s.ScriptSig)
	in.Witness = nil
	for _, item := range s.Witness {
		in.Witness = append(in.Witness, unhex(t, item))
	}
	spent := make([]wire.TxOut, len(c.Prevouts))
	for i, text := range c.Prevouts {
		b := unhex(t, text)
		spent[i].Value = wire.Amount(binary.LittleEndian.Uint64(b))
		size, rest, err := wire.ReadCompactSize(b[8:])
		if err != nil || size != uint64(len(rest)) {
			t.Fatalf("%s: output %s: %v", c.Comment, text, err)
		}
		spent[i].PkScript = rest
	}
	return script.NewSigHashes(tx, spent)
}

// consensusFlags returns every set of consensus flags in which witnesses come
// with script hashes and taproot with witnesses.
func consensusFlags() []script.Flags {
	single := []script.Flags{
		script.VerifyP2SH, script.VerifyDERSig, script.VerifyNullDummy, script.VerifyCheckLockTimeVerify,
		script.VerifyCheckSequenceVerify, script.VerifyWitness, script.VerifyTaproot,
	}
	var sets []script.Flags
	for i := range 1 << len(single) {
		var f script.Flags
		for bit, flag := range single {
			if i>>bit&1 != 0 {
				f |= flag
			}
		}
		if f == filled(f) && (f&script.VerifyTaproot == 0 || f&script.VerifyWitness != 0) {
			sets = append(sets, f)
		}
	}
	return sets
}
