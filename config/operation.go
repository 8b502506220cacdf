package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"github.com/keelson-chain/keelson/rpc/explorer"
	"github.com/keelson-chain/keelson/rpc/zmq"
	"github.com/keelson-chain/keelson/rpc/zmq/zmtp"
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
	if err := l.zmq(cfg); err != nil {
		return err
	}
	return l.explorer(cfg)
}

// maxEndpoints bounds the addresses of one zmqpub setting.
const maxEndpoints = 64

func (l *loader) zmq(cfg *Config) error {
	cfg.ZMQ = zmq.Config{MaxTipAge: cfg.Ledger.MaxTipAge}
	for topic := range zmq.Topic(zmq.TopicCount) {
		name := "zmqpub" + topic.String()
		if n := len(l.v.zmq[topic]); n > maxEndpoints {
			return l.errorf(name, "%d addresses, more than %d", n, maxEndpoints)
		}
		for _, text := range l.v.zmq[topic] {
			address, err := zmtp.ParseAddress(text)
			if err != nil {
				return l.errorf(name, "%w", err)
			}
			e := zmq.Endpoint{Topic: topic, Address: address, HWM: int(l.v.zmqHWM[topic])}
			if slices.Contains(cfg.ZMQ.Endpoints, e) {
				return l.errorf(name, "%v is there twice", address)
			}
			cfg.ZMQ.Endpoints = append(cfg.ZMQ.Endpoints, e)
		}
	}
	cfg.Pool.Moves = len(cfg.ZMQ.Endpoints) > 0
	return nil
}

// faucetPath is what explorerfaucet may be: a path of the explorer's own origin,
// which a browser does not take for another host.
var faucetPath = regexp.MustCompile(`^(/[A-Za-z0-9_~.-]+)+$`)

func (l *loader) explorer(cfg *Config) error {
	v := &l.v
	cfg.Explorer = explorer.Config{Params: cfg.Params, Faucet: v.explorerFaucet}
	switch {
	case v.explorer != "":
		at, err := parseListen(v.explorer)
		if err != nil {
			return l.errorf("explorer", "%w", err)
		}
		cfg.Explorer.Listen = at
	case l.is("explorer"):
		return l.errorf("explorer", "the port is missing")
	}
	switch {
	case v.explorerFaucet == "":
	case !cfg.Explorer.Listen.IsValid():
		return l.errorf("explorerfaucet", "needs explorer, whose page has the form")
	case !faucetPath.MatchString(v.explorerFaucet):
		return l.errorf("explorerfaucet", "%q is not a path such as /faucet", v.explorerFaucet)
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
