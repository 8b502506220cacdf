package host

import (
	"context"
	"log/slog"
	"sync"

	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/rs/zerolog"
)

// takeLogs sends libp2p's log to ours instead of to the terminal. libp2p has one
// log for the whole process, so that the first host of it gets everything.
func takeLogs(log zerolog.Logger) {
	logsTaken.Do(func() { gologshim.SetDefaultHandler(logHandler{log}) })
}

var logsTaken sync.Once

// logHandler passes on what libp2p finds worth a warning, at level debug: what
// strangers can cause must not fill the log.
type logHandler struct{ log zerolog.Logger }

func (h logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.log.GetLevel() <= zerolog.DebugLevel
}

func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	e := h.log.Debug().Str("part", "libp2p")
	r.Attrs(func(a slog.Attr) bool {
		e = e.Str(a.Key, a.Value.String())
		return true
	})
	e.Msg(r.Message)
	return nil
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := h.log.With()
	for _, a := range attrs {
		c = c.Str(a.Key, a.Value.String())
	}
	return logHandler{c.Logger()}
}

func (h logHandler) WithGroup(string) slog.Handler { return h }
