package notify

import (
	"context"
	"os/exec"
	"syscall"
)

// shell is a shell that runs a command. Its line is passed on as it is: cmd.exe
// has rules of its own for quotes.
func shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd.exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: "cmd.exe /S /C \"" + command + "\""}
	return cmd
}
