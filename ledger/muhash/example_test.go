package muhash_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/ledger/muhash"
)

func ExampleHash() {
	var a, b muhash.Hash
	a.Add([]byte("one"))
	a.Add([]byte("two"))

	b.Add([]byte("two"))
	b.Add([]byte("three"))
	b.Remove([]byte("three"))
	b.Add([]byte("one"))

	fmt.Println(a.Sum() == b.Sum())
	// Output: true
}
