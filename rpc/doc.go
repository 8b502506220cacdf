// Package rpc is the node's JSON-RPC server, compatible with Bitcoin Core 28:
// the transport, the authentication, the method names, parameters, results,
// error codes and texts are those that Core's clients know.
//
// Every method is one row of a table (methods.go): name, category, parameters,
// results and handler. The table answers help, turns named parameters into
// positional ones, checks types and tells the command line what to convert.
//
// A call works on the ledger directly, which never lets readers wait; what
// else it needs of the node (to mine, to set the clock, to stop) it declares
// as small interfaces. Package jsonrpc has the wire format, package client
// the other side.
package rpc
