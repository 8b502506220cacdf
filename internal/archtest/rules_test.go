package archtest

// A rule says where one package stands.
type rule struct {
	// floor is the package's height: it imports packages of lower floors only.
	floor int
	// peers are the packages of its own floor that it imports all the same,
	// which gives the parts of one package an order among themselves.
	peers []string
	// testPeers are packages of its own floor that its tests import besides.
	testPeers []string
	// outside are the packages outside this module and the standard library
	// that it imports; a trailing "/..." covers what lies below.
	outside []string
	// std are packages of the table nowhere that it imports all the same.
	std []string
	// pure packages take everything that they know as arguments: see the
	// pureXxx tables.
	pure bool
	// joins allows a pure package to start goroutines, all of which it joins
	// before the call that started them returns.
	joins bool
	// state names the variables of a pure package that are written after its
	// initialization, each with the reason in a comment here.
	state []string
	// testOnly packages are imported by tests and by each other alone.
	testOnly bool
}

const (
	secp256k1   = "github.com/decred/dcrd/dcrec/secp256k1/v4/..."
	promtext    = "github.com/prometheus/common/..."      // its text format, for tests
	prommodel   = "github.com/prometheus/client_model/go" // what that is read into
	prometheus  = "github.com/prometheus/client_golang/prometheus/..."
	goleveldb   = "github.com/syndtr/goleveldb/leveldb/..."
	zerolog     = "github.com/rs/zerolog"
	lumberjack  = "gopkg.in/natefinch/lumberjack.v2"
	libp2p      = "github.com/libp2p/go-libp2p/..."
	yamux       = "github.com/libp2p/go-yamux/v5"
	pubsub      = "github.com/libp2p/go-libp2p-pubsub/..."
	multistream = "github.com/multiformats/go-multistream"
	simnet      = "github.com/marcopolo/simnet" // a network in memory, for tests
	quicgo      = "github.com/quic-go/quic-go"  // the types by which libp2p's QUIC is made
	fx          = "go.uber.org/fx"              // the same
	multiaddr   = "github.com/multiformats/go-multiaddr"
	systemd     = "github.com/coreos/go-systemd/v22/daemon"
	toml        = "github.com/BurntSushi/toml"
	siphash     = "github.com/dchest/siphash"
	xcrypto     = "golang.org/x/crypto/chacha20"
	xnet        = "golang.org/x/net/netutil"
	xsys        = "golang.org/x/sys/..."
	xterm       = "golang.org/x/term"
)

// rules has every package of the module, by its path below the module's.
var rules = map[string]rule{
	// Floor 7: commands.
	"cmd/keelson": {
		floor:     7,
		peers:     []string{"testnet", "testnet/control"},
		testPeers: []string{"testnet/procs"},
		outside:   []string{lumberjack, promtext, prommodel, zerolog, xterm},
	},
	"testnet": {floor: 7, peers: []string{"testnet/link"}, testPeers: []string{"testnet/procs"}, outside: []string{zerolog}},
	"testnet/control": {
		floor:   7,
		peers:   []string{"testnet"},
		outside: []string{xnet, zerolog},
	},
	"testnet/link":  {floor: 7},
	"testnet/procs": {floor: 7, testOnly: true}, // its tests attack nodes with p2p/attack
	"testnet/sim": {
		floor:    7,
		outside:  []string{libp2p, simnet, quicgo, fx, zerolog},
		testOnly: true,
	},

	// Floor 6: the composition root.
	"node":         {floor: 6, peers: []string{"node/metrics", "node/notify"}, outside: []string{zerolog}},
	"node/metrics": {floor: 6, outside: []string{prometheus, promtext, zerolog}},
	"node/notify":  {floor: 6, outside: []string{systemd, zerolog}},

	// Floor 5: settings, and clients of a node.
	"config": {floor: 5, outside: []string{toml, zerolog}},

	// Floor 4: what the node offers to the outside.
	"miner":          {floor: 4, peers: []string{"miner/template"}, outside: []string{zerolog}},
	"miner/template": {floor: 4, pure: true, joins: true},
	"p2p":            {floor: 4, outside: []string{libp2p, pubsub, zerolog}},
	"rpc": {
		floor:     4,
		peers:     []string{"rpc/jsonrpc", "miner", "miner/template"},
		testPeers: []string{"rpc/client"},
		outside:   []string{zerolog},
	},
	"rpc/client":  {floor: 4, peers: []string{"rpc/jsonrpc"}},
	"rpc/jsonrpc": {floor: 4},
	"rpc/esplora": {
		floor:     4,
		peers:     []string{"rpc/jsonrpc"},
		testPeers: []string{"rpc"}, // whose sendrawtransaction takes what is broadcast
		outside:   []string{zerolog},
	},
	"rpc/explorer": {
		floor:     4,
		peers:     []string{"rpc/esplora"},
		testPeers: []string{"miner"},
		outside:   []string{xnet, zerolog},
	},

	"rpc/zmq":      {floor: 4, peers: []string{"rpc/zmq/zmtp"}, outside: []string{zerolog}},
	"rpc/zmq/zmtp": {floor: 4, outside: []string{zerolog}},

	// Floor 3: what the node keeps.
	"ledger": {
		floor:   3,
		peers:   []string{"ledger/kv", "ledger/fsys", "ledger/flat", "ledger/coincache", "ledger/muhash"},
		outside: []string{zerolog},
	},
	"ledger/coincache": {floor: 3},
	"ledger/fsys":      {floor: 3, outside: []string{xsys}}, // by which all of them replace files
	"ledger/flat":      {floor: 3, peers: []string{"ledger/fsys"}},
	"ledger/kv":        {floor: 3, peers: []string{"ledger/fsys"}, outside: []string{goleveldb}},
	"ledger/muhash":    {floor: 3, outside: []string{xcrypto}},

	"mempool": {
		floor:   3,
		peers:   []string{"ledger/fsys", "mempool/fees", "mempool/policy"},
		outside: []string{zerolog},
		// The tests put a real chain under the pool.
		testPeers: []string{"ledger"},
	},
	"mempool/fees":   {floor: 3, peers: []string{"mempool/policy"}, pure: true},
	"mempool/policy": {floor: 3, pure: true},

	"p2p/attack":    {floor: 3, outside: []string{libp2p, multiaddr}, testOnly: true},
	"p2p/addrbook":  {floor: 3, peers: []string{"ledger/fsys"}, outside: []string{multiaddr}},
	"p2p/chainsync": {floor: 3, pure: true},
	"p2p/txrequest": {floor: 3, pure: true},
	"p2p/host": {
		floor: 3,
		peers: []string{"p2p/addrbook"},
		outside: []string{
			libp2p, multiaddr, multiaddr + "/net", multistream,
			quicgo, yamux, // whose windows it bounds
			prometheus, zerolog,
			simnet, // for tests
		},
		std: []string{"log/slog"}, // in which libp2p logs
	},

	// Floor 2: the rules of the chain.
	"consensus":          {floor: 2, pure: true, joins: true},
	"consensus/coinfile": {floor: 2, peers: []string{"consensus"}, pure: true},
	"p2p/compact":        {floor: 2, peers: []string{"p2p/message"}, outside: []string{siphash}, pure: true},
	"p2p/message":        {floor: 2, pure: true},
	"p2p/peerinfo":       {floor: 2, pure: true},
	"consensus/chaingen": {floor: 2, peers: []string{"consensus"}, pure: true, testOnly: true},

	// Floor 1: proof of work, scripts and filters.
	"pow":               {floor: 1, pure: true, joins: true},
	"script":            {floor: 1, peers: []string{"script/sig"}, pure: true},
	"script/address":    {floor: 1, peers: []string{"script"}, pure: true},
	"script/descriptor": {floor: 1, peers: []string{"script", "script/address", "script/hdkey", "script/sig"}, pure: true},
	"script/hdkey":      {floor: 1, peers: []string{"script", "script/address", "script/sig"}, pure: true},
	"script/psbt": {
		floor:     1,
		peers:     []string{"script", "script/sig", "script/sign"},
		testPeers: []string{"script/address", "script/descriptor", "script/hdkey"},
		pure:      true,
	},
	"script/scripttest": {floor: 1, peers: []string{"script", "script/sig"}, testOnly: true},
	"script/sig":        {floor: 1, outside: []string{secp256k1}, pure: true},
	"wire/filter":       {floor: 1, outside: []string{siphash}, pure: true},
	"script/sign":       {floor: 1, peers: []string{"script", "script/sig"}, testPeers: []string{"script/address"}, pure: true},

	// Floor 0: the bytes that nodes agree on.
	"wire": {floor: 0, pure: true},

	// Beside the floors.
	"internal/archtest": {floor: 0, testOnly: true},
	"internal/httplog": {
		floor:   3,
		outside: []string{zerolog},
		std:     []string{"log"}, // the type of http.Server.ErrorLog
	},
	"internal/localhost": {floor: 3},
	"internal/latency":   {floor: 0, pure: true},
	"internal/vectors":   {floor: 0, testOnly: true},
}

// pureStd are the packages of the standard library that a pure package may
// import: computation and encoding, nothing that reads or changes the world.
// context is there to be asked whether to stop; sync to join and to fill a
// cache once.
var pureStd = []string{
	"bytes", "cmp", "context", "crypto/hmac", "crypto/sha1", "crypto/sha256", "crypto/sha512", "crypto/subtle",
	"encoding", "encoding/base64", "encoding/binary", "encoding/hex", "encoding/json", "errors", "fmt", "hash",
	"io", "iter", "maps", "math", "math/big", "math/bits", "slices", "sort", "strconv", "strings",
	"sync", "sync/atomic", "unicode", "unicode/utf8",
	"unsafe", // for Sizeof; see nowhereCalls
	"time",   // for Duration; pureCalls names what is not allowed of it
}

// pureCalls are what a pure package may not use of the packages above, with
// what to do instead.
var pureCalls = map[string]string{
	"context.Background": "take the context as an argument",
	"context.TODO":       "take the context as an argument",
	"fmt.Print":          "return the text",
	"fmt.Printf":         "return the text",
	"fmt.Println":        "return the text",
	"fmt.Scan":           "take the input as an argument",
	"fmt.Scanf":          "take the input as an argument",
	"fmt.Scanln":         "take the input as an argument",
	"time.After":         "let the caller wait",
	"time.AfterFunc":     "let the caller wait",
	"time.LoadLocation":  "use UTC",
	"time.Local":         "use UTC",
	"time.NewTicker":     "let the caller wait",
	"time.NewTimer":      "let the caller wait",
	"time.Now":           "take the time as an argument",
	"time.Since":         "take the time as an argument",
	"time.Sleep":         "let the caller wait",
	"time.Tick":          "let the caller wait",
	"time.Until":         "take the time as an argument",
}

// nowhereCalls are what no package of the module uses, with what to do instead.
var nowhereCalls = map[string]string{
	"unsafe.Add":        "measure what it would gain, and record the exception first",
	"unsafe.Pointer":    "measure what it would gain, and record the exception first",
	"unsafe.Slice":      "measure what it would gain, and record the exception first",
	"unsafe.SliceData":  "measure what it would gain, and record the exception first",
	"unsafe.String":     "measure what it would gain, and record the exception first",
	"unsafe.StringData": "measure what it would gain, and record the exception first",
	"log.Print":         "log through the zerolog.Logger of the package's Config",
	"log.Printf":        "log through the zerolog.Logger of the package's Config",
	"log.Println":       "log through the zerolog.Logger of the package's Config",
	"log.Fatal":         "return the error",
	"log.Fatalf":        "return the error",
}

// nowhere are imports that no package of the module has.
var nowhere = map[string]string{
	"C":                            "the node is built with CGO_ENABLED=0",
	"log":                          "log through the zerolog.Logger of the package's Config",
	"log/slog":                     "log through the zerolog.Logger of the package's Config",
	"github.com/rs/zerolog/log":    "log through the zerolog.Logger of the package's Config, not a global one",
	"math/rand":                    "use math/rand/v2 for tests, crypto/rand for secrets",
	"reflect":                      "write the code for the types at hand",
	"plugin":                       "the node is one static binary",
	"github.com/stretchr/testify/": "tests are plain Go",
}
