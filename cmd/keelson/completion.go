package main

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// completionScripts teach shells to ask the complete sub-command.
//
//go:embed completion
var completionScripts embed.FS

const completionHelp = `Prints a script that has a shell complete commands, settings, methods and the
names of their arguments. The script asks the keelson that is being typed.

  bash   keelson completion bash >~/.local/share/bash-completion/completions/keelson
         (with the package bash-completion), or in ~/.bashrc: source <(keelson completion bash)
  zsh    keelson completion zsh >"${fpath[1]}/_keelson"
         or in ~/.zshrc, behind compinit: source <(keelson completion zsh)
  fish   keelson completion fish >~/.config/fish/completions/keelson.fish
`

// shells returns the names of the shells that there are scripts for.
func shells() []string {
	names, err := fs.Glob(completionScripts, "completion/keelson.*")
	if err != nil {
		panic(err) // the pattern is well formed
	}
	for i, name := range names {
		names[i] = name[strings.LastIndex(name, ".")+1:]
	}
	return names
}

// runCompletion prints the script for a shell.
func runCompletion(args []string, s streams) error {
	if len(args) != 1 || !slices.Contains(shells(), args[0]) {
		return usageError{fmt.Errorf("completion takes the name of a shell: %s", strings.Join(shells(), ", "))}
	}
	script, err := completionScripts.ReadFile("completion/keelson." + args[0])
	if err != nil {
		return err
	}
	_, err = s.out.Write(script)
	return err
}
