package rpc

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ParseSubnet reads an address, a network in the form 10.0.0.0/8 or, as
// Bitcoin Core takes it, 10.0.0.0/255.0.0.0.
func ParseSubnet(text string) (netip.Prefix, error) {
	host, bits, isNet := strings.Cut(text, "/")
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is not an IP address or network", text)
	}
	addr = addr.Unmap()
	if !isNet {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	n, err := strconv.Atoi(bits)
	if err != nil {
		mask, err := netip.ParseAddr(bits)
		if err != nil || mask.BitLen() != addr.BitLen() {
			return netip.Prefix{}, fmt.Errorf("%q is not an IP address or network", text)
		}
		ones, size := net.IPMask(mask.AsSlice()).Size()
		if size == 0 {
			return netip.Prefix{}, fmt.Errorf("%q has a mask with holes", text)
		}
		n = ones
	}
	prefix, err := addr.Prefix(n)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an IP address or network", text)
	}
	return prefix, nil
}
