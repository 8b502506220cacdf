package address_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/script/address"
)

func ExampleDecode() {
	regtest := &address.Prefixes{PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "bcrt"}
	pkScript, err := address.Decode(regtest, "bcrt1qtmp74ayg7p24uslctssvjm06q5phz4yrxucgnv")
	fmt.Printf("%x %v\n", pkScript, err)
	_, err = address.Decode(regtest, "17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem")
	fmt.Println(err)
	// Output:
	// 00145ec3eaf488f0555e43f85c20c96dfa0503715483 <nil>
	// Invalid or unsupported Base58-encoded address.
}
