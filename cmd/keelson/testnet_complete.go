package main

import "strings"

func (c *candidates) testnetCommands() {
	for _, row := range testnetCommands() {
		c.add(row.name, row.help)
	}
}

// testnet completes what follows "keelson testnet".
func (c *candidates) testnet(words []string) {
	if len(words) == 1 {
		c.testnetCommands()
		c.add("help", "print the help of testnet, or of one of its commands")
		return
	}
	if words[0] == "help" {
		if len(words) == 2 {
			c.testnetCommands()
		}
		return
	}
	row, err := lookupTestnet(words[0])
	if err != nil {
		return
	}
	before := words[1 : len(words)-1]
	for i, word := range before {
		if word == "--" { // the settings of nodes
			c.settings(words[i+2:], false)
			return
		}
	}
	// The value behind --name= or, as a word of its own, behind --name.
	name, _, inWord := strings.Cut(c.typed, "=")
	prefix := name + "="
	if !inWord && len(before) > 0 {
		name, prefix = before[len(before)-1], ""
	}
	if strings.HasPrefix(name, "-") && (inWord || prefix == "") {
		if f := row.flag(strings.TrimPrefix(name[1:], "-")); f != nil && f.arg != "" {
			for _, choice := range f.choices {
				c.add(prefix+choice, "")
			}
			c.names(f.files, f.dirs)
			return
		}
		if inWord {
			return
		}
	}
	if c.typed == "" || c.typed[0] != '-' {
		if row.name == "mining" {
			for _, choice := range miningChoices {
				c.add(choice, "")
			}
		}
		return
	}
	dashes := dashesOf(c.typed, "--")
	for _, f := range row.all() {
		if f.arg != "" {
			c.add(dashes+f.name+"=", f.help)
		} else {
			c.add(dashes+f.name, f.help)
		}
	}
}
