package main

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/node"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/testnet/control"
)

var manBuild = node.Build{Version: "1.2.3", Commit: "0123456789abcdef", Date: "2026-01-02"}

// TestManualLint has mandoc look for anything that is not as it should be, its
// style included.
func TestManualLint(t *testing.T) {
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skip("mandoc is not installed")
	}
	cmd := exec.Command("mandoc", "-Tlint", "-Wall")
	cmd.Stdin = strings.NewReader(manual(manBuild))
	out, _ := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		// A page of no operating system says whose it is all the same.
		if !strings.Contains(line, "operating system explicitly specified") {
			t.Error(line)
		}
	}
}

// TestManual renders the page and finds every row of every table in it.
func TestManual(t *testing.T) {
	var cmd *exec.Cmd
	if _, err := exec.LookPath("mandoc"); err == nil {
		cmd = exec.Command("mandoc", "-Tascii", "-Owidth=200")
	} else if _, err := exec.LookPath("groff"); err == nil {
		cmd = exec.Command("groff", "-mdoc", "-Tascii", "-rLL=200n")
	} else {
		t.Skip("neither mandoc nor groff is installed")
	}
	cmd.Stdin = strings.NewReader(manual(manBuild))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	out = regexp.MustCompile(`.\x08`).ReplaceAll(out, nil) // overstriking
	out = regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAll(out, nil)
	text := string(bytes.Join(bytes.Fields(out), []byte(" ")))
	want := func(s string) {
		t.Helper()
		if s = strings.Join(strings.Fields(s), " "); !strings.Contains(text, s) {
			t.Errorf("the page has no %q", s)
		}
	}
	want("January 2, 2026")
	want("Keelson 1.2.3")
	for _, c := range subcommands() {
		if !c.hidden {
			want(c.name + " " + capital(c.help) + ".")
		} else if strings.Contains(text, c.name) {
			t.Errorf("the page shows %s", c.name)
		}
	}
	for _, section := range config.Sections() {
		for _, s := range section.Settings {
			item := "--" + s.Name
			if s.Arg != "" {
				item += "=" + s.Arg
			}
			want(item + " " + capital(s.Help) + ".")
		}
	}
	for _, m := range rpc.Methods() {
		want(m.Usage + " " + m.Summary + ".")
	}
	for _, m := range control.Methods() {
		want(m.Usage + " " + m.Summary + ".")
	}
	for _, c := range testnetCommands() {
		want(strings.TrimSuffix(c.name+" "+c.args, " ") + " " + capital(c.help) + ".")
		for _, f := range c.all() {
			want(f.shown() + " ")
		}
	}
	for i := range cliFlags {
		if f := &cliFlags[i]; f.help != "" {
			want(f.shown() + " " + capital(f.help) + ".")
		}
	}
}

// TestHelp: every command has a help of its own, which the usage lists.
func TestHelp(t *testing.T) {
	call := func(args ...string) (code int, out, errs string) {
		var o, e bytes.Buffer
		code = run(args, streams{strings.NewReader(""), &o, &e})
		return code, o.String(), e.String()
	}
	for _, c := range subcommands() {
		if c.hidden {
			continue
		}
		code, text, errs := call("help", c.name)
		if code != 0 || errs != "" || !strings.HasPrefix(text, "Usage: "+c.line()) {
			t.Errorf("help %s: %d, %q, %q", c.name, code, text, errs)
		}
		if !strings.Contains(usage(), "  "+c.name) || !strings.Contains(usage(), c.help) {
			t.Errorf("the usage does not list %s", c.name)
		}
		if code, again, _ := call(c.name, "--help"); code != 0 || again != text {
			t.Errorf("%s --help: %d, not the text of help %s", c.name, code, c.name)
		}
		for line := range strings.SplitSeq(text, "\n") {
			if len(line) > 100 {
				t.Errorf("help %s: a line of %d letters: %s", c.name, len(line), line)
			}
		}
	}
	if code, _, errs := call("help", "nosuch"); code != 2 || !strings.Contains(errs, "unknown command") {
		t.Errorf("help nosuch: %d, %q", code, errs)
	}
	if code, _, errs := call("completion", "csh"); code != 2 || !strings.Contains(errs, "bash, fish, zsh") {
		t.Errorf("completion csh: %d, %q", code, errs)
	}
	if code, _, errs := call("man", "x"); code != 2 || errs == "" {
		t.Errorf("man x: %d, %q", code, errs)
	}
}
