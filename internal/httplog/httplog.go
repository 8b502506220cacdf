// Package httplog is what net/http has to say, in the node's log.
//
// It is not for what servers themselves log.
package httplog

import (
	"log"
	"strings"

	"github.com/rs/zerolog"
)

// Quiet returns a log for http.Server.ErrorLog. What comes there is about single
// connections, and of use for debugging alone.
func Quiet(to zerolog.Logger) *log.Logger { return log.New(line{to}, "", 0) }

type line struct{ to zerolog.Logger }

func (l line) Write(p []byte) (int, error) {
	l.to.Debug().Msg(strings.TrimSpace(string(p)))
	return len(p), nil
}
