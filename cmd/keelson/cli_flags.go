package main

import (
	"fmt"
	"strings"
)

// cliFlag is a row of the table of the cli sub-command's flags.
type cliFlag struct {
	name    string
	arg     string // what its value is called; empty for a switch
	setting string // the setting of the node that it is passed on as
	help    string // empty: another name of a flag, which the help does not show
}

// takesValue reports whether the flag is no switch.
func (f *cliFlag) takesValue() bool { return f.arg != "" }

var cliFlags = []cliFlag{
	{name: "chain", arg: "NAME", setting: "network", help: "the network: main, test, regtest or a chain-spec file"},
	{name: "network", arg: "NAME", setting: "network"},
	{name: "regtest", help: "short for -chain=regtest"},
	{name: "testnet", help: "short for -chain=test"},
	{name: "datadir", arg: "DIR", setting: "datadir", help: "where the node's data and its cookie lie"},
	{name: "conf", arg: "FILE", help: "the node's settings file; a relative name lies in the data folder"},
	{name: "config", arg: "FILE", setting: "config"},
	{name: "rpcconnect", arg: "HOST", help: "where the node runs (127.0.0.1); HOST:PORT works too"},
	{name: "rpcport", arg: "N", setting: "rpcport", help: "its port"},
	{name: "rpcuser", arg: "NAME", setting: "rpcuser", help: "user name"},
	{name: "rpcpassword", arg: "PASSWORD", setting: "rpcpassword", help: "password"},
	{name: "rpccookiefile", arg: "FILE", setting: "rpccookiefile", help: "the node's cookie, if it is not where it usually is"},
	{name: "stdinrpcpass", help: "read the password from the first line of the standard input"},
	{name: "stdin", help: "read further arguments from the standard input, one a line"},
	{name: "named", help: "arguments are NAME=VALUE"},
	{name: "getinfo", help: "a summary of the node's state"},
	{name: "netinfo", help: "the peers; an argument 1 to 4 shows more of them"},
	{name: "color", arg: "WHEN", help: "colours for -getinfo: always, auto or never"},
	{name: "rpcwait", help: "wait until the node runs"},
	{name: "rpcwaittimeout", arg: "N", help: "but at most so many seconds"},
	{name: "rpcclienttimeout", arg: "N", help: "how many seconds a call may take (900); 0: any time"},
	{name: "version", help: "print version and commit"},
	{name: "help", help: "print this text"},
	{name: "h"}, {name: "?"},
}

// cliFlagNamed finds a row.
func cliFlagNamed(name string) (*cliFlag, bool) {
	for i := range cliFlags {
		if cliFlags[i].name == name {
			return &cliFlags[i], true
		}
	}
	return nil, false
}

// shown is how help shows the flag.
func (f *cliFlag) shown() string {
	if f.takesValue() {
		return "-" + f.name + "=" + f.arg
	}
	return "-" + f.name
}

// cliUsage is the help of the cli sub-command.
func cliUsage() string {
	var b strings.Builder
	b.WriteString(`Usage: keelson cli [FLAGS] METHOD [ARGUMENTS]
       keelson cli [FLAGS] -named METHOD [NAME=VALUE]...
       keelson cli [FLAGS] help [METHOD]

Calls a running node. The flags are those of bitcoin-cli, with one dash or two:

`)
	for i := range cliFlags {
		if f := &cliFlags[i]; f.help != "" {
			fmt.Fprintf(&b, "  %-22s %s\n", f.shown(), f.help)
		}
	}
	b.WriteString(`
The settings of the node that say where it is are taken from KEELSON_* variables and the
settings file too. The exit code is 0, 1 if the node could not be called, or the RPC
error's number.
`)
	return b.String()
}
