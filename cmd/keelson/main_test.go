package main

import (
	"testing"

	"github.com/keelson-chain/keelson/testnet/procs"
)

func TestMain(m *testing.M) { procs.Main(m) }
