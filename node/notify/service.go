package notify

import (
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
)

// Ready tells the service manager, if one has started the process and wants to
// know (systemd's Type=notify), that the node serves calls.
func Ready(log zerolog.Logger) { tell(log, daemon.SdNotifyReady+"\nSTATUS=running") }

// Status tells it in words what the node is doing.
func Status(log zerolog.Logger, status string) { tell(log, "STATUS="+status) }

// Stopping tells it that the node is about to end.
func Stopping(log zerolog.Logger) { tell(log, daemon.SdNotifyStopping+"\nSTATUS=stopping") }

func tell(log zerolog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn().Err(err).Msg("the service manager cannot be told how the node is")
	}
}
