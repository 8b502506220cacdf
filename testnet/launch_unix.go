//go:build unix

package testnet

import (
	"os/exec"
	"syscall"
)

// apart puts a command into a process group of its own: what a terminal sends to
// ours at Ctrl-C is for us, who then stop it.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
