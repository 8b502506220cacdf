package script

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// hexBytes is bytes that JSON holds in hexadecimal; nil for null.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type bip341Vectors struct {
	ScriptPubKey []struct {
		Given struct {
			InternalPubkey hexBytes
			ScriptTree     json.RawMessage
		}
		Intermediary struct {
			LeafHashes    []hexBytes
			MerkleRoot    hexBytes
			Tweak         hexBytes
			TweakedPubkey hexBytes
		}
		Expected struct {
			ScriptPubKey            hexBytes
			ScriptPathControlBlocks []hexBytes
		}
	}
	KeyPathSpending []struct {
		Given struct {
			RawUnsignedTx hexBytes
			UtxosSpent    []struct {
				ScriptPubKey hexBytes
				AmountSats   wire.Amount
			}
		}
		Intermediary struct {
			HashAmounts, HashOutputs, HashPrevouts, HashScriptPubkeys, HashSequences hexBytes
		}
		InputSpending []struct {
			Given struct {
				TxinIndex  int
				MerkleRoot hexBytes
				HashType   byte
			}
			Intermediary struct {
				InternalPubkey, Tweak, SigHash hexBytes
			}
			Expected struct{ Witness []hexBytes }
		}
		Auxiliary struct{ FullySignedTx hexBytes }
	}
}

// tree is a node of a script tree: a leaf, or two nodes.
type tree struct {
	script  []byte
	version byte
	nodes   []tree
}

func parseTree(t *testing.T, raw json.RawMessage) tree {
	if raw[0] == '[' {
		var nodes []json.RawMessage
		if err := json.Unmarshal(raw, &nodes); err != nil || len(nodes) != 2 {
			t.Fatalf("%s: %v", raw, err)
		}
		return tree{nodes: []tree{parseTree(t, nodes[0]), parseTree(t, nodes[1])}}
	}
	var leaf struct {
		Script      hexBytes
		LeafVersion byte
	}
	if err := json.Unmarshal(raw, &leaf); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return tree{script: leaf.Script, version: leaf.LeafVersion}
}

// provenLeaf is a leaf with the siblings on its way to the root.
type provenLeaf struct {
	script  []byte
	version byte
	hash    [32]byte
	path    []byte
}

// walk returns the hash of the node and its leaves in order.
func (n *tree) walk() (root [32]byte, leaves []provenLeaf) {
	if n.nodes == nil {
		h := TapLeafHash(n.version, n.script)
		return h, []provenLeaf{{script: n.script, version: n.version, hash: h}}
	}
	leftHash, left := n.nodes[0].walk()
	rightHash, right := n.nodes[1].walk()
	for i := range left {
		left[i].path = append(left[i].path, rightHash[:]...)
	}
	for i := range right {
		right[i].path = append(right[i].path, leftHash[:]...)
	}
	return TapBranchHash(leftHash, rightHash), append(left, right...)
}

func readBIP341(t *testing.T) bip341Vectors {
	var v bip341Vectors
	if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/src/test/data/bip341_wallet_vectors.json"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func wantBytes(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s is %x, want %x", what, got, want)
	}
}

func TestBIP341ScriptPubKeys(t *testing.T) {
	cases := readBIP341(t).ScriptPubKey
	for _, c := range cases {
		internal, outputKey := c.Given.InternalPubkey, c.Intermediary.TweakedPubkey
		pkScript := new(Builder).Int(1).Data(outputKey).Script()
		wantBytes(t, "output script", pkScript, c.Expected.ScriptPubKey)
		if class, data := Classify(pkScript); class != WitnessV1Taproot || !bytes.Equal(data[0], outputKey) {
			t.Errorf("class %v, data %x", class, data)
		}

		var leaves []provenLeaf
		var root []byte
		if string(c.Given.ScriptTree) != "null" {
			scripts := parseTree(t, c.Given.ScriptTree)
			var hash [32]byte
			hash, leaves = scripts.walk()
			root = hash[:]
		}
		wantBytes(t, "merkle root", root, c.Intermediary.MerkleRoot)
		tweak := TapTweakHash(internal, root)
		wantBytes(t, "tweak", tweak[:], c.Intermediary.Tweak)

		// Exactly one parity of the output key is right.
		check := sig.Check{Kind: sig.Tweak, PubKey: internal, Sig: outputKey, Hash: tweak}
		even := sig.DCRD().Verify(&check)
		check.Odd = true
		odd := sig.DCRD().Verify(&check)
		if even == odd {
			t.Errorf("output key %x: even %v, odd %v", outputKey, even, odd)
		}

		if len(leaves) != len(c.Expected.ScriptPathControlBlocks) {
			t.Fatalf("%d leaves, %d control blocks", len(leaves), len(c.Expected.ScriptPathControlBlocks))
		}
		for i, leaf := range leaves {
			wantBytes(t, "leaf hash", leaf.hash[:], c.Intermediary.LeafHashes[i])
			parity := byte(0)
			if odd {
				parity = 1
			}
			control := append(append([]byte{leaf.version | parity}, internal...), leaf.path...)
			wantBytes(t, "control block", control, c.Expected.ScriptPathControlBlocks[i])
			// The engine accepts the commitment, and what fails, if anything, is the script.
			err := verifyOutput(pkScript, 0, nil, [][]byte{{}, leaf.script, control})
			if err == ErrWitnessProgramMismatch || err == ErrTaprootWrongControlSize {
				t.Errorf("control block %x: %v", control, err)
			}
			control[0] ^= 1
			if err := verifyOutput(pkScript, 0, nil, [][]byte{{}, leaf.script, control}); err != ErrWitnessProgramMismatch {
				t.Errorf("control block %x with the wrong parity: %v", control, err)
			}
		}
	}
	if len(cases) != 7 {
		t.Errorf("%d cases ran, want 7", len(cases))
	}
}

// verifyOutput verifies a transaction with one input and no outputs that
// spends pkScript, under all rules of consensus.
func verifyOutput(pkScript []byte, value wire.Amount, sigScript []byte, witness [][]byte) error {
	tx := &wire.Tx{Version: 2, Inputs: []wire.TxIn{{SigScript: sigScript, Witness: witness}}}
	hashes := NewSigHashes(tx, []wire.TxOut{{Value: value, PkScript: pkScript}})
	return Verify(hashes, 0, MandatoryFlags, sig.Exact{Verifier: sig.DCRD()})
}

func TestBIP341KeyPath(t *testing.T) {
	ran := 0
	for _, c := range readBIP341(t).KeyPathSpending {
		spent := make([]wire.TxOut, len(c.Given.UtxosSpent))
		for i, u := range c.Given.UtxosSpent {
			spent[i] = wire.TxOut{Value: u.AmountSats, PkScript: u.ScriptPubKey}
		}
		unsigned, err := wire.DecodeTx(c.Given.RawUnsignedTx)
		if err != nil {
			t.Fatal(err)
		}
		hashes := NewSigHashes(unsigned, spent)
		for _, in := range c.InputSpending {
			tweak := TapTweakHash(in.Intermediary.InternalPubkey, in.Given.MerkleRoot)
			wantBytes(t, "tweak", tweak[:], in.Intermediary.Tweak)
			hash, ok := hashes.Taproot(in.Given.TxinIndex, in.Given.HashType, nil, nil)
			if !ok {
				t.Errorf("hash type %#x is not taken", in.Given.HashType)
			}
			wantBytes(t, "signature hash", hash[:], in.Intermediary.SigHash)
			ran++
		}
		wantBytes(t, "hash of amounts", hashes.amounts[:], c.Intermediary.HashAmounts)
		wantBytes(t, "hash of outputs", hashes.outputs[:], c.Intermediary.HashOutputs)
		wantBytes(t, "hash of prevouts", hashes.prevouts[:], c.Intermediary.HashPrevouts)
		wantBytes(t, "hash of scripts", hashes.scripts[:], c.Intermediary.HashScriptPubkeys)
		wantBytes(t, "hash of sequences", hashes.sequences[:], c.Intermediary.HashSequences)

		signed, err := wire.DecodeTx(c.Auxiliary.FullySignedTx)
		if err != nil {
			t.Fatal(err)
		}
		hashes = NewSigHashes(signed, spent)
		for i := range signed.Inputs {
			for _, verify := range []func(*SigHashes, int, Flags, sig.Checker) error{Verify, VerifyInterpreted} {
				if err := verify(hashes, i, StandardFlags, sig.Exact{Verifier: sig.DCRD()}); err != nil {
					t.Errorf("input %d of the signed transaction: %v", i, err)
				}
			}
		}
		for _, in := range c.InputSpending {
			wantBytes(t, "witness", signed.Inputs[in.Given.TxinIndex].Witness[0], in.Expected.Witness[0])
		}
	}
	if ran != 7 {
		t.Errorf("%d cases ran, want 7", ran)
	}
}
