// Package procs runs real processes of the keelson command for tests: it builds
// the command, starts nodes on folders and ports of their own, calls them, stops
// and kills them. Whatever a test started has ended when the test has.
//
// The package is not for nodes inside the test's own process, nor for anything
// but regtest on loopback.
package procs
