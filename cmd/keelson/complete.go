package main

import (
	"fmt"
	"strings"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/rpc"
)

// completeCommand is the hidden sub-command that the scripts of completion.go
// call: the words of the command line as far as they are typed, the last one being
// the one to complete. It prints a candidate per line, with a tab and a
// description behind it. A line ":file" or ":dir" asks the shell for the names of
// files or folders besides.
const completeCommand = "__complete"

func runComplete(args []string, s streams) error {
	if len(args) == 0 {
		args = []string{""}
	}
	c := complete(args)
	for _, line := range c.lines {
		fmt.Fprintln(s.out, line)
	}
	return nil
}

// candidates gathers what the last word may become.
type candidates struct {
	typed string
	lines []string
}

// add adds a candidate if it begins as what was typed.
func (c *candidates) add(text, help string) {
	if strings.HasPrefix(text, c.typed) {
		c.lines = append(c.lines, text+"\t"+strings.Join(strings.Fields(help), " "))
	}
}

// names asks for files or folders.
func (c *candidates) names(files, dirs bool) {
	switch {
	case files:
		c.lines = append(c.lines, ":file")
	case dirs:
		c.lines = append(c.lines, ":dir")
	}
}

// complete says what the last of the words, which follow "keelson", may become.
func complete(words []string) *candidates {
	c := &candidates{typed: words[len(words)-1]}
	if len(words) == 1 {
		c.commands()
		return c
	}
	row, err := lookup(words[0])
	if err != nil {
		return c
	}
	words = words[1:]
	switch {
	case row.name == "cli":
		c.cli(words)
	case row.settings:
		c.settings(words, row.name == "import")
	case row.name == "testnet":
		c.testnet(words)
	case row.name == "help" && len(words) == 2 && words[0] == "testnet":
		c.testnetCommands()
	case len(words) > 1:
	case row.name == "help":
		c.commands()
	case row.name == "completion":
		for _, shell := range shells() {
			c.add(shell, "")
		}
	}
	return c
}

func (c *candidates) commands() {
	for _, row := range subcommands() {
		if !row.hidden {
			c.add(row.name, row.help)
		}
	}
}

// settings completes a setting of the node or the value of one. files says that
// the command takes a file as well.
func (c *candidates) settings(words []string, files bool) {
	all := map[string]config.Setting{}
	for _, section := range config.Sections() {
		for _, s := range section.Settings {
			all[s.Name] = s
		}
	}
	// The value behind --name= or, as a word of its own, behind --name.
	name, _, inWord := strings.Cut(c.typed, "=")
	prefix := name + "="
	if !inWord && len(words) > 1 {
		name, prefix = words[len(words)-2], ""
	}
	if dashed := strings.HasPrefix(name, "-"); dashed && (inWord || prefix == "") {
		s, ok := all[strings.TrimPrefix(name[1:], "-")]
		if ok && s.Arg != "" {
			for _, choice := range s.Choices {
				c.add(prefix+choice, "")
			}
			c.names(s.Files, s.Dirs)
			return
		}
		if inWord {
			return
		}
	}
	dashes := dashesOf(c.typed, "--")
	if dashes == "" {
		c.names(files, false)
		return
	}
	for _, section := range config.Sections() {
		for _, s := range section.Settings {
			switch {
			case s.Arg != "":
				c.add(dashes+s.Name+"=", s.Help)
			case strings.HasPrefix(c.typed, dashes+"no") && !strings.HasPrefix(s.Name, "no"):
				c.add(dashes+"no"+s.Name, "not: "+s.Help)
			default:
				c.add(dashes+s.Name, s.Help)
			}
		}
	}
	if c.typed == "" {
		c.names(files, false)
	}
}

// dashesOf returns the dashes of what was typed, with def for a word that has
// none yet. For a word that is no flag it returns nothing.
func dashesOf(typed, def string) string {
	switch {
	case typed == "" || typed == "-":
		return def
	case strings.HasPrefix(typed, "--"):
		return "--"
	case typed[0] == '-':
		return "-"
	}
	return ""
}

// cli completes a flag of the cli sub-command, a method or, with -named, the name of
// an argument.
func (c *candidates) cli(words []string) {
	named := false
	before := words[:len(words)-1]
	for len(before) > 0 && strings.HasPrefix(before[0], "-") {
		name, _, hasValue := strings.Cut(strings.TrimPrefix(before[0][1:], "-"), "=")
		flag, ok := cliFlagNamed(name)
		named = named || ok && flag.name == "named"
		before = before[1:]
		if ok && flag.takesValue() && !hasValue {
			if len(before) == 0 {
				c.flagValue(flag, "")
				return
			}
			before = before[1:]
		}
	}
	if len(before) > 0 {
		c.argument(before, named)
		return
	}
	dashes := dashesOf(c.typed, "-")
	if name, _, inWord := strings.Cut(c.typed, "="); inWord {
		if flag, ok := cliFlagNamed(strings.TrimPrefix(name, dashes)); ok {
			c.flagValue(flag, name+"=")
		}
		return
	}
	if c.typed == "" || dashes == "" {
		c.methods()
		return
	}
	for i := range cliFlags {
		switch f := &cliFlags[i]; {
		case f.help == "":
		case f.takesValue():
			c.add(dashes+f.name+"=", f.help)
		default:
			c.add(dashes+f.name, f.help)
		}
	}
}

// flagValue completes the value of a flag of the cli sub-command.
func (c *candidates) flagValue(f *cliFlag, prefix string) {
	switch f.name {
	case "chain", "network":
		for _, name := range []string{"main", "test", "regtest"} {
			c.add(prefix+name, "")
		}
		c.names(true, false)
	case "color":
		for _, when := range []string{"always", "auto", "never"} {
			c.add(prefix+when, "")
		}
	}
	c.names(f.arg == "FILE", f.arg == "DIR")
}

func (c *candidates) methods() {
	for _, m := range rpc.Methods() {
		c.add(m.Name, m.Summary)
	}
}

// argument completes what follows a method.
func (c *candidates) argument(before []string, named bool) {
	method := before[0]
	if method == "help" && len(before) == 1 {
		c.methods()
		return
	}
	if !named {
		return
	}
	for _, m := range rpc.Methods() {
		if m.Name != method {
			continue
		}
		for _, p := range m.Params {
			given := false
			for _, word := range before[1:] {
				given = given || strings.HasPrefix(word, p+"=")
			}
			if !given {
				c.add(p+"=", "")
			}
		}
	}
}
