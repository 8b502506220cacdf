package rpc

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// errNoAddresses is what methods about the address tables say without them.
var errNoAddresses = jsonrpc.Errorf(jsonrpc.CodeP2PDisabled, "Error: Address manager functionality missing or disabled")

func addressMethods() []method {
	return []method{
		{
			name: "getnodeaddresses", category: "network", run: getnodeaddresses,
			help: "Some of the known addresses of nodes, picked at random from those that were seen lately. There may be more.",
			params: []param{
				may("count", tNumber, "1", "How many at most; 0: all"),
				{names: "network", typ: tString, def: "all networks", hint: true, help: "The kind of address, one of: " + networkNames(false)},
			},
			results: one(rArray("", "", rObject("", "",
				rTime("time", "when the node was last seen"),
				rNumber("services", "services that it offers, as bits"),
				rString("address", "its address"),
				rNumber("port", "its port"),
				rString("network", "the kind of its address: "+networkNames(false)),
				rString("multiaddr", "the whole address, as addnode takes it")))),
			examples: []string{"8", `4 "ipv6"`},
		},
		{
			name: "getaddrmaninfo", category: "network", run: getaddrmaninfo,
			help: "How many addresses of each kind are known.",
			results: one(rMap("", "by network ("+networkNames(false)+") and in all (all_networks)", rObject("network", "",
				rNumber("new", "addresses that were not tried yet"),
				rNumber("tried", "addresses that have worked"),
				rNumber("total", "both")))),
			examples: []string{""},
		},
		{
			name: "getrawaddrman", category: "hidden", run: getrawaddrman,
			help: "What is in the address tables.",
			results: one(rMap("", "by table: new and tried", rMap("table", "by place: BUCKET/POSITION", rObject("bucket/position", "",
				rString("address", "an address"),
				rNumber("port", "its port"),
				rString("network", "its kind: "+networkNames(true)),
				rNumber("services", "services that the node offers, as bits"),
				rTime("time", "when it was last seen"),
				rString("source", "who told"),
				rString("source_network", "the kind of that address"),
				rString("multiaddr", "the whole address"))))),
			examples: []string{""},
		},
		{
			name: "addpeeraddress", category: "hidden", run: addpeeraddress,
			help: "Put an address into the address tables, for tests.",
			params: []param{
				need("address", tString, "An IP address, /p2p/ and a libp2p peer id, without which an address is of no use"),
				need("port", tNumber, "The port"),
				may("tried", tBool, "false", "Put it into the table of addresses that have worked"),
			},
			results: one(rObject("", "",
				rBool("success", "whether it is where it was to be put"),
				maybe(rString("error", "failed-adding-to-new or failed-adding-to-tried")))),
			examples: []string{`"1.2.3.4/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN" 18444 true`},
		},
	}
}

func getnodeaddresses(c *call) (any, error) {
	count := c.intOr(0, 32, 1)
	if c.err != nil {
		return nil, c.err
	}
	if c.Addresses == nil {
		return nil, errNoNetwork
	}
	if count < 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Address count out of range")
	}
	var network peerinfo.Network
	if c.has(1) {
		name := c.text(1)
		if network = peerinfo.Network(name); !slices.Contains(peerinfo.Networks(), network) {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Network not recognized: %s", name)
		}
	}
	addresses := c.Addresses.Addresses(int(count), network)
	list := make([]jsonrpc.Object, len(addresses))
	for i, a := range addresses {
		list[i].Add("time", seconds(a.Seen))
		list[i].Add("services", a.Services)
		list[i].Add("address", a.Host)
		list[i].Add("port", int(a.Port))
		list[i].Add("network", string(a.Network))
		list[i].Add("multiaddr", a.Multiaddr)
	}
	return list, nil
}

func getaddrmaninfo(c *call) (any, error) {
	if c.Addresses == nil {
		return nil, errNoAddresses
	}
	sizes := map[peerinfo.Network]peerinfo.TableSize{}
	var all peerinfo.TableSize
	for _, size := range c.Addresses.TableSizes() {
		sizes[size.Network] = size
		all.New += size.New
		all.Tried += size.Tried
	}
	object := func(size peerinfo.TableSize) (o jsonrpc.Object) {
		o.Add("new", size.New)
		o.Add("tried", size.Tried)
		o.Add("total", size.New+size.Tried)
		return o
	}
	var o jsonrpc.Object
	for _, network := range peerinfo.Networks() {
		o.Add(string(network), object(sizes[network]))
	}
	o.Add("all_networks", object(all))
	return o, nil
}

func getrawaddrman(c *call) (any, error) {
	if c.Addresses == nil {
		return nil, errNoAddresses
	}
	var tables [2]jsonrpc.Object // new and tried
	for i := range tables {
		tables[i] = jsonrpc.Object{}
	}
	for _, slot := range c.Addresses.Slots() {
		table := &tables[0]
		if slot.Tried {
			table = &tables[1]
		}
		var o jsonrpc.Object
		o.Add("address", slot.Host)
		o.Add("port", int(slot.Port))
		o.Add("network", string(slot.Network))
		o.Add("services", slot.Services)
		o.Add("time", seconds(slot.Seen))
		o.Add("source", slot.Source)
		o.Add("source_network", string(slot.SourceNetwork))
		o.Add("multiaddr", slot.Multiaddr)
		table.Add(fmt.Sprintf("%d/%d", slot.Bucket, slot.Position), o)
	}
	var o jsonrpc.Object
	o.Add("new", tables[0])
	o.Add("tried", tables[1])
	return o, nil
}

func addpeeraddress(c *call) (any, error) {
	text, port, tried := c.text(0), c.int(1, 32), c.boolOr(2, false)
	if c.err != nil {
		return nil, c.err
	}
	if c.Addresses == nil {
		return nil, errNoAddresses
	}
	if port < 0 || port > 65535 {
		return nil, errIntegerRange
	}
	var o jsonrpc.Object
	host, id, _ := strings.Cut(text, "/p2p/")
	addr, err := netip.ParseAddr(host)
	if err != nil {
		o.Add("success", false)
		return o, nil
	}
	added, moved := c.Addresses.AddAddress(overTCP(addr, uint16(port), id), tried)
	switch {
	case !added:
		o.Add("success", false)
		o.Add("error", "failed-adding-to-new")
	case tried && !moved:
		o.Add("success", false)
		o.Add("error", "failed-adding-to-tried")
	default:
		o.Add("success", true)
	}
	return o, nil
}

// overTCP is the multi-address of a node that listens there for TCP; id may be empty.
func overTCP(addr netip.Addr, port uint16, id string) string {
	kind := "ip6"
	if addr = addr.Unmap(); addr.Is4() {
		kind = "ip4"
	}
	text := fmt.Sprintf("/%s/%s/tcp/%d", kind, addr, port)
	if id != "" {
		text += "/p2p/" + id
	}
	return text
}
