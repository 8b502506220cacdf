// Package rpcclient lets btcd's Go client, github.com/btcsuite/btcd/rpcclient,
// read every call that both it and the node know, against a real node process.
// It consists of tests; the node is bin/keelson of this checkout.
package rpcclient
