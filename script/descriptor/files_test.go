package descriptor

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script/address"
)

func load(t testing.TB, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(vectors.Read(t, name), into); err != nil {
		t.Fatal(err)
	}
}

// account is a row of the vectors of BIP 84 and BIP 86.
type account struct {
	Comment          string
	Rootpriv, Xpub   string
	Pubkey, Privkey  string
	InternalKey      string `json:"internal_key"`
	ScriptPubKey     string
	Address          string
	chain, addressNo uint32
}

// accounts reads the vectors, which are a root key, its account 0, and three
// addresses of that.
func accounts(t *testing.T, file string) (root, xpub string, list []account) {
	t.Helper()
	var rows []account
	load(t, file, &rows)
	if len(rows) != 5 {
		t.Fatalf("%d rows, want 5", len(rows))
	}
	list = rows[2:]
	list[1].addressNo, list[2].chain = 1, 1
	return standard(t, rows[0].Rootpriv, mainnet.ExtPrivate), standard(t, rows[1].Xpub, mainnet.ExtPublic), list
}

// standard gives an extended key, whose first letters some wallets let tell
// what it is for, the usual ones.
func standard(t *testing.T, key string, version [4]byte) string {
	t.Helper()
	b, ok := address.DecodeBase58Check(key, 78)
	if !ok {
		t.Fatal(key)
	}
	copy(b, version[:])
	return address.EncodeBase58Check(b)
}

func TestBIP84(t *testing.T) {
	root, xpub, list := accounts(t, "bips-extracted/bip-0084.json")
	for _, a := range list {
		for _, desc := range []string{
			fmt.Sprintf("wpkh(%s/84h/0h/0h/%d/*)", root, a.chain),
			fmt.Sprintf("wpkh([00000000/84h/0h/0h]%s/%d/*)", xpub, a.chain),
		} {
			checkAccount(t, desc, &a)
		}
		for _, key := range []string{a.Privkey, a.Pubkey} {
			a.addressNo = 0
			checkAccount(t, "wpkh("+key+")", &a)
		}
	}
}

func TestBIP86(t *testing.T) {
	root, xpub, list := accounts(t, "bips-extracted/bip-0086.json")
	for _, a := range list {
		for _, desc := range []string{
			fmt.Sprintf("tr(%s/86h/0h/0h/%d/*)", root, a.chain),
			fmt.Sprintf("tr([00000000/86h/0h/0h]%s/%d/*)", xpub, a.chain),
		} {
			checkAccount(t, desc, &a)
		}
		a.addressNo = 0
		for _, desc := range []string{"tr(" + a.InternalKey + ")", "tr(" + a.Xpub + ")", "rawtr(" + a.ScriptPubKey[4:] + ")", "raw(" + a.ScriptPubKey + ")"} {
			checkAccount(t, desc, &a)
		}
	}
}

func checkAccount(t *testing.T, desc string, a *account) {
	t.Helper()
	d, err := Parse(mainnet, desc, false)
	if err != nil {
		t.Errorf("%s: %s: %v", a.Comment, desc, err)
		return
	}
	scripts, err := d.Scripts(a.addressNo)
	if err != nil || len(scripts) != 1 {
		t.Errorf("%s: %s: %x, %v", a.Comment, desc, scripts, err)
		return
	}
	if got, ok := address.Encode(mainnet, scripts[0]); !ok || got != a.Address {
		t.Errorf("%s: %s: %s, want %s", a.Comment, desc, got, a.Address)
	}
}

// TestBIP67: sorted keys, by Bitcoin Core's cases.
func TestBIP67(t *testing.T) {
	var cases []struct {
		Keys    []string
		Sorted  []string `json:"sorted_keys"`
		Script  string
		Address string
	}
	load(t, "bitcoin-core-28.1/test/functional/data/rpc_bip67.json", &cases)
	for _, c := range cases {
		keys := strings.Join(c.Keys, ",")
		for _, desc := range []string{"sh(sortedmulti(2," + keys + "))", "sh(multi(2," + strings.Join(c.Sorted, ",") + "))"} {
			d, err := Parse(regtest, desc, false)
			if err != nil {
				t.Errorf("%s: %v", desc, err)
				continue
			}
			s, err := d.Script()
			if got, ok := address.Encode(regtest, s); err != nil || !ok || got != c.Address {
				t.Errorf("%s: %s, %v, want %s", desc, got, err, c.Address)
			}
		}
		inner, err := hex.DecodeString(c.Script)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Keys) > maxBareKeys {
			continue
		}
		d, err := Parse(regtest, "sortedmulti(2,"+keys+")", false)
		if err != nil {
			t.Errorf("%s: %v", keys, err)
			continue
		}
		if s, err := d.Script(); err != nil || !bytes.Equal(s, inner) {
			t.Errorf("%s: %x, %v, want %s", d, s, err, c.Script)
		}
		if got, want := Infer(regtest, inner), "multi(2,"+strings.Join(c.Sorted, ",")+")#"; !strings.HasPrefix(got, want) {
			t.Errorf("inferred %s, want %s", got, want)
		}
	}
	if len(cases) != 4 {
		t.Errorf("%d cases, want 4", len(cases))
	}
}

// TestBIP341 writes the script trees of the vectors as descriptors. Two of the
// seven have a leaf that is no tapscript, which no descriptor can say.
func TestBIP341(t *testing.T) {
	var file struct {
		ScriptPubKey []struct {
			Given struct {
				InternalPubkey string
				ScriptTree     json.RawMessage
			}
			Expected struct{ ScriptPubKey, Bip350Address string }
		}
	}
	load(t, "bips/bip-0341/wallet-test-vectors.json", &file)
	ran := 0
	for _, c := range file.ScriptPubKey {
		tree, ok := treeText(t, c.Given.ScriptTree)
		if !ok {
			continue
		}
		ran++
		desc := "tr(" + c.Given.InternalPubkey + tree + ")"
		d, err := Parse(mainnet, desc, false)
		if err != nil {
			t.Errorf("%s: %v", desc, err)
			continue
		}
		s, err := d.Script()
		if err != nil || hex.EncodeToString(s) != c.Expected.ScriptPubKey {
			t.Errorf("%s: %x, %v, want %s", desc, s, err, c.Expected.ScriptPubKey)
		}
		if got, ok := address.Encode(mainnet, s); !ok || got != c.Expected.Bip350Address {
			t.Errorf("%s: %s, want %s", desc, got, c.Expected.Bip350Address)
		}
	}
	if len(file.ScriptPubKey) != 7 || ran != 5 {
		t.Errorf("ran %d of %d vectors, want 5 of 7", ran, len(file.ScriptPubKey))
	}
}

// treeText writes a script tree of pk() leaves, with a comma in front.
func treeText(t *testing.T, raw json.RawMessage) (string, bool) {
	t.Helper()
	if string(raw) == "null" {
		return "", true
	}
	var pair []json.RawMessage
	if json.Unmarshal(raw, &pair) == nil {
		left, ok1 := treeText(t, pair[0])
		right, ok2 := treeText(t, pair[1])
		return ",{" + strings.TrimPrefix(left, ",") + right + "}", ok1 && ok2
	}
	var leaf struct {
		Script      string
		LeafVersion byte
	}
	if err := json.Unmarshal(raw, &leaf); err != nil {
		t.Fatal(err)
	}
	key, ok := strings.CutPrefix(leaf.Script, "20")
	key, ok2 := strings.CutSuffix(key, "ac")
	return ",pk(" + key + ")", ok && ok2 && leaf.LeafVersion == leafTapscript
}

// TestInferBack infers descriptors of the scripts that the vectors have, which
// must have these scripts.
func TestInferBack(t *testing.T) {
	kinds := map[string]int{}
	for _, list := range valid {
		for _, v := range list {
			for _, want := range slices.Concat(v.scripts...) {
				pkScript, err := hex.DecodeString(want)
				if err != nil {
					t.Fatal(err)
				}
				text := Infer(mainnet, pkScript)
				d, err := Parse(mainnet, text, true)
				if err != nil || d.String() != text {
					t.Errorf("%s: inferred %s, read as %v, %v", want, text, d, err)
					continue
				}
				if s, err := d.Script(); err != nil || !bytes.Equal(s, pkScript) {
					t.Errorf("%s: inferred %s, which is %x, %v", want, text, s, err)
				}
				kind, _, _ := strings.Cut(text, "(")
				kinds[kind]++
			}
		}
	}
	for _, kind := range []string{"pk", "multi", "rawtr", "addr"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s() was inferred: %v", kind, kinds)
		}
	}
}
