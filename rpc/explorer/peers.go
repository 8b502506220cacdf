package explorer

import "github.com/keelson-chain/keelson/p2p/peerinfo"

// listPeers is how many peers are listed.
const listPeers = 250

type peersData struct {
	None  bool // a node without peers
	Local peerinfo.Local
	Peers []peerView
	More  int
}

type peerView struct {
	peerinfo.Peer
	Host string // HOST:PORT, or the multi-address where there is none
	Way  string // what the connection is for
}

func (r *request) peers() (*page, error) {
	d := &peersData{}
	if r.n.Network == nil {
		d.None = true
		return &page{Title: "Peers", Name: "peers", Data: d}, nil
	}
	d.Local = r.n.Network.Local()
	peers := r.n.Network.Peers()
	d.More = max(0, len(peers)-listPeers)
	for _, p := range peers[:len(peers)-d.More] {
		d.Peers = append(d.Peers, peerView{p, hostOf(p.Addr), string(p.Kind)})
	}
	return &page{Title: "Peers", Name: "peers", Data: d}, nil
}
