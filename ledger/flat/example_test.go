package flat_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/ledger/fsys"
)

func Example() {
	fs := fsys.Mem() // or fsys.Disk(dir)
	magic := [4]byte{0xfa, 0xbf, 0xb5, 0xda}
	f, err := flat.Open(fs, "blk", magic, 128<<20, flat.End{})
	if err != nil {
		fmt.Println(err)
		return
	}
	pos, _ := f.Append([]byte("a block"))
	if err := f.Sync(); err != nil {
		fmt.Println(err)
		return
	}
	// Now a database may name pos and f.End(); what is appended later and never
	// named is cut off when the files are opened again.
	end := f.End()
	f.Append([]byte("a block that no batch names"))
	f.Close()

	f, _ = flat.Open(fs, "blk", magic, 128<<20, end)
	defer f.Close()
	payload, err := f.Read(pos)
	fmt.Printf("%s, %v, %d bytes in %s\n", payload, err, f.End().Offset, f.Name(pos.File))
	// Output: a block, <nil>, 15 bytes in blk00000.dat
}
