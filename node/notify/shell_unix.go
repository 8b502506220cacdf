//go:build unix

package notify

import (
	"context"
	"os/exec"
	"syscall"
)

// shell is a shell that runs a command, in a process group of its own: it is not
// hit by a Ctrl-C that is meant for the node, and is killed with all that it has
// started.
func shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
