package testnet

import (
	"testing"

	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
)

// TestAccounts: the keys are those that wallets derive from the same mnemonic.
func TestAccounts(t *testing.T) {
	p, err := newPurse("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about", 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	// The first address of BIP 84's mnemonic on test networks, as wallets show it.
	prefixes := regtest.Address
	prefixes.HRP = "tb"
	want, err := address.Decode(&prefixes, "tb1q6rz28mcfaxtmd6v789l9rrlrusdprr9pqcpvkl")
	if err != nil {
		t.Fatal(err)
	}
	if string(p.accounts[0].PkScript) != string(want) {
		got, _ := address.Encode(&prefixes, p.accounts[0].PkScript)
		t.Errorf("account 0 is %s", got)
	}
	d, err := descriptor.Parse(&regtest.Address, p.private, true)
	if err != nil {
		t.Fatal(err)
	}
	public, err := descriptor.Parse(&regtest.Address, p.public, true)
	if err != nil || public.HasPrivateKeys() || !d.HasPrivateKeys() {
		t.Errorf("%s: %v", p.public, err)
	}
	seen := map[string]bool{}
	for i, a := range p.accounts {
		for _, d := range []*descriptor.Descriptor{d, public} {
			scripts, err := d.Scripts(uint32(i))
			if err != nil || string(scripts[0]) != string(a.PkScript) {
				t.Errorf("descriptor at %d: %x, %v", i, scripts, err)
			}
		}
		if key, compressed, err := address.DecodeWIF(&regtest.Address, a.WIF); err != nil || !compressed || key != a.secret {
			t.Errorf("WIF %s: %v", a.WIF, err)
		}
		if pkScript, err := address.Decode(&regtest.Address, a.Address); err != nil || string(pkScript) != string(a.PkScript) {
			t.Errorf("address %s: %v", a.Address, err)
		}
		one, err := descriptor.Parse(&regtest.Address, a.Descriptor, true)
		if err != nil {
			t.Fatal(err)
		}
		if pkScript, err := one.Script(); err != nil || string(pkScript) != string(a.PkScript) {
			t.Errorf("descriptor %s: %v", a.Descriptor, err)
		}
		seen[a.Address] = true
	}
	for _, a := range p.faucets {
		seen[a.Address] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d different addresses", len(seen))
	}
}
