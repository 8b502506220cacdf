package message

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// workSize is the length of an encoded pow.Work in bytes.
const workSize = 32

// Hello is the first message of each side: what it is and how far its chain goes.
//
//	size  field
//	   4  Version
//	   8  Services
//	   8  Time
//	   8  Nonce
//	 var  Subver, after its length
//	   4  Height
//	  32  Tip
//	  32  Work, most significant byte first
//	   1  Relay
//	 var  Listen: their number, each after its length
//	 var  Observed, after its length
type Hello struct {
	Version  uint32
	Services uint64 // see the Service constants
	Time     int64  // the sender's clock, in seconds since 1970
	// Nonce is the same in each Hello of a node while it runs, so that a node that
	// has dialled itself finds out.
	Nonce uint64
	// Subver is what the node calls itself, as in "/Satoshi:28.1.0/Keelson:1.0/".
	// A decoded one has harmless letters only: see CleanSubver.
	Subver string
	// Height, Tip and Work are those of the active chain.
	Height uint32
	Tip    wire.Hash
	Work   pow.Work
	// Relay says that the sender wants to hear of transactions.
	Relay bool
	// Listen are the multi-addresses at which the sender can be reached, without
	// its peer id, at most MaxListen. They are the sender's claim.
	Listen []string
	// Observed is the multi-address from which the sender sees this connection
	// come; it may be empty.
	Observed string
}

// Kind returns KindHello.
func (*Hello) Kind() Kind { return KindHello }

// Append appends the payload to dst.
func (m *Hello) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, m.Version)
	dst = binary.LittleEndian.AppendUint64(dst, m.Services)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(m.Time))
	dst = binary.LittleEndian.AppendUint64(dst, m.Nonce)
	dst = appendText(dst, m.Subver)
	dst = binary.LittleEndian.AppendUint32(dst, m.Height)
	dst = append(dst, m.Tip[:]...)
	work := m.Work.Bytes()
	dst = append(dst, work[:]...)
	dst = appendBool(dst, m.Relay)
	dst = wire.AppendCompactSize(dst, uint64(len(m.Listen)))
	for _, a := range m.Listen {
		dst = appendText(dst, a)
	}
	return appendText(dst, m.Observed)
}

// DecodeHello reads the payload of a Hello.
func DecodeHello(b []byte) (*Hello, error) {
	r := reader{b: b}
	m := &Hello{
		Version:  r.uint32(),
		Services: r.uint64(),
		Time:     int64(r.uint64()),
		Nonce:    r.uint64(),
		Subver:   CleanSubver(r.text(MaxSubver)),
		Height:   r.uint32(),
		Tip:      r.hash(),
		Work:     pow.WorkFromBytes(r.hash()),
		Relay:    r.bool(),
	}
	if n := r.countOf(1, MaxListen); n > 0 {
		m.Listen = make([]string, n)
		for i := range m.Listen {
			if m.Listen[i] = r.addr(); m.Listen[i] == "" {
				r.fail(fmt.Errorf("listening address %d is empty", i))
			}
		}
	}
	m.Observed = r.addr()
	return m, r.end("hello")
}

// CleanSubver returns s without what is not a harmless letter, as Bitcoin Core
// shows the names of its peers: what a stranger calls itself stands in logs, on
// terminals and in web pages.
func CleanSubver(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune(" .,;-_/:?@()", c):
			return c
		}
		return -1
	}, s)
}
