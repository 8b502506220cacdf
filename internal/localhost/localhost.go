// Package localhost tells requests that a user made of this machine from those
// that a page of the web has the user's browser make.
//
// It is for HTTP servers on loopback, and not for passwords.
package localhost

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Is reports whether a Host field names an IP address or localhost. Any other
// name was made to point to loopback, as a page does that has a browser read what
// only this machine may (DNS rebinding).
func Is(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
	} else {
		name = strings.Trim(host, "[]")
	}
	_, err = netip.ParseAddr(name)
	return err == nil || strings.EqualFold(name, "localhost")
}
