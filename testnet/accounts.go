package testnet

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
	"github.com/keelson-chain/keelson/script/hdkey"
	"github.com/keelson-chain/keelson/script/sig"
)

// Account is a key that has coins, and what pays to it.
type Account struct {
	Address    string // P2WPKH
	WIF        string // the private key
	Descriptor string // of the public key, with where it comes from
	PkScript   []byte
	secret     [32]byte
}

// regtest has what addresses and keys of the network look like.
var regtest = consensus.Regtest(consensus.RegtestOptions{})

// purse is all keys of a network.
type purse struct {
	accounts []Account
	// faucets are what the nodes mine for, by their numbers; the faucet pays out of
	// all of them. If two nodes mined for one, two blocks that they find in the same
	// second on one tip would be the same block.
	faucets []Account
	// public and private are the ranged descriptors of the accounts' addresses,
	// with their checksums.
	public, private string
}

const (
	accountsKey = 0 // m/84'/1'/0'
	faucetsKey  = 1 // m/84'/1'/1'
)

// newPurse derives the keys of so many accounts and nodes from a seed: as BIP 39 does from a
// mnemonic without a passphrase, and then as BIP 84 says for test networks.
func newPurse(seed string, accounts, nodes int) (*purse, error) {
	raw, err := pbkdf2.Key(sha512.New, seed, []byte("mnemonic"), 2048, 64)
	if err != nil {
		return nil, err
	}
	master, err := hdkey.NewMaster(raw)
	if err != nil {
		return nil, err
	}
	p := new(purse)
	for i := range accounts {
		a, err := newAccount(&master, accountsKey, uint32(i))
		if err != nil {
			return nil, err
		}
		p.accounts = append(p.accounts, a)
	}
	for i := range nodes {
		a, err := newAccount(&master, faucetsKey, uint32(i))
		if err != nil {
			return nil, err
		}
		p.faucets = append(p.faucets, a)
	}
	parent, err := derive(master, 84+hdkey.Hardened, 1+hdkey.Hardened, accountsKey+hdkey.Hardened)
	if err != nil {
		return nil, err
	}
	above := master.Public()
	text := fmt.Sprintf("wpkh([%x/84h/1h/%dh]%s/0/*)", above.Fingerprint(), accountsKey, parent.Text(&regtest.Address))
	d, err := descriptor.Parse(&regtest.Address, text, false)
	if err != nil {
		return nil, err
	}
	p.public, p.private = d.String(), text+"#"+d.Checksum()
	return p, nil
}

// newAccount derives m/84'/1'/key'/0/index.
func newAccount(master *hdkey.Private, key, index uint32) (Account, error) {
	k, err := derive(*master, 84+hdkey.Hardened, 1+hdkey.Hardened, key+hdkey.Hardened, 0, index)
	if err != nil {
		return Account{}, err
	}
	pub, _ := sig.PubKeyOf(&k.Secret)
	above := master.Public()
	d, err := descriptor.Parse(&regtest.Address, fmt.Sprintf("wpkh([%x/84h/1h/%dh/0/%d]%x)", above.Fingerprint(), key, index, pub), false)
	if err != nil {
		return Account{}, err
	}
	pkScript, err := d.Script()
	if err != nil {
		return Account{}, err
	}
	text, _ := address.Encode(&regtest.Address, pkScript)
	return Account{
		Address: text, WIF: address.EncodeWIF(&regtest.Address, k.Secret, true),
		Descriptor: d.String(), PkScript: pkScript, secret: k.Secret,
	}, nil
}

// derive walks a path of children.
func derive(k hdkey.Private, path ...uint32) (hdkey.Private, error) {
	for _, index := range path {
		var err error
		if k, err = k.Child(index); err != nil {
			return k, err
		}
	}
	return k, nil
}
