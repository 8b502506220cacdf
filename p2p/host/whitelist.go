package host

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Permissions are what a peer of the whitelist may do, a set.
type Permissions uint32

// The permissions, with Bitcoin Core's names.
const (
	BloomFilter Permissions = 1 << iota
	NoBan                   // never banned or evicted; implies Download
	ForceRelay              // its transactions are relayed even if we have them; implies Relay
	Relay                   // its transactions are accepted with relay switched off
	Mempool                 // it may ask for the pool
	Download                // blocks are served beyond the upload limit
	Addr                    // addresses are answered without limit
)

var permissionNames = []struct {
	name string
	bits Permissions
}{
	{"bloomfilter", BloomFilter},
	{"noban", NoBan},
	{"forcerelay", ForceRelay},
	{"relay", Relay},
	{"mempool", Mempool},
	{"download", Download},
	{"addr", Addr},
}

const (
	allPermissions = BloomFilter | NoBan | ForceRelay | Relay | Mempool | Download | Addr
	// implicitPermissions are those of an entry that names none.
	implicitPermissions = NoBan | Relay | Mempool | Download
)

// Strings returns the names of the permissions, in Bitcoin Core's order.
func (p Permissions) Strings() []string {
	names := []string{}
	for _, n := range permissionNames {
		if p&n.bits != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// Whitelist gives permissions to the peers of a subnet, or to one peer.
type Whitelist struct {
	Prefix      netip.Prefix // of addresses, or
	Peer        string       // a libp2p peer id
	Permissions Permissions
	In, Out     bool // applies to peers that called, and to those that were called
}

// ParseWhitelist reads an entry of the whitelist setting as Bitcoin Core writes
// it, "[PERMISSION,...@]SUBNET", where a peer id may stand for the subnet.
func ParseWhitelist(s string) (Whitelist, error) {
	w := Whitelist{Permissions: implicitPermissions, In: true}
	target := s
	if list, after, ok := strings.Cut(s, "@"); ok {
		target = after
		if err := w.permissions(list); err != nil {
			return Whitelist{}, err
		}
	}
	if prefix, err := parsePrefix(target); err == nil {
		w.Prefix = prefix
		return w, nil
	}
	if id, err := peer.Decode(target); err == nil {
		w.Peer = id.String()
		return w, nil
	}
	return Whitelist{}, fmt.Errorf("Invalid netmask specified in -whitelist: '%s'", target) // Core's words
}

func (w *Whitelist) permissions(list string) error {
	w.Permissions, w.In = 0, false
	for _, name := range strings.Split(list, ",") {
		i := slices.IndexFunc(permissionNames, func(n struct {
			name string
			bits Permissions
		}) bool {
			return n.name == name
		})
		switch {
		case i >= 0:
			w.Permissions |= permissionNames[i].bits
		case name == "bloom":
			w.Permissions |= BloomFilter
		case name == "all":
			w.Permissions |= allPermissions
		case name == "in":
			w.In = true
		case name == "out":
			w.Out = true
		case name == "": // Core allows empty ones
		default:
			return fmt.Errorf("Invalid P2P permission: '%s'", name) // Core's words
		}
	}
	if !w.In && !w.Out {
		w.In = true
	}
	if w.Permissions&NoBan != 0 {
		w.Permissions |= Download
	}
	if w.Permissions&ForceRelay != 0 {
		w.Permissions |= Relay
	}
	return nil
}

// parsePrefix reads a subnet, or a single address as the smallest one.
func parsePrefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// permissionsOf sums up what the whitelist gives to a peer. An unknown peer has
// the empty id.
func (h *Host) permissionsOf(id peer.ID, addr netip.Addr, inbound bool) Permissions {
	var p Permissions
	for _, w := range h.cfg.Whitelist {
		if inbound && !w.In || !inbound && !w.Out {
			continue
		}
		if w.Prefix.IsValid() && w.Prefix.Contains(addr) || w.Peer != "" && id != "" && w.Peer == id.String() {
			p |= w.Permissions
		}
	}
	return p
}
