//go:build unix

package notify

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// TestService plays the service manager.
func TestService(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	log := new(logLines)
	Status(zerolog.New(log), "loading")
	Ready(zerolog.New(log))
	Stopping(zerolog.New(log))
	for _, want := range []string{"STATUS=loading", "READY=1\nSTATUS=running", "STOPPING=1\nSTATUS=stopping"} {
		buf := make([]byte, 1000)
		n, err := conn.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v; want %q", buf[:n], err, want)
		}
	}
	conn.Close()
	Ready(zerolog.New(log))
	if !strings.Contains(log.String(), "service manager") {
		t.Errorf("a manager that has gone: log %q", log)
	}
	t.Setenv("NOTIFY_SOCKET", "")
	log = new(logLines)
	Ready(zerolog.New(log))
	if log.String() != "" {
		t.Errorf("no manager: log %q", log)
	}
}
