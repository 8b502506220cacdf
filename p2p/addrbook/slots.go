package addrbook

import "github.com/keelson-chain/keelson/p2p/peerinfo"

// Slots returns every place that is taken, new ones first, each table in the
// order of its places.
func (b *Book) Slots() []peerinfo.Slot {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]peerinfo.Slot, 0, len(b.order))
	list = appendSlots(list, b.fresh[:], false)
	return appendSlots(list, b.tried[:], true)
}

func appendSlots(list []peerinfo.Slot, table []bucket, tried bool) []peerinfo.Slot {
	for n := range table {
		for position, e := range table[n].at {
			if e == nil {
				continue
			}
			s := peerinfo.Slot{Address: e.known().Info(), Tried: tried, Bucket: n, Position: position}
			if e.source.IsValid() {
				s.Source = e.source.Addr().String()
			}
			s.SourceNetwork = NetworkOf(e.source.Addr())
			list = append(list, s)
		}
	}
	return list
}

// Info returns an address as rpc shows it.
func (k Known) Info() peerinfo.Address {
	host := k.AddrPort.Addr()
	return peerinfo.Address{
		Multiaddr: k.String(), Host: host.String(), Port: k.AddrPort.Port(),
		Network: NetworkOf(host), Services: k.Services, Seen: k.Seen,
	}
}

// Sizes counts the addresses by network, in the order of peerinfo.Networks,
// those that are not routable last.
func (b *Book) Sizes() []peerinfo.TableSize {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []peerinfo.TableSize
	for _, network := range append(peerinfo.Networks(), peerinfo.Unroutable) {
		list = append(list, peerinfo.TableSize{Network: network})
	}
	for _, e := range b.order {
		network := NetworkOf(e.addr.AddrPort.Addr())
		for i := range list {
			switch {
			case list[i].Network != network:
			case e.tried:
				list[i].Tried++
			default:
				list[i].New++
			}
		}
	}
	return list
}
