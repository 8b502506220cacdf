package testnet_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/testnet"
)

// TestMemory: ten nodes, with blocks and payments, take less than a gigabyte of memory.
// The peak counts everything that the process has done before, so it is run in one of
// its own for a figure: go test -run TestMemory -v ./testnet
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("ten nodes take long")
	}
	n := testnet.Start(t, testnet.Nodes(10))
	ctx := t.Context()
	for range 20 {
		for i := range 5 {
			_, err := n.Fund(ctx, n.Accounts[i].Address, testnet.MinFunding*1000)
			check(t, err)
		}
		_, err := n.Mine(ctx, 0, 1)
		check(t, err)
		check(t, n.Sync(ctx))
	}
	_, err := n.Mine(ctx, 0, 200)
	check(t, err)
	check(t, n.Sync(ctx))
	now, peak := memory(t, "VmRSS"), memory(t, "VmHWM")
	t.Logf("ten nodes take %d MiB, %d at the most", now>>20, peak>>20)
	if now > 1<<30 {
		t.Errorf("ten nodes take %d MiB", now>>20)
	}
}

// memory is a size that the system tells of this process, in bytes, where it does.
func memory(t *testing.T, name string) (size int64) {
	t.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip("this system does not tell how much memory a process has: ", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			if _, err := fmt.Sscan(value, &size); err != nil {
				t.Fatal(err)
			}
			return size << 10
		}
	}
	t.Skip("this system does not tell ", name)
	return 0
}
