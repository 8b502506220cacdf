package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

func (l *loader) operation(cfg *Config) error {
	v := &l.v
	cfg.BlockNotify, cfg.StartupNotify, cfg.ShutdownNotify = v.blockNotify, v.startupNotify, v.shutdownNotify
	if v.metrics != "" {
		at, err := parseListen(v.metrics)
		if err != nil {
			return l.errorf("metrics", "%w", err)
		}
		cfg.Metrics = at
	} else if l.is("metrics") {
		return l.errorf("metrics", "the port is missing")
	}
	if cfg.PProf = v.pprof; cfg.PProf {
		switch {
		case !cfg.Metrics.IsValid():
			return l.errorf("pprof", "needs metrics, whose port it shares")
		case !cfg.Metrics.Addr().IsLoopback():
			return l.errorf("pprof", "profiles are shown on loopback alone, and metrics has the address %v", cfg.Metrics.Addr())
		}
	}
	return nil
}

// parseListen reads PORT, which is one of 127.0.0.1, or ADDRESS:PORT. The port 0
// is any that is free.
func parseListen(text string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = "127.0.0.1", text
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	addr, addrErr := netip.ParseAddr(host)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if addrErr != nil || portErr != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not a port, or an IP address with a port", text)
	}
	return netip.AddrPortFrom(addr, uint16(n)), nil
}
