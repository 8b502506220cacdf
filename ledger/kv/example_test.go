package kv_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/ledger/kv"
)

func Example() {
	s := kv.NewMem() // or kv.Open(dir, kv.Options{})
	defer s.Close()

	var b kv.Batch
	b.Put([]byte("coin 1"), []byte("50"))
	b.Put([]byte("coin 2"), []byte("25"))
	b.Put([]byte("tip"), []byte("a block"))
	if err := s.Write(&b); err != nil { // all of it or nothing, durably
		fmt.Println(err)
		return
	}
	it := s.Iterate(kv.Prefix([]byte("coin")))
	defer it.Close()
	for it.Next() {
		fmt.Printf("%s: %s\n", it.Key(), it.Value())
	}
	if err := it.Err(); err != nil {
		fmt.Println(err)
	}
	_, err := s.Get([]byte("coin 3"))
	fmt.Println(err)
	// Output:
	// coin 1: 50
	// coin 2: 25
	// key not found
}
