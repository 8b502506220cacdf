// Package lnd has unmodified lnd processes use a Keelson node as their bitcoind:
// they open channels, pay, close in peace and by force, and answer fraud, over a
// regtest chain that is mined, reorganised and killed under them. lnd is built from
// Go's module proxy in the version of go.mod, which is why this is a module of its
// own. There is no code here but tests; docs/LIGHTNING.md is for users.
package lnd
