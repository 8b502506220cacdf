package rpc

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

func banMethods() []method {
	return []method{
		{
			name: "setban", category: "network", run: setban,
			help: "Ban an address, a network or a libp2p peer id, or end such a ban.",
			params: []param{
				need("subnet", tString, "An IP address, a network such as 10.0.0.0/8 or 10.0.0.0/255.0.0.0, or a libp2p peer id (see getpeerinfo)"),
				need("command", tString, "'add' to ban it, 'remove' to end the ban"),
				may("bantime", tNumber, "0", "For how many seconds, or with absolute until when; 0: as long as the bantime setting says (24 hours)"),
				may("absolute", tBool, "false", "bantime is a time in seconds since 1970"),
			},
			results:  one(rNull()),
			examples: []string{`"192.168.0.6" "add" 86400`, `"192.168.0.0/24" "add"`},
		},
		{
			name: "listbanned", category: "network", run: listbanned,
			help: "What is banned.",
			results: one(rArray("", "", rObject("", "",
				rString("address", "a network or a libp2p peer id"),
				rTime("ban_created", "when it was banned"),
				rTime("banned_until", "until when it is banned"),
				rNumber("ban_duration", "the seconds between the two"),
				rNumber("time_remaining", "the seconds that are left")))),
			examples: []string{""},
		},
		{
			name: "clearbanned", category: "network", run: clearbanned,
			help:     "End every ban.",
			results:  one(rNull()),
			examples: []string{""},
		},
	}
}

var (
	errSubnet = jsonrpc.Errorf(jsonrpc.CodeInvalidSubnet, "Error: Invalid IP/Subnet")
	errBanned = jsonrpc.Errorf(jsonrpc.CodeNodeAlreadyAdded, "Error: IP/Subnet already banned")
)

// banTarget reads what to ban: a subnet in any of its forms, or else what may be
// a peer id, which the network knows to tell.
func banTarget(text string) (string, error) {
	if prefix, err := ParseSubnet(text); err == nil {
		return prefix.String(), nil
	}
	if text == "" || strings.ContainsAny(text, "/.: ") {
		return "", errSubnet
	}
	return text, nil
}

// banned reports whether there is a ban of the same target or, for a single
// address, of a network that it is in.
func (c *call) banned(target string) bool {
	prefix, err := netip.ParsePrefix(target)
	single := err == nil && prefix.IsSingleIP()
	return slices.ContainsFunc(c.Network.Bans(), func(b peerinfo.Ban) bool {
		if b.Target == target {
			return true
		}
		other, err := netip.ParsePrefix(b.Target)
		return single && err == nil && other.Contains(prefix.Addr())
	})
}

func setban(c *call) (any, error) {
	text, command := c.text(0), c.text(1)
	bantime, absolute := c.intOr(2, 64, 0), c.boolOr(3, false)
	if c.err != nil {
		return nil, c.err
	}
	if command != "add" && command != "remove" {
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "%s", c.method.text())
	}
	if c.Network == nil {
		return nil, errNoNetwork
	}
	target, err := banTarget(text)
	if err != nil {
		return nil, err
	}
	if command == "remove" {
		err := c.Network.Unban(target)
		if errors.Is(err, peerinfo.ErrNotBanned) || errors.Is(err, peerinfo.ErrAddress) {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidSubnet, "Error: Unban failed. Requested address/subnet was not previously manually banned.")
		}
		return nil, err
	}

	if c.banned(target) {
		return nil, errBanned
	}
	now := c.s.clock.Now().Unix()
	var until time.Time // zero: the default
	switch {
	case absolute && bantime < now:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Error: Absolute timestamp is in the past")
	case bantime > MaxMockTime-now:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Error: bantime is too far in the future")
	case absolute:
		until = time.Unix(bantime, 0)
	case bantime > 0:
		until = time.Unix(now+bantime, 0)
	}
	err = c.Network.Ban(target, until)
	switch {
	case errors.Is(err, peerinfo.ErrAddress):
		return nil, errSubnet
	case errors.Is(err, peerinfo.ErrBanned):
		return nil, errBanned
	}
	return nil, err
}

func listbanned(c *call) (any, error) {
	if c.Network == nil {
		return nil, errNoNetwork
	}
	now := c.s.clock.Now().Unix()
	bans := c.Network.Bans()
	list := make([]jsonrpc.Object, len(bans))
	for i, b := range bans {
		created, until := b.Created.Unix(), b.Until.Unix()
		list[i].Add("address", b.Target)
		list[i].Add("ban_created", created)
		list[i].Add("banned_until", until)
		list[i].Add("ban_duration", until-created)
		list[i].Add("time_remaining", until-now)
	}
	return list, nil
}

func clearbanned(c *call) (any, error) {
	if c.Network == nil {
		return nil, errNoNetwork
	}
	return nil, c.Network.ClearBans()
}
