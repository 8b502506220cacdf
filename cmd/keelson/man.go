package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/node"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/testnet/control"
)

// runMan prints the manual page.
func runMan(args []string, s streams) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	_, err := fmt.Fprint(s.out, manual(node.ThisBuild()))
	return err
}

// manual is the page in mdoc(7), made from the tables that the program runs by.
func manual(b node.Build) string {
	p := new(page)
	if at, err := time.Parse(time.DateOnly, b.Date); err == nil {
		p.macro("Dd", at.Format("January"), at.Format("2,"), at.Format("2006"))
	}
	p.macro("Dt", "KEELSON", "1")
	p.macro("Os", "Keelson", b.Version)

	p.section("NAME")
	p.macro("Nm", "keelson")
	p.macro("Nd", "proof-of-work full node")

	p.section("SYNOPSIS")
	for _, c := range subcommands() {
		if c.hidden {
			continue
		}
		p.macro("Nm")
		p.raw(".Cm " + escape(c.name))
		if c.settings {
			p.raw(".Op Ar settings")
		}
		switch c.name {
		case "import":
			p.raw(".Ar file")
		case "cli":
			p.raw(".Op Ar flags\n.Ar method\n.Op Ar arguments")
		case "testnet":
			p.raw(".Ar command\n.Op Ar flags\n.Op Ar arguments")
		case "completion":
			p.raw(".Cm bash | zsh | fish")
		case "help":
			p.raw(".Op Ar command")
		}
	}

	p.section("DESCRIPTION")
	p.raw(".Nm")
	p.text("is a full node: it keeps the chain of blocks with all unspent outputs, checks every rule itself, " +
		"mines, and answers the JSON-RPC of Bitcoin Core. One binary holds the node and the tools that go with it.")

	p.section("COMMANDS")
	p.list(func() {
		for _, c := range subcommands() {
			if c.hidden {
				continue
			}
			p.raw(".It Cm " + escape(c.name))
			p.text(capital(c.help) + ".")
		}
	})

	p.section("SETTINGS")
	p.text("The commands node and import take the settings below as flags, with one dash or two. " +
		"A switch is on with --name and off with --noname or --name=0. " +
		"Each setting can also be an environment variable, or a line of the settings file; a flag wins over a variable, a variable over the file.")
	for _, section := range config.Sections() {
		p.macro("Ss", section.Title)
		p.list(func() {
			for _, s := range section.Settings {
				item := ".It Fl -" + escape(s.Name)
				if s.Arg != "" {
					item += ` Ns = Ns Ar "` + escape(s.Arg) + `"`
				}
				p.raw(item)
				p.text(capital(s.Help) + ".")
			}
		})
	}

	p.section("FLAGS OF CLI")
	p.list(func() {
		for i := range cliFlags {
			f := &cliFlags[i]
			if f.help == "" {
				continue
			}
			item := ".It Fl " + escape(f.name)
			if f.takesValue() {
				item += ` Ns = Ns Ar "` + escape(f.arg) + `"`
			}
			p.raw(item)
			p.text(capital(f.help) + ".")
		}
	})

	p.section("COMMANDS OF TESTNET")
	p.text("A test network is found by its folder, of which there is one unless the flag dir or the variable KEELSON_TESTNET names another. " +
		"All commands take the flags dir and json.")
	p.list(func() {
		for _, c := range testnetCommands() {
			item := ".It Cm " + escape(c.name)
			if c.args != "" {
				item += ` Ar "` + escape(c.args) + `"`
			}
			p.raw(item)
			p.text(capital(c.help) + ".")
		}
	})

	p.section("FLAGS OF TESTNET")
	p.list(func() {
		shown := map[string]bool{}
		for _, c := range testnetCommands() {
			for _, f := range c.all() {
				if shown[f.name] {
					continue
				}
				shown[f.name] = true
				item := ".It Fl -" + escape(f.name)
				if f.arg != "" {
					item += ` Ns = Ns Ar "` + escape(f.arg) + `"`
				}
				p.raw(item)
				p.text(capital(f.help) + ".")
			}
		}
	})

	p.section("METHODS")
	p.text("These methods can be called with cli, or by any client of Bitcoin Core. The method help says all of them.")
	methods := rpc.Methods()
	for len(methods) > 0 {
		category := methods[0].Category
		n := slices.IndexFunc(methods, func(m rpc.Method) bool { return m.Category != category })
		if n < 0 {
			n = len(methods)
		}
		title := capital(category)
		if category == "hidden" {
			title = "For tests"
		}
		p.macro("Ss", title)
		p.list(func() {
			for _, m := range methods[:n] {
				p.raw(`.It Ic "` + escape(m.Usage) + `"`)
				p.text(m.Summary + ".")
			}
		})
		methods = methods[n:]
	}

	p.macro("Ss", "Test network")
	p.text("The port of a test network has these as well.")
	p.list(func() {
		for _, m := range control.Methods() {
			p.raw(`.It Ic "` + escape(m.Usage) + `"`)
			p.text(m.Summary + ".")
		}
	})

	p.section("ENVIRONMENT")
	p.text("Each setting has a variable, such as KEELSON_DBCACHE for dbcache and KEELSON_LOG_LEVEL for log-level. " +
		"The texts of one that may be repeated are separated by commas. " +
		"KEELSON_TESTNET is the folder in which the command testnet looks for the network.")

	p.section("FILES")
	p.list(func() {
		for _, f := range [][2]string{
			{"~/.keelson/keelson.toml", "The settings file, in TOML: lines such as dbcache = 300."},
			{"~/.keelson/main", "The data of the main network: blocks, database, locks. Other networks lie beside it."},
			{"~/.keelson/main/.cookie", "User and password for JSON-RPC while a node without rpcpassword runs."},
			{"~/.keelson/testnet/testnet.env", "Variables of the test network for a shell to source."},
		} {
			p.raw(".It Pa " + escape(f[0]))
			p.text(f[1])
		}
	})

	p.section("EXIT STATUS")
	p.text("0 for success, 1 for a failure, 2 for a wrong call. The commands cli and testnet have 1 for a node or network that could not be called, and the number of an RPC error otherwise.")

	p.section("SIGNALS")
	p.text("SIGINT and SIGTERM stop a node in good order; a second one ends it at once. SIGHUP has it open the file of log-file again.")

	p.section("EXAMPLES")
	p.text("A node on regtest that mines a block a second, and a question to it; a test network of three nodes:")
	p.raw(".Bd -literal -offset indent")
	for _, line := range []string{
		"keelson node --network regtest --mine bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
		"keelson cli -regtest getblockchaininfo",
		"keelson testnet up",
	} {
		p.raw(escape(line))
	}
	p.raw(".Ed")
	return p.b.String()
}

// page writes mdoc.
type page struct{ b strings.Builder }

func (p *page) raw(lines string) { p.b.WriteString(lines + "\n") }

// macro writes a line with plain words as arguments.
func (p *page) macro(name string, words ...string) {
	line := "." + name
	for _, w := range words {
		line += " " + escape(w)
	}
	p.raw(line)
}

func (p *page) section(title string) { p.raw(".Sh " + title) }

// text writes a paragraph, each sentence on a line of its own, as mdoc wants it.
func (p *page) text(text string) {
	for sentence := range strings.SplitSeq(strings.ReplaceAll(text, ". ", ".\n"), "\n") {
		line := ""
		for word := range strings.FieldsSeq(sentence) {
			if word = escape(word); line != "" && len(line)+len(word) >= 78 {
				p.raw(line)
				line = ""
			}
			line = strings.TrimPrefix(line+" "+word, " ")
		}
		p.raw(line)
	}
}

// list writes the items that f adds.
func (p *page) list(f func()) {
	p.raw(".Bl -tag -width Ds")
	f()
	p.raw(".El")
}

// escape takes from text what roff would read as more than text.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `"`, `\(dq`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// capital gives a text a capital letter, if it begins with a small one.
func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
