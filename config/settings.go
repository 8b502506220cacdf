package config

import (
	"math"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/p2p"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/rpc/zmq"
	"github.com/keelson-chain/keelson/wire"
)

// kind is the type of a setting's value.
type kind uint8

const (
	kindText kind = iota
	kindBool
	kindInt
	kindAmount // coins, with up to eight decimals
	kindList   // texts; may be given more than once
)

// setting is a row of the table.
type setting struct {
	name   string
	kind   kind
	arg    string // what the value is called in the help text; choices in small letters
	text   string // default of a text
	number int64  // default of a number, or of an amount in satoshi
	min    int64  // limits of a number, inclusive
	max    int64
	unit   string // of a number
	word   string // of a switch: what else switches it on
	help   string
	none   string // of a list: the one value that --noNAME stands for, if not an empty list

	value func(*values) any // the field: *string, *bool, *int64, *wire.Amount or *[]string
}

// values holds what was set, before it is judged.
type values struct {
	network, datadir, config string

	dbcache, par               int64
	txindex                    bool
	blockFilterIndex           bool
	coinStatsIndex             bool
	rest                       bool
	addressindex               bool
	prune                      int64
	fastprune                  bool
	reindex, reindexChainState bool
	checkBlocks, checkLevel    int64
	stopAtHeight, maxTipAge    int64
	minimumWork, assumeValid   string

	acceptNonStandard, fullRBF, persistPool      bool
	persistPoolPlain                             bool
	permitBareMultisig, dataCarrier              bool
	dataCarrierSize, bytesPerSigOp               int64
	dustRelay, minRelay, incrementalRelay        wire.Amount
	limitAncestorCount, limitAncestorSize        int64
	limitDescendantCount, limitDescendantSize    int64
	maxPool, poolExpiry, maxOrphans, maxSigCache int64

	testActivationHeight []string
	testDifficulty       []string
	mockTime             int64
	txDelay              int64
	covenants, retarget  bool
	mine                 string
	mineInterval         int64
	mineThreads          int64
	mineHashRate         int64
	blockMaxWeight       int64
	blockMinFee          wire.Amount
	blockVersion         int64

	connect, addNode, seedNode       []string
	findPeers, listen, networkActive bool
	bind, externalIP, whitelist      []string
	port, maxConnections, banTime    int64
	natPMP, blocksOnly               bool

	rpcBind, rpcAllowIP, rpcAuth        []string
	rpcPort, rpcWorkQueue, rpcThreads   int64
	rpcUser, rpcPassword, rpcCookieFile string
	rpcCookiePerms                      string
	rpcWhitelist                        []string
	rpcWhitelistDefault                 bool
	rpcServerTimeout                    int64
	deprecatedRPC, uaComment            []string
	logFormat, logLevel                 string

	logFile                 string
	logMaxSize, logMaxFiles int64

	blockNotify, startupNotify, shutdownNotify string

	metrics                  string
	pprof                    bool
	explorer, explorerFaucet string

	zmq    [zmq.TopicCount][]string
	zmqHWM [zmq.TopicCount]int64
}

// What the pool is like unless it is told otherwise.
var (
	rules  = policy.DefaultRules()
	limits = mempool.DefaultLimits()
)

// maxLimitSize bounds limitancestorsize and limitdescendantsize, in kvB.
const maxLimitSize = 1_000_000

// Sections of the help text and their settings. Names and meanings are those
// of Bitcoin Core where it has the setting.
var sections = []struct {
	title    string
	settings []setting
}{
	{"Network and files", []setting{
		{name: "network", kind: kindText, arg: "main|test|regtest|FILE", text: "main",
			help:  "the network, or the chain-spec file of a custom one",
			value: func(v *values) any { return &v.network }},
		{name: "datadir", kind: kindText, arg: "DIR", text: "~/.keelson",
			help:  "where the data lies; each network has a folder of its own in it",
			value: func(v *values) any { return &v.datadir }},
		{name: "config", kind: kindText, arg: "FILE", text: "DATADIR/keelson.toml",
			help:  "the settings file; the default one may be missing",
			value: func(v *values) any { return &v.config }},
	}},
	{"Chain", []setting{
		{name: "dbcache", kind: kindInt, number: ledger.DefaultCacheBytes >> 20, min: 4, max: 1 << 20, unit: "MiB",
			help:  "memory for the coin cache and for what waits to be written",
			value: func(v *values) any { return &v.dbcache }},
		{name: "par", kind: kindInt, min: -256, max: 256, unit: "threads",
			help:  "threads that verify scripts; 0: one per core; negative: leave that many cores free",
			value: func(v *values) any { return &v.par }},
		{name: "txindex", kind: kindBool,
			help:  "keep an index of all transactions, for getrawtransaction",
			value: func(v *values) any { return &v.txindex }},
		{name: "addressindex", kind: kindBool,
			help:  "keep an index of what every address has received and spent, for the explorer and its interface; brings txindex with it",
			value: func(v *values) any { return &v.addressindex }},
		{name: "blockfilterindex", kind: kindBool, word: "basic",
			help:  "keep the compact filter of every block (BIP 158), for getblockfilter, scanblocks and the REST interface",
			value: func(v *values) any { return &v.blockFilterIndex }},
		{name: "coinstatsindex", kind: kindBool,
			help:  "keep statistics of the coins after every block, for gettxoutsetinfo",
			value: func(v *values) any { return &v.coinStatsIndex }},
		{name: "prune", kind: kindInt, min: 0, max: math.MaxInt64 >> 20, unit: "MiB",
			help:  "delete old blocks to stay below this size, at least 550; 0: keep all; 1: delete only when pruneblockchain is called",
			value: func(v *values) any { return &v.prune }},
		{name: "reindex", kind: kindBool,
			help:  "rebuild the block index and the coins from the block files",
			value: func(v *values) any { return &v.reindex }},
		{name: "reindex-chainstate", kind: kindBool,
			help:  "rebuild the coins from the blocks that are indexed",
			value: func(v *values) any { return &v.reindexChainState }},
		{name: "checkblocks", kind: kindInt, number: 6, min: 0, max: math.MaxInt32, unit: "blocks",
			help:  "how many of the last blocks to verify at start; 0: all",
			value: func(v *values) any { return &v.checkBlocks }},
		{name: "checklevel", kind: kindInt, number: 3, min: 0, max: 4,
			help:  "how thoroughly to verify them, 0 to 4",
			value: func(v *values) any { return &v.checkLevel }},
		{name: "assumevalid", kind: kindText, arg: "HASH", text: "0",
			help:  "a block whose ancestors' scripts need no verification; 0: verify all",
			value: func(v *values) any { return &v.assumeValid }},
		{name: "minimumchainwork", kind: kindText, arg: "HEX", text: "0",
			help:  "work below which the chain counts as still being fetched, if more than the network's own",
			value: func(v *values) any { return &v.minimumWork }},
		{name: "maxtipage", kind: kindInt, number: int64(ledger.DefaultMaxTipAge.Seconds()), min: 1, max: math.MaxInt32, unit: "seconds",
			help:  "age of the tip above which the chain counts as still being fetched",
			value: func(v *values) any { return &v.maxTipAge }},
		{name: "stopatheight", kind: kindInt, min: 0, max: math.MaxInt32, unit: "blocks",
			help:  "stop once the chain has this height; 0: go on",
			value: func(v *values) any { return &v.stopAtHeight }},
	}},
	{"Unconfirmed transactions", []setting{
		{name: "maxmempool", kind: kindInt, number: mempool.DefaultMaxBytes / 1_000_000, min: 0, max: 1 << 30, unit: "MB",
			help:  "memory for the pool of unconfirmed transactions, of a million bytes each; at least 40 times limitdescendantsize",
			value: func(v *values) any { return &v.maxPool }},
		{name: "mempoolexpiry", kind: kindInt, number: int64(mempool.DefaultExpiry.Hours()), min: 1, max: 1_000_000, unit: "hours",
			help:  "how long a transaction stays in the pool at most",
			value: func(v *values) any { return &v.poolExpiry }},
		{name: "persistmempool", kind: kindBool, number: 1,
			help:  "write the pool to mempool.dat when the node stops and read it when it starts",
			value: func(v *values) any { return &v.persistPool }},
		{name: "persistmempoolv1", kind: kindBool,
			help:  "write mempool.dat in the version that Bitcoin Core before 27 reads",
			value: func(v *values) any { return &v.persistPoolPlain }},
		{name: "mempoolfullrbf", kind: kindBool, number: 1,
			help:  "let transactions be replaced that do not say that they may be (BIP 125)",
			value: func(v *values) any { return &v.fullRBF }},
		{name: "minrelaytxfee", kind: kindAmount, number: int64(rules.MinRelay),
			help:  "least fee rate of a transaction that the pool takes; at least incrementalrelayfee unless it is set",
			value: func(v *values) any { return &v.minRelay }},
		{name: "incrementalrelayfee", kind: kindAmount, number: int64(rules.IncrementalRelay),
			help:  "what a replacement pays more, and by how much the least fee rate of a full pool grows",
			value: func(v *values) any { return &v.incrementalRelay }},
		{name: "dustrelayfee", kind: kindAmount, number: int64(rules.DustRelay),
			help:  "fee rate at which an output that costs more to spend than it is worth is dust",
			value: func(v *values) any { return &v.dustRelay }},
		{name: "limitancestorcount", kind: kindInt, number: int64(limits.AncestorCount), min: 1, max: math.MaxInt32, unit: "transactions",
			help:  "how many of the pool a transaction may depend on, itself included",
			value: func(v *values) any { return &v.limitAncestorCount }},
		{name: "limitancestorsize", kind: kindInt, number: int64(limits.AncestorSize) / 1000, min: 1, max: maxLimitSize, unit: "kvB",
			help:  "virtual size that those may have",
			value: func(v *values) any { return &v.limitAncestorSize }},
		{name: "limitdescendantcount", kind: kindInt, number: int64(limits.DescendantCount), min: 1, max: math.MaxInt32, unit: "transactions",
			help:  "how many of the pool may depend on a transaction, itself included",
			value: func(v *values) any { return &v.limitDescendantCount }},
		{name: "limitdescendantsize", kind: kindInt, number: int64(limits.DescendantSize) / 1000, min: 1, max: maxLimitSize, unit: "kvB",
			help:  "virtual size that those may have",
			value: func(v *values) any { return &v.limitDescendantSize }},
		{name: "acceptnonstdtxn", kind: kindBool,
			help:  "take transactions that are valid but not standard; not on the main network (on by default on regtest)",
			value: func(v *values) any { return &v.acceptNonStandard }},
		{name: "permitbaremultisig", kind: kindBool, number: 1,
			help:  "count outputs that are multisig scripts as standard",
			value: func(v *values) any { return &v.permitBareMultisig }},
		{name: "datacarrier", kind: kindBool, number: 1,
			help:  "count an OP_RETURN output as standard",
			value: func(v *values) any { return &v.dataCarrier }},
		{name: "datacarriersize", kind: kindInt, number: int64(rules.MaxDataCarrier), min: 0, max: math.MaxInt32, unit: "bytes",
			help:  "largest script of a standard OP_RETURN output",
			value: func(v *values) any { return &v.dataCarrierSize }},
		{name: "bytespersigop", kind: kindInt, number: int64(rules.BytesPerSigOp), min: 0, max: math.MaxInt32, unit: "bytes",
			help:  "size as which a signature operation counts at least, for relay and mining",
			value: func(v *values) any { return &v.bytesPerSigOp }},
		{name: "maxsigcachesize", kind: kindInt, number: 32, min: 0, max: 1 << 20, unit: "MiB",
			help:  "memory that remembers verified signatures and scripts between the pool and the block",
			value: func(v *values) any { return &v.maxSigCache }},
		{name: "maxorphantx", kind: kindInt, number: mempool.DefaultMaxOrphans, min: 0, max: math.MaxInt32, unit: "transactions",
			help:  "transactions of peers to keep whose parents are missing",
			value: func(v *values) any { return &v.maxOrphans }},
	}},
	{"Mining", []setting{
		{name: "mine", kind: kindText, arg: "ADDRESS",
			help:  "mine, and pay this address, or this descriptor of one script",
			value: func(v *values) any { return &v.mine }},
		{name: "mineinterval", kind: kindInt, number: 1000, min: 0, max: 86_400_000, unit: "milliseconds",
			help:  "least time between two blocks that mine makes, for networks whose difficulty does not adjust (0 if minehashrate is set)",
			value: func(v *values) any { return &v.mineInterval }},
		{name: "minethreads", kind: kindInt, min: 0, max: 256, unit: "threads",
			help:  "threads that mine; 0: as many as par says",
			value: func(v *values) any { return &v.mineThreads }},
		{name: "minehashrate", kind: kindInt, min: 0, max: 1_000_000_000_000_000, unit: "hashes per second",
			help:  "how fast mine searches at most; 0: as fast as its threads can",
			value: func(v *values) any { return &v.mineHashRate }},
		{name: "blockmaxweight", kind: kindInt, min: 0, max: math.MaxInt32, unit: "weight units",
			help:  "how heavy blocks and templates get, of which 4000 are for the coinbase; 0: 4000 less than the network's limit",
			value: func(v *values) any { return &v.blockMaxWeight }},
		{name: "blockmintxfee", kind: kindAmount, number: int64(miner.DefaultMinFeeRate),
			help:  "least fee rate of a transaction with its ancestors in blocks and templates",
			value: func(v *values) any { return &v.blockMinFee }},
	}},
	{"Peers", []setting{
		{name: "connect", kind: kindList, arg: "NODE", none: "0",
			help:  "call these nodes and no others, and do not listen unless listen or bind says so; 0: call nobody; may be repeated",
			value: func(v *values) any { return &v.connect }},
		{name: "addnode", kind: kindList, arg: "NODE",
			help:  "keep calling this node: a multi-address with /p2p/ID; on regtest HOST:PORT, too; may be repeated",
			value: func(v *values) any { return &v.addNode }},
		{name: "seednode", kind: kindList, arg: "NODE",
			help:  "ask this node for addresses of others when none are known that work, then hang up; may be repeated",
			value: func(v *values) any { return &v.seedNode }},
		{name: "findpeers", kind: kindBool, number: 1,
			help:  "find nodes by what others tell, and call them (off on regtest unless it is set)",
			value: func(v *values) any { return &v.findPeers }},
		{name: "listen", kind: kindBool, number: 1,
			help:  "let others call",
			value: func(v *values) any { return &v.listen }},
		{name: "bind", kind: kindList, arg: "ADDRESS[:PORT]", text: "all addresses; on regtest 127.0.0.1",
			help:  "address to listen on, for QUIC and TCP, or a multi-address; may be repeated",
			value: func(v *values) any { return &v.bind }},
		{name: "port", kind: kindInt, min: 0, max: math.MaxUint16,
			help:  "port to listen on; 0: the network's own (regtest 18444)",
			value: func(v *values) any { return &v.port }},
		{name: "externalip", kind: kindList, arg: "IP[:PORT]",
			help:  "an address at which others reach this node, to tell them; may be repeated",
			value: func(v *values) any { return &v.externalIP }},
		{name: "natpmp", kind: kindBool,
			help:  "ask the router to let others call (UPnP or NAT-PMP)",
			value: func(v *values) any { return &v.natPMP }},
		{name: "maxconnections", kind: kindInt, number: host.DefaultMaxPeers, min: 0, max: 10_000, unit: "peers",
			help:  "how many to have at most; those of addnode do not count",
			value: func(v *values) any { return &v.maxConnections }},
		{name: "networkactive", kind: kindBool, number: 1,
			help:  "begin with the network switched on; setnetworkactive switches it",
			value: func(v *values) any { return &v.networkActive }},
		{name: "blocksonly", kind: kindBool,
			help:  "take no transactions from peers and ask for none",
			value: func(v *values) any { return &v.blocksOnly }},
		{name: "whitelist", kind: kindList, arg: "[PERMISSION,...@]IP[/BITS]",
			help:  "give peers at these addresses, or with this libp2p peer id, permissions: noban, forcerelay, relay, mempool, download, addr, all; in and out say which peers; may be repeated",
			value: func(v *values) any { return &v.whitelist }},
		{name: "bantime", kind: kindInt, number: int64(host.DefaultBanTime.Seconds()), min: 1, max: math.MaxInt32, unit: "seconds",
			help:  "how long a ban lasts unless setban says otherwise",
			value: func(v *values) any { return &v.banTime }},
		{name: "uacomment", kind: kindList, arg: "TEXT",
			help:  "a comment in what the node calls itself; may be repeated",
			value: func(v *values) any { return &v.uaComment }},
	}},
	{"JSON-RPC", []setting{
		{name: "rpcbind", kind: kindList, arg: "ADDRESS[:PORT]", text: "127.0.0.1 and ::1",
			help:  "address to listen on; may be repeated; one that is not loopback needs rpcallowip",
			value: func(v *values) any { return &v.rpcBind }},
		{name: "rpcport", kind: kindInt, min: 0, max: math.MaxUint16,
			help:  "port to listen on; 0: the network's own (regtest 18443)",
			value: func(v *values) any { return &v.rpcPort }},
		{name: "rpcallowip", kind: kindList, arg: "IP[/BITS]", text: "loopback",
			help:  "clients to serve besides loopback: an address, or a network such as 10.0.0.0/8; may be repeated",
			value: func(v *values) any { return &v.rpcAllowIP }},
		{name: "rpcuser", kind: kindText, arg: "NAME",
			help:  "user name, with rpcpassword",
			value: func(v *values) any { return &v.rpcUser }},
		{name: "rpcpassword", kind: kindText, arg: "PASSWORD",
			help:  "password; without one a new cookie file is made at each start",
			value: func(v *values) any { return &v.rpcPassword }},
		{name: "rpcauth", kind: kindList, arg: "USER:SALT$HASH",
			help:  "a user whose password is known by its salted HMAC-SHA-256 alone; may be repeated",
			value: func(v *values) any { return &v.rpcAuth }},
		{name: "rpccookiefile", kind: kindText, arg: "FILE", text: ".cookie in the network's folder",
			help:  "where the cookie is written; a relative name lies in the network's folder",
			value: func(v *values) any { return &v.rpcCookieFile }},
		{name: "rpccookieperms", kind: kindText, arg: "owner|group|all", text: "owner",
			help:  "who of this machine may read the cookie: the user that the node runs as, also its group, or everybody",
			value: func(v *values) any { return &v.rpcCookiePerms }},
		{name: "rpcwhitelist", kind: kindList, arg: "USER:METHOD,...",
			help:  "methods that the user may call, and no others; may be repeated: for one user, what all the lists have remains",
			value: func(v *values) any { return &v.rpcWhitelist }},
		{name: "rpcwhitelistdefault", kind: kindBool,
			help:  "users without an rpcwhitelist may call nothing (on if there is any rpcwhitelist)",
			value: func(v *values) any { return &v.rpcWhitelistDefault }},
		{name: "rpcthreads", kind: kindInt, number: rpc.DefaultThreads, min: 1, max: 1024, unit: "calls",
			help:  "calls that are worked on at the same time",
			value: func(v *values) any { return &v.rpcThreads }},
		{name: "rpcworkqueue", kind: kindInt, number: rpc.DefaultQueue, min: 1, max: 65536, unit: "calls",
			help:  "calls that may wait beyond those; more are refused with status 503",
			value: func(v *values) any { return &v.rpcWorkQueue }},
		{name: "rpcservertimeout", kind: kindInt, number: int64(rpc.DefaultTimeout.Seconds()), min: 1, max: 1_000_000, unit: "seconds",
			help:  "time that a client has to send the head of a request, and four times as long for its body and for taking the answer",
			value: func(v *values) any { return &v.rpcServerTimeout }},
		{name: "rest", kind: kindBool,
			help:  "serve Bitcoin Core's REST interface at the same port, below /rest/, without a password",
			value: func(v *values) any { return &v.rest }},
		{name: "deprecatedrpc", kind: kindList, arg: "NAME",
			help:  "an old behaviour to keep; may be repeated; warnings: one text in place of a list",
			value: func(v *values) any { return &v.deprecatedRPC }},
	}},
	{"Log", []setting{
		{name: "log-format", kind: kindText, arg: "console|json", text: "console",
			help:  "console for people, json for programs",
			value: func(v *values) any { return &v.logFormat }},
		{name: "log-level", kind: kindText, arg: "trace|debug|info|warn|error", text: "info",
			help:  "the least important messages to show",
			value: func(v *values) any { return &v.logLevel }},
		{name: "log-file", kind: kindText, arg: "FILE",
			help:  "write the log to this file, not to the standard output; a relative name lies in the network's folder",
			value: func(v *values) any { return &v.logFile }},
		{name: "log-max-size", kind: kindInt, number: 100, min: 1, max: 1 << 20, unit: "MiB",
			help:  "size at which the log's file is renamed and a new one begun",
			value: func(v *values) any { return &v.logMaxSize }},
		{name: "log-max-files", kind: kindInt, number: 10, min: 0, max: 1 << 20, unit: "files",
			help:  "how many renamed files of the log to keep; 0: all",
			value: func(v *values) any { return &v.logMaxFiles }},
	}},
	{"Operation", []setting{
		{name: "blocknotify", kind: kindText, arg: "COMMAND",
			help:  "run this by a shell for each new tip, with the block's hash in place of %s; not while the chain is being fetched",
			value: func(v *values) any { return &v.blockNotify }},
		{name: "startupnotify", kind: kindText, arg: "COMMAND",
			help:  "run this by a shell once the node serves calls",
			value: func(v *values) any { return &v.startupNotify }},
		{name: "shutdownnotify", kind: kindText, arg: "COMMAND",
			help:  "run this by a shell when the node is told to stop, and stop when it has ended, or after a minute",
			value: func(v *values) any { return &v.shutdownNotify }},
		{name: "metrics", kind: kindText, arg: "[ADDRESS:]PORT",
			help:  "show metrics to Prometheus at /metrics of this port, by default of 127.0.0.1; they need no password",
			value: func(v *values) any { return &v.metrics }},
		{name: "pprof", kind: kindBool,
			help:  "show profiles to \"go tool pprof\" at /debug/pprof/ of the port of metrics, on loopback alone",
			value: func(v *values) any { return &v.pprof }},
		{name: "explorer", kind: kindText, arg: "[ADDRESS:]PORT",
			help:  "show the chain, the pool and the peers to browsers at this port, by default of 127.0.0.1, and an Esplora REST interface below /api; without a password",
			value: func(v *values) any { return &v.explorer }},
		{name: "explorerfaucet", kind: kindText, arg: "PATH",
			help:  "show a form on the explorer's first page that posts address and amount to this path, for whoever serves a faucet in front of the explorer",
			value: func(v *values) any { return &v.explorerFaucet }},
	}},
	{"ZeroMQ", zmqSettings()},
	{"Regtest and tests", []setting{
		{name: "covenants", kind: kindBool, number: 1,
			help:  "the covenant opcodes of tapscript (regtest)",
			value: func(v *values) any { return &v.covenants }},
		{name: "retarget", kind: kindBool,
			help:  "adjust the difficulty as the main network does (regtest)",
			value: func(v *values) any { return &v.retarget }},
		{name: "testdifficulty", kind: kindList, arg: "HEIGHT@BITS[,RULE]",
			help:  "from this height on the difficulty bits (8 hexadecimal digits) are these; with fixed, the default, all are, with asert[,SPACING] the first, and from there on the difficulty keeps blocks so many seconds apart (120) (regtest); may be repeated, in the order of heights",
			value: func(v *values) any { return &v.testDifficulty }},
		{name: "testactivationheight", kind: kindList, arg: "NAME@HEIGHT",
			help:  "activate segwit, bip34, dersig, cltv or csv at another height (regtest); may be repeated",
			value: func(v *values) any { return &v.testActivationHeight }},
		{name: "blockversion", kind: kindInt, number: int64(template.BlockVersion), min: 1, max: math.MaxInt32,
			help:  "the version of blocks and templates (regtest)",
			value: func(v *values) any { return &v.blockVersion }},
		{name: "mocktime", kind: kindInt, min: 0, max: rpc.MaxMockTime, unit: "seconds since 1970",
			help:  "a clock that stands still at this time (regtest); 0: the real one",
			value: func(v *values) any { return &v.mockTime }},
		{name: "txdelay", kind: kindInt, number: p2p.DefaultTxDelay.Milliseconds(), min: 1, max: 60_000, unit: "milliseconds",
			help:  "how long transactions wait on the average before peers are told of them (regtest)",
			value: func(v *values) any { return &v.txDelay }},
		{name: "fastprune", kind: kindBool,
			help:  "make block files small, so that pruning is seen early",
			value: func(v *values) any { return &v.fastprune }},
	}},
}

// zmqSettings has two rows for each topic.
func zmqSettings() (rows []setting) {
	what := [zmq.TopicCount]string{
		zmq.HashBlock: "the hash of each new tip",
		zmq.HashTx:    "the id of each transaction that comes into the pool or with a block, or leaves with one",
		zmq.RawBlock:  "each new tip",
		zmq.RawTx:     "each transaction that comes into the pool or with a block, or leaves with one",
		zmq.Sequence:  "the hashes of blocks that come and leave and the ids of transactions that come into the pool and leave it",
	}
	for topic := range zmq.Topic(zmq.TopicCount) {
		name := "zmqpub" + topic.String()
		rows = append(rows,
			setting{name: name, kind: kindList, arg: "ADDRESS",
				help:  "publish " + what[topic] + " at this address, tcp://IP:PORT or ipc://PATH; may be repeated",
				value: func(v *values) any { return &v.zmq[topic] }},
			setting{name: name + "hwm", kind: kindInt, number: zmq.DefaultHWM, min: 0, max: math.MaxInt32, unit: "messages",
				help:  "how many of those may wait for one subscriber, who loses more; 0: up to 64 MiB, which is the limit anyway",
				value: func(v *values) any { return &v.zmqHWM[topic] }})
	}
	return rows
}

// lookup finds the row of a name.
func lookup(name string) (*setting, bool) {
	for i := range sections {
		for j := range sections[i].settings {
			if s := &sections[i].settings[j]; s.name == name {
				return s, true
			}
		}
	}
	return nil, false
}

// each calls f for every row, in the order of the help text.
func each(f func(*setting)) {
	for i := range sections {
		for j := range sections[i].settings {
			f(&sections[i].settings[j])
		}
	}
}
