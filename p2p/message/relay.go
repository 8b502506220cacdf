package message

import (
	"encoding/binary"
	"fmt"

	"github.com/keelson-chain/keelson/wire"
)

// Kind is the byte that tells the messages of a relay stream apart.
type Kind uint8

// The kinds of relay messages.
const (
	KindHello Kind = iota + 1
	KindPing
	KindPong
	KindHave
	KindCompact
	KindPush
	KindInv
	KindFeeFilter
	KindHead
	KindPart
)

var kindNames = [...]string{
	KindHello: "hello", KindPing: "ping", KindPong: "pong", KindHave: "have",
	KindCompact: "compact", KindPush: "push", KindInv: "inv", KindFeeFilter: "feefilter",
	KindHead: "compact", KindPart: "compact", // in parts
}

// String returns the name by which messages of the kind are counted: "*other*",
// as in Bitcoin Core, for kinds that are unknown.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "*other*"
}

// Message is a message of a relay stream: *Hello, *Ping, *Pong, *Have, *Compact,
// *Push, *Inv, *FeeFilter, *Head or *Part.
type Message interface {
	Kind() Kind
	// Append appends the payload to dst.
	Append(dst []byte) []byte
}

// DecodeRelay reads the payload of a relay message. A Compact and a Part keep payload,
// which must not change afterwards. The error is ErrMalformed or ErrUnknownKind.
func DecodeRelay(k Kind, payload []byte) (Message, error) {
	switch k {
	case KindHello:
		return decoded(DecodeHello(payload))
	case KindPing:
		n, err := decodeNonce("ping", payload)
		return decoded(&Ping{n}, err)
	case KindPong:
		n, err := decodeNonce("pong", payload)
		return decoded(&Pong{n}, err)
	case KindHave:
		return decoded(decodeHave(payload))
	case KindCompact:
		return decoded(DecodeCompact(payload))
	case KindPush:
		return decoded(decodePush(payload))
	case KindInv:
		return decoded(decodeInv(payload))
	case KindFeeFilter:
		return decoded(decodeFeeFilter(payload))
	case KindHead:
		return decoded(decodeHead(payload))
	case KindPart:
		return decoded(decodePart(payload))
	}
	return nil, fmt.Errorf("%w: %d", ErrUnknownKind, k)
}

// decoded keeps a pointer that comes with an error from becoming a Message.
func decoded[M Message](m M, err error) (Message, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Ping asks for a Pong with the same nonce.
type Ping struct{ Nonce uint64 }

// Pong answers a Ping.
type Pong struct{ Nonce uint64 }

// Kind returns KindPing.
func (*Ping) Kind() Kind { return KindPing }

// Kind returns KindPong.
func (*Pong) Kind() Kind { return KindPong }

// Append appends the payload: the nonce.
func (m *Ping) Append(dst []byte) []byte { return binary.LittleEndian.AppendUint64(dst, m.Nonce) }

// Append appends the payload: the nonce.
func (m *Pong) Append(dst []byte) []byte { return binary.LittleEndian.AppendUint64(dst, m.Nonce) }

func decodeNonce(what string, b []byte) (uint64, error) {
	r := reader{b: b}
	n := r.uint64()
	return n, r.end(what)
}

// Have says that the sender has a block, or is about to: it has checked the header
// and passes the block on, before it has judged the transactions.
type Have struct{ Header wire.Header }

// Kind returns KindHave.
func (*Have) Kind() Kind { return KindHave }

// Append appends the payload: the 80 bytes.
func (m *Have) Append(dst []byte) []byte { return m.Header.Append(dst) }

func decodeHave(b []byte) (*Have, error) {
	r := reader{b: b}
	m := &Have{r.header()}
	return m, r.end("have")
}

// Push asks that compact blocks be sent unasked, or that they no longer be. Before
// the first one they are not.
type Push struct{ On bool }

// Kind returns KindPush.
func (*Push) Kind() Kind { return KindPush }

// Append appends the payload: one byte.
func (m *Push) Append(dst []byte) []byte { return appendBool(dst, m.On) }

func decodePush(b []byte) (*Push, error) {
	r := reader{b: b}
	m := &Push{r.bool()}
	return m, r.end("push")
}

// Inv announces transactions by their witness ids, at most MaxInv.
type Inv struct{ WTxIDs []wire.Hash }

// Kind returns KindInv.
func (*Inv) Kind() Kind { return KindInv }

// Append appends the payload: a count and the ids.
func (m *Inv) Append(dst []byte) []byte { return appendHashes(dst, m.WTxIDs) }

func decodeInv(b []byte) (*Inv, error) {
	r := reader{b: b}
	m := &Inv{r.hashes(MaxInv)}
	return m, r.end("inv")
}

// FeeFilter asks that no transaction be announced that pays less (BIP 133).
type FeeFilter struct {
	Rate wire.Amount // satoshi for 1000 virtual bytes
}

// Kind returns KindFeeFilter.
func (*FeeFilter) Kind() Kind { return KindFeeFilter }

// Append appends the payload: 8 bytes.
func (m *FeeFilter) Append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(m.Rate))
}

func decodeFeeFilter(b []byte) (*FeeFilter, error) {
	r := reader{b: b}
	m := &FeeFilter{r.rate()}
	return m, r.end("feefilter")
}

// rate reads a fee rate, which is within the range of money.
func (r *reader) rate() wire.Amount {
	rate := wire.Amount(r.uint64())
	if !rate.Valid() {
		r.fail(fmt.Errorf("fee rate %d is out of range", int64(rate)))
		return 0
	}
	return rate
}
