package descriptor_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
)

var mainnet = &address.Prefixes{
	PubKeyHash: 0, ScriptHash: 5, PrivateKey: 128, HRP: "bc",
	ExtPublic: [4]byte{0x04, 0x88, 0xb2, 0x1e}, ExtPrivate: [4]byte{0x04, 0x88, 0xad, 0xe4},
}

// The first addresses of an account of BIP 86, from its extended public key.
func Example() {
	d, err := descriptor.Parse(mainnet, "tr(xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ/0/*)", false)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range uint32(2) {
		scripts, err := d.Scripts(i)
		if err != nil {
			fmt.Println(err)
			return
		}
		text, _ := address.Encode(mainnet, scripts[0])
		fmt.Println(text)
	}
	// Output:
	// bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr
	// bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh
}

// A descriptor of one script, in its canonical form.
func ExampleDescriptor_Script() {
	d, err := descriptor.Parse(mainnet, "wpkh(L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1)", false)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := d.Script()
	fmt.Printf("%v\n%x %v\n", d, s, err)
	// Output:
	// wpkh(03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)#ah7klf29
	// 00149a1c78a507689f6f54b847ad1cef1e614ee23f1e <nil>
}

func ExampleInfer() {
	fmt.Println(descriptor.Infer(mainnet, []byte{0x6a, 0x00}))
	// Output: raw(6a00)#ncfmkl43
}
