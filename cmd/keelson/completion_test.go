package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/testnet/procs"
)

// completed returns the candidates for a line, whose last word is not finished.
func completed(line string) []string {
	lines := complete(strings.Split(line, " ")).lines
	for i := range lines {
		lines[i], _, _ = strings.Cut(lines[i], "\t")
	}
	return lines
}

// TestComplete types lines.
func TestComplete(t *testing.T) {
	for line, want := range map[string]string{
		"":                                    "node import cli testnet completion man version help",
		"no":                                  "node",
		"__":                                  "",
		"nosuch ":                             "",
		"node --netw":                         "--network= --networkactive",
		"node -network":                       "-network= -networkactive",
		"node --txi":                          "--txindex",
		"node --notxi":                        "--notxindex",
		"node --network=":                     "--network=main --network=test --network=regtest :file",
		"node --network=re":                   "--network=regtest :file",
		"node -network re":                    "regtest :file",
		"node --log-level=w":                  "--log-level=warn",
		"node --log-format ":                  "console json",
		"node --dbcache ":                     "",
		"node --dbcache=":                     "",
		"node --nosuch=":                      "",
		"node --datadir=":                     ":dir",
		"node --config ":                      ":file",
		"node --txindex --prun":               "--prune=",
		"node nothing":                        "",
		"import some":                         ":file",
		"import --pru":                        "--prune=",
		"completion ":                         "bash fish zsh",
		"completion bash ":                    "",
		"help ver":                            "version",
		"man ":                                "",
		"cli getblockchaini":                  "getblockchaininfo",
		"cli -reg":                            "-regtest",
		"cli --rpcw":                          "--rpcwait --rpcwaittimeout=",
		"cli -regtest getblockco":             "getblockcount",
		"cli -chain=":                         "-chain=main -chain=test -chain=regtest :file",
		"cli -chain regtest -rpcport 1 getbe": "getbestblockhash",
		"cli -chain ":                         "main test regtest :file",
		"cli -conf ":                          ":file",
		"cli -color=a":                        "-color=always -color=auto",
		"cli help getblockcha":                "getblockchaininfo",
		"cli help getblock ":                  "",
		"cli getblock ":                       "",
		"cli -named getblock ":                "blockhash= verbosity=",
		"cli -named getblock verbosity=1 ":    "blockhash=",
		"cli -named nosuch ":                  "",
		"cli generatetoa":                     "generatetoaddress",
		"testnet re":                          "reorg restart revert",
		"testnet h":                           "heal help",
		"testnet help sn":                     "snapshot",
		"help testnet sn":                     "snapshot",
		"help testnet snapshot ":              "",
		"testnet nosuch ":                     "",
		"testnet up --p":                      "--processes --port= --password=",
		"testnet up -k":                       "-keep",
		"testnet up --mine=p":                 "--mine=poisson=",
		"testnet up --mine i":                 "instant",
		"testnet up --env=":                   ":file",
		"testnet status --dir ":               ":dir",
		"testnet up --nosuch=":                "",
		"testnet up -- --txi":                 "--txindex",
		"testnet up ":                         "",
		"testnet mining ma":                   "manual",
		"testnet mine --n":                    "--node=",
	} {
		if got := strings.Join(completed(line), " "); got != want {
			t.Errorf("%q: %s\nwant %s", line, got, want)
		}
	}
}

// TestCompleteAll has every row of every table offered, with a description.
func TestCompleteAll(t *testing.T) {
	settings := completed("node --")
	for _, section := range config.Sections() {
		for _, s := range section.Settings {
			name := "--" + s.Name
			if s.Arg != "" {
				name += "="
			}
			if !slices.Contains(settings, name) {
				t.Errorf("%s is not offered", name)
			}
		}
	}
	methods := completed("cli ")
	for _, m := range rpc.Methods() {
		if !slices.Contains(methods, m.Name) {
			t.Errorf("%s is not offered", m.Name)
		}
	}
	for _, words := range [][]string{{""}, {"node", "--"}, {"cli", ""}, {"cli", "-"}} {
		for _, line := range complete(words).lines {
			text, help, ok := strings.Cut(line, "\t")
			if !ok || help == "" || strings.ContainsAny(line, "\n\r") || strings.HasPrefix(text, ":") {
				t.Errorf("%v: %q", words, line)
			}
		}
	}
}

// FuzzComplete completes anything.
func FuzzComplete(f *testing.F) {
	for _, line := range []string{"", "node --network=", "cli -chain x -", "cli -named getblock a=", "node -", "testnet up --mine=x -- --", "testnet -", "node --=", "cli -="} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Split(line, " ")
		typed := words[len(words)-1]
		for _, text := range completed(line) {
			if text != ":file" && text != ":dir" && !strings.HasPrefix(text, typed) {
				t.Errorf("%q: %q does not begin as what was typed", line, text)
			}
		}
	})
}

// typed are lines for a shell, with tabs, and what a shell makes of them.
var typed = []struct{ keys, want string }{
	{"keelson ver\t", "version"},
	{"keelson cli getblockchaini\t", "cli getblockchaininfo"},
	{"keelson cli -regt\tgetblockcou\t", "cli -regtest getblockcount"},
	{"keelson node --network=regt\t", "node --network=regtest"},
	{"keelson node --log-level deb\t", "node --log-level debug"},
	{"keelson node --txin\t--dbcac\t5", "node --txindex --dbcache=5"},
	{"keelson node --config=some-se\t", "node --config=some-settings.toml"},
	{"keelson import some-se\t", "import some-settings.toml"},
	{"keelson cli -named generatetoa\tnbl\t3", "cli -named generatetoaddress nblocks=3"},
}

// TestShells types into real shells at a terminal. A function takes the place of
// the command, and shows with which arguments it would be run.
func TestShells(t *testing.T) {
	if out, err := exec.Command("script", "--version").CombinedOutput(); err != nil || !bytes.Contains(out, []byte("util-linux")) {
		t.Skip("no script command of util-linux, which makes a terminal for a shell")
	}
	bin, dir := procs.Build(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "some-settings.toml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const function = `keelson() { if [[ $1 == __complete ]]; then BIN "$@"; else printf 'RAN'; printf ' %s' "$@"; printf ':\n'; fi; }` + "\n"
	for _, c := range []struct{ shell, start, init string }{
		{"bash", "bash --noprofile --norc -i", "source <(BIN completion bash)\n" + function},
		{"zsh", "zsh -f -i", "autoload -Uz compinit; compinit -u -D; source <(BIN completion zsh)\n" + function},
	} {
		t.Run(c.shell, func(t *testing.T) {
			if _, err := exec.LookPath(c.shell); err != nil {
				t.Skip(c.shell + " is not installed")
			}
			init := filepath.Join(dir, "init."+c.shell)
			if err := os.WriteFile(init, []byte(strings.ReplaceAll(c.init, "BIN", bin)), 0o600); err != nil {
				t.Fatal(err)
			}
			keys := "PS1=; source " + init + "\n"
			for _, line := range typed {
				keys += line.keys + "\n"
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := procs.Command(ctx, "script", "-qec", c.start, os.DevNull)
			cmd.Dir = dir
			cmd.Env = append(cmd.Env, "HOME="+dir, "TERM=dumb")
			cmd.Stdin = io.MultiReader(strings.NewReader(keys), strings.NewReader("exit\n"))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var got []string
			for _, m := range regexp.MustCompile(`(?m)RAN (.*?) ?:\r?$`).FindAllSubmatch(out, -1) {
				got = append(got, string(m[1]))
			}
			if len(got) != len(typed) {
				t.Fatalf("%d lines of %d: %q\n%s", len(got), len(typed), got, out)
			}
			for i, line := range typed {
				if got[i] != line.want {
					t.Errorf("%q becomes %q, want %q", line.keys, got[i], line.want)
				}
			}
		})
	}
}

// TestFish asks fish, which tells without a terminal what it would offer.
func TestFish(t *testing.T) {
	if _, err := exec.LookPath("fish"); err != nil {
		t.Skip("fish is not installed")
	}
	bin, dir := procs.Build(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "some-settings.toml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"keelson ver":                             "version\tprint version and commit",
		"keelson cli getblockchaini":              "getblockchaininfo\tThe state of the chain",
		"keelson node --network=regt":             "--network=regtest",
		"keelson node --log-level deb":            "debug",
		"keelson node --config=some-se":           "--config=some-settings.toml",
		"keelson import some-se":                  "some-settings.toml",
		"keelson cli -named generatetoaddress nb": "nblocks=",
	} {
		cmd := procs.Command(t.Context(), "fish", "--no-config", "-c", "function keelson; "+bin+" $argv; end; "+bin+" completion fish | source; complete -C '"+line+"'")
		cmd.Dir = dir
		cmd.Env = append(cmd.Env, "HOME="+dir)
		out, err := cmd.CombinedOutput()
		if got := strings.TrimRight(string(out), "\t\n"); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", line, got, err, want)
		}
	}
}
