package host

import (
	"strings"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/keelson-chain/keelson/p2p/message"
)

// scopeManager is a resource manager that does not account by protocol for our own
// ones: their limits are those of the system and of a peer, and libp2p keeps what it
// counts for each pair of a peer and a protocol for a minute or two after the peer has
// gone, some kilobytes for everybody who calls.
type scopeManager struct{ network.ResourceManager }

// OpenStream accounts for a new stream.
func (m scopeManager) OpenStream(id peer.ID, dir network.Direction) (network.StreamManagementScope, error) {
	s, err := m.ResourceManager.OpenStream(id, dir)
	if err != nil {
		return nil, err
	}
	return streamScope{s}, nil
}

type streamScope struct{ network.StreamManagementScope }

// SetProtocol says what the stream is for. One of ours goes on as before it was known.
func (s streamScope) SetProtocol(p protocol.ID) error {
	if strings.HasPrefix(string(p), message.ProtocolPrefix) {
		return nil
	}
	return s.StreamManagementScope.SetProtocol(p)
}
