package zmtp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Address is where a Socket listens, in the words of ZeroMQ: tcp://IP:PORT, with
// * for all addresses and port 0 or * for any that is free; or ipc://PATH, for
// which Bitcoin Core also says unix:PATH.
type Address struct {
	network, address string // for net.Listen
}

// maxPath is how long the path of a unix socket may be everywhere.
const maxPath = 103

// ParseAddress reads an address. The error says what would be one.
func ParseAddress(text string) (Address, error) {
	bad := fmt.Errorf("%q is not an address such as tcp://127.0.0.1:28332 or ipc:///run/keelson/blocks", text)
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		text = "ipc://" + strings.TrimPrefix(path, "//")
	}
	if path, ok := strings.CutPrefix(text, "ipc://"); ok {
		if path == "" || strings.ContainsRune(path, 0) {
			return Address{}, bad
		}
		if len(path) > maxPath {
			return Address{}, fmt.Errorf("the path of %q has more than %d bytes", text, maxPath)
		}
		return Address{"unix", path}, nil
	}
	rest, ok := strings.CutPrefix(text, "tcp://")
	at := strings.LastIndexByte(rest, ':')
	if !ok || at < 0 {
		return Address{}, bad
	}
	host, port := rest[:at], rest[at+1:]
	if port == "*" {
		port = "0"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return Address{}, bad
	}
	switch host {
	case "*":
		return Address{"tcp", net.JoinHostPort("", port)}, nil
	case "localhost":
		host = "127.0.0.1"
	}
	bare := host
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		bare = host[1 : len(host)-1]
	} else if strings.Contains(host, ":") {
		return Address{}, bad
	}
	ip, err := netip.ParseAddr(bare)
	if err != nil {
		return Address{}, bad
	}
	return Address{"tcp", net.JoinHostPort(ip.String(), port)}, nil
}

// String returns the address in ZeroMQ's words.
func (a Address) String() string {
	if a.network == "unix" {
		return "ipc://" + a.address
	}
	if port, ok := strings.CutPrefix(a.address, ":"); ok {
		return "tcp://*:" + port
	}
	return "tcp://" + a.address
}

// errTaken is the whole of what is wrong with a port that somebody has.
var errTaken = errors.New("somebody listens there already")

// listen opens the address. A unix socket that was left behind by a process
// which is no more gives way; anything else at its path stays.
func (a Address) listen(ctx context.Context) (net.Listener, error) {
	if a.network == "unix" && !strings.HasPrefix(a.address, "@") {
		if err := clearPath(a.address); err != nil {
			return nil, fmt.Errorf("cannot listen on %v: %w", a, err)
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, a.network, a.address)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = errTaken
	}
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err // without the address, which stands there already
		}
		return nil, fmt.Errorf("cannot listen on %v: %w", a, err)
	}
	return l, nil
}

func clearPath(path string) error {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return errors.New("there is a file of that name, which is no socket")
	}
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return errTaken
	} else if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// actual is the address that a listener has, with the port that the system chose
// where the port was 0.
func (a Address) actual(l net.Listener) Address {
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		host, _, _ := net.SplitHostPort(a.address)
		a.address = net.JoinHostPort(host, strconv.Itoa(tcp.Port))
	}
	return a
}
