package testnet

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
)

// Free ports are looked for below those that systems give to outgoing
// connections: a node that was killed must get its ports again, and one of those
// might be taken by then.
const (
	firstPort = 20_000
	lastPort  = 32_000
	portTries = 1000
)

// loopback is where everything listens.
const loopback = "127.0.0.1"

// freePorts finds so many ports that nobody listens on.
func freePorts(count int) ([]uint16, error) {
	var (
		ports []uint16
		taken = map[uint16]bool{}
	)
	for range portTries {
		if len(ports) == count {
			return ports, nil
		}
		var random [8]byte
		rand.Read(random[:]) // never fails
		p := uint16(firstPort + binary.LittleEndian.Uint64(random[:])%(lastPort-firstPort))
		if !taken[p] && isFree(p) {
			ports = append(ports, p)
		}
		taken[p] = true
	}
	return nil, fmt.Errorf("no %d free ports from %d to %d", count, firstPort, lastPort)
}

// isFree reports whether nobody listens on a loopback port.
func isFree(port uint16) bool {
	l, err := net.Listen("tcp", at(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// at is the address of a loopback port.
func at(port uint16) string { return net.JoinHostPort(loopback, strconv.Itoa(int(port))) }
