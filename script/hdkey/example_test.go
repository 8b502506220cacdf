package hdkey_test

import (
	"encoding/hex"
	"fmt"

	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/hdkey"
)

func Example() {
	bitcoin := &address.Prefixes{
		ExtPublic:  [4]byte{0x04, 0x88, 0xb2, 0x1e}, // xpub
		ExtPrivate: [4]byte{0x04, 0x88, 0xad, 0xe4}, // xprv
	}
	seed, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	master, err := hdkey.NewMaster(seed)
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := master.Child(hdkey.Hardened + 0) // m/0h
	if err != nil {
		fmt.Println(err)
		return
	}
	public := account.Public()
	fmt.Println(public.Text(bitcoin))
	child, err := public.Child(1) // m/0h/1, which needs no secret
	fmt.Printf("%x %v\n", child.Key, err)
	// Output:
	// xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw
	// 03501e454bf00751f24b1b489aa925215d66af2234e3891c3b21a52bedb3cd711c <nil>
}
