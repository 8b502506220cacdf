package host

import (
	"maps"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// traffic counts the bytes of frames, by message or request. The zero value is
// ready.
type traffic struct {
	mu                 sync.Mutex
	sent, received     peerinfo.Traffic
	lastSend, lastRecv time.Time
}

func (t *traffic) addSent(name string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	count(&t.sent, name, n)
	t.lastSend = time.Now()
}

func (t *traffic) addReceived(name string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	count(&t.received, name, n)
	t.lastRecv = time.Now()
}

func count(t *peerinfo.Traffic, name string, n int) {
	if t.ByMessage == nil {
		t.ByMessage = map[string]uint64{}
	}
	t.Total += uint64(n)
	t.ByMessage[name] += uint64(n)
}

// read returns copies.
func (t *traffic) read() (sent, received peerinfo.Traffic, lastSend, lastRecv time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sent, received = t.sent, t.received
	sent.ByMessage, received.ByMessage = maps.Clone(sent.ByMessage), maps.Clone(received.ByMessage)
	return sent, received, t.lastSend, t.lastRecv
}

func (t *traffic) lastReceived() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lastRecv
}

// sentBytes counts bytes that went to a peer.
func (p *Peer) sentBytes(name string, n int) {
	p.traffic.addSent(name, n)
	p.host.traffic.addSent(name, n)
}

// receivedBytes counts bytes that came from a peer.
func (p *Peer) receivedBytes(name string, n int) {
	p.traffic.addReceived(name, n)
	p.host.traffic.addReceived(name, n)
}
