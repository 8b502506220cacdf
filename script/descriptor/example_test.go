package descriptor_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
)

func Example() {
	mainnet := &address.Prefixes{PubKeyHash: 0, ScriptHash: 5, PrivateKey: 128, HRP: "bc"}
	d, err := descriptor.Parse(mainnet, "addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)", false)
	fmt.Printf("%v %x %v\n", d, d.Script(), err)
	fmt.Println(descriptor.Infer(mainnet, []byte{0x6a, 0x00}))
	// Output:
	// addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)#6vhk2xgr a914eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee87 <nil>
	// raw(6a00)#ncfmkl43
}
