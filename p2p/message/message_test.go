package message_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// weight is the largest block weight of Bitcoin.
const weight = 4_000_000

// appender is what every message, request and answer can do.
type appender interface{ Append([]byte) []byte }

// decoders are all of them by the name of what they read.
var decoders = map[string]func([]byte) (appender, error){
	"hello":     relay(message.KindHello),
	"ping":      relay(message.KindPing),
	"pong":      relay(message.KindPong),
	"have":      relay(message.KindHave),
	"compact":   relay(message.KindCompact),
	"push":      relay(message.KindPush),
	"inv":       relay(message.KindInv),
	"feefilter": relay(message.KindFeeFilter),
	"head":      relay(message.KindHead),
	"part":      relay(message.KindPart),

	"headers request":  of(message.DecodeHeadersRequest),
	"headers":          of(message.DecodeHeaders),
	"blocks request":   of(message.DecodeBlocksRequest),
	"compact request":  of(message.DecodeCompactRequest),
	"blocktxn request": of(message.DecodeTxnRequest),
	"blocktxn":         of(message.DecodeTxs),
	"txs request":      of(message.DecodeTxsRequest),
	"pool request":     of(message.DecodePoolRequest),
	"pool":             of(message.DecodePool),
	"addrs":            of(message.DecodeAddresses),
}

func relay(k message.Kind) func([]byte) (appender, error) {
	return func(b []byte) (appender, error) {
		m, err := message.DecodeRelay(k, b)
		if err != nil {
			return nil, err
		}
		return m, nil
	}
}

func of[M appender](decode func([]byte) (M, error)) func([]byte) (appender, error) {
	return func(b []byte) (appender, error) {
		m, err := decode(b)
		if err != nil {
			return nil, err
		}
		return m, nil
	}
}

func hash(b byte) wire.Hash { return wire.Hash(bytes.Repeat([]byte{b}, 32)) }

func header() wire.Header {
	return wire.Header{Version: 0x20000000, PrevBlock: hash(1), MerkleRoot: hash(2), Time: 3, Bits: 0x207fffff, Nonce: 4}
}

const headerHex = "00000020" + "0101010101010101010101010101010101010101010101010101010101010101" +
	"0202020202020202020202020202020202020202020202020202020202020202" + "03000000" + "ffff7f20" + "04000000"

// tx returns a transaction of 61 bytes that spends the output index of nothing.
func tx(index uint32) *wire.Tx {
	return &wire.Tx{
		Version:  2,
		Inputs:   []wire.TxIn{{PrevOut: wire.OutPoint{Index: index}, Sequence: wire.SequenceFinal}},
		Outputs:  []wire.TxOut{{Value: 5, PkScript: []byte{0x51}}},
		LockTime: 0,
	}
}

func txHex(index string) string {
	return "02000000" + "01" + strings.Repeat("00", 32) + index + "00" + "ffffffff" + "01" + "0500000000000000" + "0151" + "00000000"
}

// examples are messages with their encodings, written out by hand.
var examples = []struct {
	name string
	m    appender
	hex  string
}{
	{
		"hello",
		&message.Hello{
			Version: message.Version, Services: 0x409, Time: 1, Nonce: 2, Subver: "/K:1/", Height: 3, Tip: hash(4),
			Work: pow.WorkFromBytes([32]byte{31: 5}), Relay: true, Listen: []string{"/ip4/1.2.3.4/tcp/5"}, Observed: "/x",
		},
		"80110100" + "0904000000000000" + "0100000000000000" + "0200000000000000" + "052f4b3a312f" + "03000000" + strings.Repeat("04", 32) +
			strings.Repeat("00", 31) + "05" + "01" + "01" + "122f6970342f312e322e332e342f7463702f35" + "022f78",
	},
	{"ping", &message.Ping{Nonce: 0x0102}, "0201000000000000"},
	{"pong", &message.Pong{Nonce: 0x0102}, "0201000000000000"},
	{"have", &message.Have{Header: header()}, headerHex},
	{
		"compact",
		&message.Compact{
			Header: header(), Nonce: 6, ShortIDs: []uint64{0x0000010203040506 & 0xffffffffffff, 7},
			Prefilled: []message.Prefilled{{Index: 0, Tx: tx(8)}, {Index: 3, Tx: tx(9)}},
		},
		headerHex + "0600000000000000" + "06" + "02" + "060504030201" + "070000000000" + "02" + "00" + txHex("08000000") + "02" + txHex("09000000"),
	},
	{
		"compact",
		&message.Compact{Header: header(), Nonce: 6, IDSize: 4, ShortIDs: []uint64{0x01020304, 7}, Prefilled: []message.Prefilled{{Index: 0, Tx: tx(8)}}},
		headerHex + "0600000000000000" + "04" + "02" + "04030201" + "07000000" + "01" + "00" + txHex("08000000"),
	},
	{"push", &message.Push{On: true}, "01"},
	{"push", &message.Push{}, "00"},
	{"inv", &message.Inv{WTxIDs: []wire.Hash{hash(1), hash(2)}}, "02" + strings.Repeat("01", 32) + strings.Repeat("02", 32)},
	{"feefilter", &message.FeeFilter{Rate: 1000}, "e803000000000000"},
	{
		"head",
		&message.Head{Header: header(), Size: message.PartSize + 1, Sums: [][16]byte{{1}, {2}}},
		headerHex + "01100000" + "01" + strings.Repeat("00", 15) + "02" + strings.Repeat("00", 15),
	},
	{"part", &message.Part{Set: message.SetID{1, 2}, Index: 3, Data: []byte{9}}, "0102000000000000" + "0300" + "09"},

	{"headers request", &message.HeadersRequest{Locator: []wire.Hash{hash(1)}, Stop: hash(2)}, "01" + strings.Repeat("01", 32) + strings.Repeat("02", 32)},
	{"headers", &message.Headers{Headers: []wire.Header{header()}}, "01" + headerHex},
	{"blocks request", &message.BlocksRequest{Hashes: []wire.Hash{hash(1)}}, "01" + strings.Repeat("01", 32)},
	{"compact request", &message.CompactRequest{Block: hash(1)}, strings.Repeat("01", 32)},
	// The example of BIP 152 ("getblocktxn"): 0, 1, 3 with nothing between the
	// first two.
	{"blocktxn request", &message.TxnRequest{Block: hash(1), Form: hash(2), Indexes: []uint32{0, 1, 3, 260}, First: 2}, strings.Repeat("01", 32) + strings.Repeat("02", 32) + "02" + "04" + "00" + "00" + "01" + "fd0001"},
	{"blocktxn", &message.Txs{At: 253, Txs: []*wire.Tx{tx(1), tx(2)}}, "fdfd00" + "02" + txHex("01000000") + txHex("02000000")},
	{"txs request", &message.TxsRequest{ByTxID: true, IDs: []wire.Hash{hash(1)}}, "0101" + strings.Repeat("01", 32)},
	{"pool request", &message.PoolRequest{Rate: 1000}, "e803000000000000"},
	{"pool", &message.Pool{WTxIDs: []wire.Hash{hash(1)}}, "01" + strings.Repeat("01", 32)},
	{
		"addrs",
		&message.Addresses{List: []message.Address{{Addr: "/x/p2p/y", Services: 9, Time: -1}}},
		"01" + "082f782f7032702f79" + "0900000000000000" + "ffffffffffffffff",
	},
}

func TestEncoding(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range examples {
		seen[e.name] = true
		b := e.m.Append([]byte{0xaa})[1:]
		if got := hex.EncodeToString(b); got != e.hex {
			t.Errorf("%s: encoded as %s, want %s", e.name, got, e.hex)
			continue
		}
		m, err := decoders[e.name](b)
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		if back := m.Append(nil); !bytes.Equal(back, b) {
			t.Errorf("%s: read and written again it is %x, want %x", e.name, back, b)
		}
		if e.name == "part" {
			continue // what remains is data
		}
		// Shorter and longer ones are malformed.
		for n := range b {
			if _, err := decoders[e.name](b[:n]); !errors.Is(err, message.ErrMalformed) {
				t.Errorf("%s: %d of %d bytes: %v, want %v", e.name, n, len(b), err, message.ErrMalformed)
			}
		}
		if _, err := decoders[e.name](append(b, 0)); !errors.Is(err, message.ErrMalformed) || !errors.Is(err, wire.ErrTrailing) {
			t.Errorf("%s: with a byte too many: %v, want %v", e.name, err, wire.ErrTrailing)
		}
	}
	for name := range decoders {
		if !seen[name] {
			t.Errorf("%s has no example", name)
		}
	}
}

func TestDecodeCompact(t *testing.T) {
	b := unhex(headerHex + "0600000000000000" + "06" + "02" + "060504030201" + "070000000000" + "02" + "00" + txHex("08000000") + "02" + txHex("09000000"))
	m, err := message.DecodeCompact(b)
	if err != nil {
		t.Fatal(err)
	}
	if m.Header != header() || m.Nonce != 6 || !slices.Equal(m.ShortIDs, []uint64{0x010203040506, 7}) || m.TxCount() != 4 || m.Size() != len(b) {
		t.Errorf("read %+v", m)
	}
	if len(m.Prefilled) != 2 || m.Prefilled[0].Index != 0 || m.Prefilled[1].Index != 3 || m.Prefilled[1].Tx.Inputs[0].PrevOut.Index != 9 {
		t.Errorf("prefilled: %+v", m.Prefilled)
	}
}

func TestMalformed(t *testing.T) {
	hello := *examples[0].m.(*message.Hello)
	long := func(n int) string { return strings.Repeat("a", n) }
	munged := func(munge func(h *message.Hello)) []byte {
		h := hello
		munge(&h)
		return h.Append(nil)
	}
	compact := headerHex + "0600000000000000" + "06"
	for _, c := range []struct {
		name, what string
		b          []byte
		want       error // besides ErrMalformed
	}{
		{"name of 257 bytes", "hello", munged(func(h *message.Hello) { h.Subver = long(257) }), nil},
		{"nine listening addresses", "hello", munged(func(h *message.Hello) { h.Listen = slices.Repeat([]string{"/x"}, 9) }), nil},
		{"long listening address", "hello", munged(func(h *message.Hello) { h.Listen = []string{long(257)} }), nil},
		{"empty listening address", "hello", munged(func(h *message.Hello) { h.Listen = []string{""} }), nil},
		{"control character in an address", "hello", munged(func(h *message.Hello) { h.Listen = []string{"/a\n"} }), nil},
		{"space in an address", "hello", munged(func(h *message.Hello) { h.Observed = "/a b" }), nil},
		{"long observed address", "hello", munged(func(h *message.Hello) { h.Observed = long(257) }), nil},
		{"neither true nor false", "push", []byte{2}, nil},
		{"negative fee rate", "feefilter", unhex("ffffffffffffffff"), nil},
		{"more than all money", "feefilter", unhex("0140075af0750700"), nil},
		{"nothing in parts", "head", unhex(headerHex + "00000000"), nil},
		{"more parts than there are", "head", unhex(headerHex + "ffffffff"), nil},
		{"sums that are not there", "head", unhex(headerHex + "00001000"), wire.ErrTruncated},
		{"a sum too many", "head", unhex(headerHex + "01000000" + strings.Repeat("00", 32)), wire.ErrTrailing},
		{"empty part", "part", make([]byte, 10), nil},
		{"short part", "part", make([]byte, 9), wire.ErrTruncated},
		{"large part", "part", make([]byte, 10+message.PartSize+1), nil},
		{"negative fee rate", "pool request", unhex("ffffffffffffffff"), nil},
		{"5001 ids", "inv", (&message.Inv{WTxIDs: make([]wire.Hash, 5001)}).Append(nil), nil},
		{"102 hashes", "headers request", (&message.HeadersRequest{Locator: make([]wire.Hash, 102)}).Append(nil), nil},
		{"2001 headers", "headers", (&message.Headers{Headers: make([]wire.Header, 2001)}).Append(nil), nil},
		{"17 blocks", "blocks request", (&message.BlocksRequest{Hashes: make([]wire.Hash, 17)}).Append(nil), nil},
		{"257 transactions", "txs request", (&message.TxsRequest{IDs: make([]wire.Hash, 257)}).Append(nil), nil},
		{"50001 ids", "pool", (&message.Pool{WTxIDs: make([]wire.Hash, 50_001)}).Append(nil), nil},
		{"1001 addresses", "addrs", (&message.Addresses{List: make([]message.Address, 1001)}).Append(nil), nil},
		{"count in a longer form", "pool", unhex("fd0000"), wire.ErrNonCanonical},
		{"count beyond everything", "pool", unhex("ff0000000000000080"), wire.ErrTooLarge},

		{"ids of 3 bytes", "compact", unhex(headerHex + "0600000000000000" + "03" + "01" + "000000" + "01" + "00" + txHex("08000000")), nil},
		{"ids of 7 bytes", "compact", unhex(headerHex + "0600000000000000" + "07" + "01" + "00000000000000" + "01" + "00" + txHex("08000000")), nil},
		{"no transactions", "compact", unhex(compact + "00" + "00"), nil},
		{"short ids that are not there", "compact", unhex(compact + "feffffff00"), wire.ErrTruncated},
		{"prefilled ones that are not there", "compact", unhex(compact + "00" + "feffffff00"), wire.ErrTruncated},
		{"prefilled past the end", "compact", unhex(compact + "01" + "010000000000" + "01" + "02" + txHex("01000000")), nil},
		{"prefilled transaction malformed", "compact", unhex(compact + "00" + "01" + "00" + "0200000000020000000000"), wire.ErrWitnessFlag},
		{"indexes that overflow", "compact", unhex(compact + "00" + "02" + "fe00000002" + txHex("01000000") + "fe00000002" + txHex("01000000")), nil},
		{"indexes beyond 32 bits", "blocktxn request", append(make([]byte, 64), unhex("fd8200"+strings.Repeat("fe00000002", 130))...), nil},
		{"transactions that are not there", "blocktxn", unhex("feffffff00"), wire.ErrTruncated},
	} {
		_, err := decoders[c.what](c.b)
		if !errors.Is(err, message.ErrMalformed) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %s: %v, want %v, %v", c.what, c.name, err, message.ErrMalformed, c.want)
		}
	}
	for _, k := range []message.Kind{0, message.KindPart + 1, 255} {
		if m, err := message.DecodeRelay(k, nil); !errors.Is(err, message.ErrUnknownKind) || m != nil {
			t.Errorf("kind %d: %v, %v, want %v", k, m, err, message.ErrUnknownKind)
		}
	}
}

// TestSubver: Bitcoin Core's SanitizeString.
func TestSubver(t *testing.T) {
	h := *examples[0].m.(*message.Hello)
	h.Subver = "/Sat\x1b[31moshi:28.1.0(a@b;c)/\n\u00e9<script>'\"\x00{}"
	got, err := message.DecodeHello(h.Append(nil))
	if want := "/Sat31moshi:28.1.0(a@b;c)/script"; err != nil || got.Subver != want {
		t.Errorf("read %q, %v, want %q", got.Subver, err, want)
	}
}

// TestLimits: the largest message of each sort that honest nodes send is within
// its bound, and the bound is not much above it.
func TestLimits(t *testing.T) {
	hello := &message.Hello{Subver: strings.Repeat("a", message.MaxSubver), Listen: slices.Repeat([]string{strings.Repeat("a", message.MaxAddr)}, message.MaxListen), Observed: strings.Repeat("a", message.MaxAddr)}
	// A block with a coinbase as large as can be, and one with as many of the
	// smallest transactions that there can be as possible.
	large := tx(0)
	large.Outputs[0].PkScript = make([]byte, weight/4-80-3-68)
	coinbase := &message.Compact{Prefilled: []message.Prefilled{{Tx: large}}}
	many := &message.Compact{ShortIDs: make([]uint64, message.MaxBlockTxs(weight)), Prefilled: []message.Prefilled{{Tx: tx(0)}}}
	all := make([]uint32, message.MaxBlockTxs(weight)-2)
	var far []uint32
	for i := range all {
		all[i] = uint32(i)
		if i%254 == 253 {
			far = append(far, uint32(i))
		}
	}
	txs := &message.Txs{Txs: []*wire.Tx{large}}
	head, parts := message.Split(wire.Header{}, make([]byte, message.MaxPayload(message.KindCompact, weight)))
	addr := message.Address{Addr: strings.Repeat("a", message.MaxAddr)}

	for _, c := range []struct {
		name   string
		m      appender
		limit  int
		unused int
	}{
		{"hello", hello, message.MaxPayload(message.KindHello, weight), 0},
		{"ping", &message.Ping{}, message.MaxPayload(message.KindPing, weight), 0},
		{"pong", &message.Pong{}, message.MaxPayload(message.KindPong, weight), 0},
		{"have", &message.Have{}, message.MaxPayload(message.KindHave, weight), 0},
		{"coinbase", coinbase, message.MaxPayload(message.KindCompact, weight), 1024},
		{"many", many, message.MaxPayload(message.KindCompact, weight), weight / 4},
		{"push", &message.Push{}, message.MaxPayload(message.KindPush, weight), 0},
		{"inv", &message.Inv{WTxIDs: make([]wire.Hash, message.MaxInv)}, message.MaxPayload(message.KindInv, weight), 2},
		{"feefilter", &message.FeeFilter{}, message.MaxPayload(message.KindFeeFilter, weight), 0},
		{"head", head, message.MaxPayload(message.KindHead, weight), 0},
		{"part", parts[0], message.MaxPayload(message.KindPart, weight), 0},

		{"headers", &message.HeadersRequest{Locator: make([]wire.Hash, message.MaxLocator)}, message.MaxRequest(message.NameHeaders, weight), 0},
		{"blocks", &message.BlocksRequest{Hashes: make([]wire.Hash, message.MaxBlocks)}, message.MaxRequest(message.NameBlocks, weight), 0},
		{"compact", &message.CompactRequest{}, message.MaxRequest(message.NameCompact, weight), 0},
		{"blocktxn", &message.TxnRequest{Indexes: all, First: uint32(len(all) - 1)}, message.MaxRequest(message.NameBlockTxn, weight), 8},
		{"blocktxn far", &message.TxnRequest{Indexes: far, First: uint32(len(far) - 1)}, message.MaxRequest(message.NameBlockTxn, weight), weight},
		{"txs", &message.TxsRequest{IDs: make([]wire.Hash, message.MaxTxs)}, message.MaxRequest(message.NameTxs, weight), 0},
		{"pool", &message.PoolRequest{}, message.MaxRequest(message.NamePool, weight), 0},

		{"headers", &message.Headers{Headers: make([]wire.Header, message.MaxHeaders)}, message.MaxAnswer(message.NameHeaders, weight), 0},
		{"compact", coinbase, message.MaxAnswer(message.NameCompact, weight), 1024},
		{"blocktxn", txs, message.MaxAnswer(message.NameBlockTxn, weight), weight},
		{"pool", &message.Pool{WTxIDs: make([]wire.Hash, message.MaxPool)}, message.MaxAnswer(message.NamePool, weight), 2},
		{"addrs", &message.Addresses{List: slices.Repeat([]message.Address{addr}, message.MaxAddresses)}, message.MaxAnswer(message.NameAddrs, weight), 0},
	} {
		if n := len(c.m.Append(nil)); n > c.limit || n < c.limit-c.unused {
			t.Errorf("%s: %d bytes, within a limit of %d", c.name, n, c.limit)
		}
	}
	if n := message.MaxRequest(message.NameAddrs, weight); n != 0 {
		t.Errorf("the request for addresses may have %d bytes", n)
	}
	for _, name := range message.Requests() {
		if message.MaxAnswer(name, weight) == 0 || message.MaxFrames(name, weight) == 0 {
			t.Errorf("%s has no answer", name)
		}
	}
	if message.MaxFrames(message.NameBlocks, weight) != message.MaxBlocks || message.MaxFrames(message.NameTxs, weight) != message.MaxTxs ||
		message.MaxFrames(message.NameBlockTxn, weight) <= message.MaxBlockTxs(weight) {
		t.Error("an answer has fewer frames than were asked for")
	}
}

// TestAppendTxs: transactions that are encoded already make the same frame.
func TestAppendTxs(t *testing.T) {
	m := message.Txs{At: 7, Txs: []*wire.Tx{tx(1), tx(2)}}
	raws := [][]byte{tx(1).Append(nil), tx(2).Append(nil)}
	if got, want := message.AppendTxs([]byte{9}, 7, raws), m.Append([]byte{9}); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestSplit: parts are of the size that they should be, fit their Head and give the
// whole again; parts of another one do not fit.
func TestSplit(t *testing.T) {
	for _, size := range []int{1, message.PartSize - 1, message.PartSize, message.PartSize + 1, 5 * message.PartSize} {
		payload := bytes.Repeat([]byte{7, 1, 2}, size)[:size]
		head, parts := message.Split(header(), payload)
		var whole []byte
		for i, p := range parts {
			if !head.Fits(p) || p.Set != head.ID() || int(p.Index) != i || len(p.Data) > message.PartSize {
				t.Errorf("%d bytes: part %d: %+v", size, i, p)
			}
			whole = append(whole, p.Data...)
		}
		if !bytes.Equal(whole, payload) || int(head.Size) != size || len(head.Sums) != len(parts) || head.Header != header() {
			t.Errorf("%d bytes: %d parts have %d", size, len(parts), len(whole))
		}
		changed := *parts[0]
		changed.Data = append([]byte{8}, changed.Data[1:]...)
		beyond := *parts[0]
		beyond.Index = uint16(len(parts))
		if head.Fits(&changed) || head.Fits(&beyond) {
			t.Errorf("%d bytes: a part fits that is none", size)
		}
	}
}

func TestFrames(t *testing.T) {
	if got, want := hex.EncodeToString(message.AppendRelayFrame([]byte{9}, &message.Push{On: true})), "09"+"02000000"+"06"+"01"; got != want {
		t.Errorf("frame %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(message.AppendFrame([]byte{9}, []byte{1, 2, 3})), "09"+"03000000"+"010203"; got != want {
		t.Errorf("frame %s, want %s", got, want)
	}
}

func TestProtocol(t *testing.T) {
	genesis := wire.MustHash("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f")
	for name, want := range map[string]string{
		message.NameRelay:    "/keelson/000000000019d668/relay/1",
		message.NameBlockTxn: "/keelson/000000000019d668/blocktxn/2",
	} {
		if got := message.Protocol(genesis, name); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestKindNames(t *testing.T) {
	var names []string
	for k := range message.KindPart + 2 {
		names = append(names, k.String())
	}
	if got, want := strings.Join(names, " "), "*other* hello ping pong have compact push inv feefilter compact compact *other*"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
