// Package jsonrpc is JSON-RPC as Bitcoin Core speaks it: a bounded JSON parser
// that keeps numbers as they were written and objects in order, an encoder
// whose output is Core's to the letter, error codes, and the envelopes of
// versions 1.0, 1.1 and 2.0. Server and client share it.
//
// It knows neither HTTP nor any method.
package jsonrpc
