package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/wire"
)

// load reads settings from a folder of the test's own.
func load(t *testing.T, file string, environ []string, args ...string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	if file != "" {
		if err := os.WriteFile(filepath.Join(dir, "keelson.toml"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, _, err := Load(append([]string{"--datadir", dir}, args...), environ)
	return cfg, err
}

func mustLoad(t *testing.T, file string, environ []string, args ...string) *Config {
	t.Helper()
	cfg, err := load(t, file, environ, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return cfg
}

// TestDefaults holds the defaults, stated once in the table, against the ones
// written here by hand.
func TestDefaults(t *testing.T) {
	dir := t.TempDir()
	cfg, rest, err := Load([]string{"--datadir=" + dir}, nil)
	if err != nil || rest != nil {
		t.Fatal(rest, err)
	}
	if cfg.Params.Name != "main" || cfg.DataDir != dir || cfg.Dir != filepath.Join(dir, "main") || cfg.File != filepath.Join(dir, "keelson.toml") {
		t.Errorf("network %s, folders %s, %s, file %s", cfg.Params.Name, cfg.DataDir, cfg.Dir, cfg.File)
	}
	if cfg.CheckBlocks != 6 || cfg.CheckLevel != 3 || cfg.MockTime != 0 || cfg.Miner.Plan.Kind != miner.Off || cfg.LogJSON || cfg.LogLevel != zerolog.InfoLevel {
		t.Errorf("%+v", cfg)
	}
	l := cfg.Ledger
	if l.Dir != cfg.Dir || l.Params != cfg.Params || l.CacheBytes != 128<<20 || l.TxIndex || l.Prune != 0 || l.FastPrune || l.Workers < 1 ||
		!l.AssumeValid.IsZero() || l.MaxTipAge != 24*time.Hour || l.StopAtHeight != 0 || l.Reindex || l.ReindexChainState {
		t.Errorf("ledger: %+v", l)
	}
	p := cfg.Pool
	want := policy.Rules{PermitBareMultisig: true, MaxDataCarrier: 83, DustRelay: 3000, MinRelay: 1000, IncrementalRelay: 1000, BytesPerSigOp: 20}
	if p.Rules != want || p.Limits != (mempool.Limits{AncestorCount: 25, AncestorSize: 101_000, DescendantCount: 25, DescendantSize: 101_000}) ||
		p.MaxBytes != 300_000_000 || p.Expiry != 336*time.Hour || p.NoFullRBF || p.File != filepath.Join(cfg.Dir, "mempool.dat") || p.Workers != l.Workers ||
		cfg.SigCacheBytes != 32<<20 || cfg.MaxOrphans != 100 {
		t.Errorf("pool: %+v", p)
	}
	r := cfg.RPC
	if r.PoolFile != p.File {
		t.Errorf("rpc: %+v", r)
	}
	if r.Params != cfg.Params || r.Listen != nil || r.Port != cfg.Params.RPCPort || r.Allow != nil || r.User != "" || r.Password != "" ||
		r.CookieFile != filepath.Join(cfg.Dir, ".cookie") || r.Auth != nil || r.Threads != 16 || r.Queue != 64 {
		t.Errorf("rpc: %+v", r)
	}
}

// TestPrecedence sets one thing in the file, then in the environment, then by
// flag.
func TestPrecedence(t *testing.T) {
	const file = "dbcache = 10\ncheckblocks = 1\nrpcallowip = [\"10.0.0.1\", \"10.0.0.2\"]\nnetwork = \"regtest\"\ntxindex = true\n"
	env := []string{"KEELSON_DBCACHE=20", "KEELSON_RPCALLOWIP=10.0.0.3,10.0.0.4,10.0.0.5", "PATH=/bin", "KEELSON_VECTORS=x", "KEELSON_REINDEX_CHAINSTATE=1"}
	for _, c := range []struct {
		name    string
		env     []string
		args    []string
		dbcache int64
		allow   int
		txindex bool
	}{
		{"file", nil, nil, 10, 2, true},
		{"environment", env, nil, 20, 3, true},
		{"flag", env, []string{"-dbcache=30", "--rpcallowip=10.0.0.6", "--txindex=0"}, 30, 1, false},
		{"last flag", env, []string{"--dbcache", "30", "--dbcache", "40", "--rpcallowip", "::1", "--rpcallowip=10.0.0.7", "--notxindex"}, 40, 2, false},
	} {
		cfg := mustLoad(t, file, c.env, c.args...)
		if cfg.Ledger.CacheBytes != c.dbcache<<20 || len(cfg.RPC.Allow) != c.allow || cfg.Ledger.TxIndex != c.txindex || cfg.CheckBlocks != 1 ||
			cfg.Params.Name != "regtest" || cfg.Ledger.ReindexChainState != (c.env != nil) {
			t.Errorf("%s: cache %d, %d clients, txindex %v", c.name, cfg.Ledger.CacheBytes>>20, len(cfg.RPC.Allow), cfg.Ledger.TxIndex)
		}
	}

	// A file that was asked for, elsewhere.
	path := filepath.Join(t.TempDir(), "other.toml")
	if err := os.WriteFile(path, []byte("checklevel = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := mustLoad(t, "checklevel = 2", nil, "--config", path)
	if cfg.CheckLevel != 1 || cfg.File != path {
		t.Errorf("checklevel %d from %s", cfg.CheckLevel, cfg.File)
	}
	cfg = mustLoad(t, "checklevel = 2", []string{"KEELSON_CONFIG=" + path})
	if cfg.CheckLevel != 1 {
		t.Errorf("checklevel %d from the file that the environment names", cfg.CheckLevel)
	}
}

func TestSwitches(t *testing.T) {
	for _, c := range []struct {
		arg  string
		want bool
	}{
		{"--txindex", true}, {"-txindex", true}, {"--txindex=1", true}, {"--txindex=true", true}, {"--txindex=on", true},
		{"--txindex=0", false}, {"-txindex=false", false}, {"--txindex=off", false}, {"--notxindex", false}, {"-notxindex", false},
	} {
		if cfg := mustLoad(t, "", nil, c.arg); cfg.Ledger.TxIndex != c.want {
			t.Errorf("%s: %v", c.arg, cfg.Ledger.TxIndex)
		}
	}
	if p := mustLoad(t, "", nil, "--network=regtest").Params; !p.Covenants {
		t.Error("covenants are off")
	}
	if p := mustLoad(t, "testdifficulty = [\"7@1e00ffff,asert,9\", \"9@1d00ffff\"]\n", nil, "--network=regtest").Params; len(p.Stages) != 2 || p.Stages[0].Spacing != 9 || p.Stages[1].Height != 9 {
		t.Errorf("stages %+v", p.Stages)
	}
	if p := mustLoad(t, "", nil, "--network=regtest", "--covenants=off").Params; p.Covenants {
		t.Error("covenants are on")
	}
}

func TestRest(t *testing.T) {
	for arg, want := range map[string]bool{
		"--blockfilterindex": true, "--blockfilterindex=1": true, "--blockfilterindex=basic": true,
		"--blockfilterindex=0": false, "--noblockfilterindex": false,
	} {
		cfg, _, err := Load([]string{"--datadir=" + t.TempDir(), arg, "--coinstatsindex", "--rest"}, nil)
		if err != nil || !cfg.RPC.REST || cfg.Ledger.BlockFilterIndex != want || !cfg.Ledger.CoinStatsIndex {
			t.Errorf("%s: filters %v, statistics %v, %v", arg, cfg.Ledger.BlockFilterIndex, cfg.Ledger.CoinStatsIndex, err)
		}
	}
	_, rest, err := Load([]string{"--datadir=" + t.TempDir(), "a", "--txindex", "b", "--", "--c"}, nil)
	if err != nil || !slices.Equal(rest, []string{"a", "b", "--c"}) {
		t.Error(rest, err)
	}
	for _, arg := range []string{"--help", "-help", "-h", "-?"} {
		if _, _, err := Load([]string{arg}, nil); !errors.Is(err, ErrHelp) {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

func TestValues(t *testing.T) {
	cfg := mustLoad(t, "", nil, "--network=regtest", "--prune=1", "--fastprune", "--par=3", "--stopatheight=77", "--maxtipage=60",
		"--assumevalid=0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", "--minimumchainwork=0x102",
		"--testactivationheight=segwit@7", "--testactivationheight=csv@9", "--mocktime=1600000000", "--log-format=json", "--log-level=debug",
		"--rpcuser=me", "--rpcpassword=secret:with:colons", "--rpcport=1234", "--rpcbind=127.0.0.1", "--rpcbind=[::1]:99", "--rpcbind=0.0.0.0:5", "--rpcbind=::",
		"--rpcallowip=10.1.2.3/8", "--rpcallowip=192.168.0.0/255.255.0.0", "--rpcallowip=::ffff:1.2.3.4", "--rpccookiefile=sub/cookie",
		"--rpcauth=alice:f7efda5c189b999524f151318c0c86$d5b51b3beffbc02b724e5d095828e0bc8b2456e9ac8757ae3211a5d9b16a22ae", "--rpcthreads=2", "--rpcworkqueue=3",
		"--rpcwhitelist=alice:getblockcount,help", "--rpcwhitelist=bob", "--rpcservertimeout=5", "--deprecatedrpc=warnings", "--deprecatedrpc=create_bdb",
		"--uacomment=a b", "--uacomment=c.,;-_?@9")
	l := cfg.Ledger
	if l.Prune != ledger.PruneManual || !l.FastPrune || l.Workers != 3 || l.StopAtHeight != 77 || l.MaxTipAge != time.Minute ||
		l.AssumeValid != cfg.Params.GenesisHash || !strings.HasSuffix(l.MinimumWork.String(), "0102") {
		t.Errorf("ledger: %+v", l)
	}
	if cfg.Params.Activation[consensus.Segwit] != 7 || cfg.Params.Activation[consensus.CSV] != 9 || cfg.Params.Activation[consensus.BIP34] != 1 {
		t.Errorf("heights: %v", cfg.Params.Activation)
	}
	if cfg.MockTime != 1600000000 || !cfg.LogJSON || cfg.LogLevel != zerolog.DebugLevel {
		t.Errorf("%+v", cfg)
	}
	r := cfg.RPC
	if r.User != "me" || r.Password != "secret:with:colons" || r.Threads != 2 || r.Queue != 3 || r.PruneTarget != 1 ||
		!slices.Equal(r.Listen, []string{"127.0.0.1:1234", "[::1]:99", "0.0.0.0:5", "[::]:1234"}) ||
		r.CookieFile != filepath.Join(cfg.Dir, "sub", "cookie") || len(r.Auth) != 1 || r.Auth[0].User != "alice" {
		t.Errorf("rpc: %+v", r)
	}
	if w := r.Whitelist; len(w) != 2 || len(w["alice"]) != 2 || !w["alice"]["help"] || len(w["bob"]) != 0 || !r.WhitelistDefault ||
		r.Timeout != 5*time.Second || !slices.Equal(r.Deprecated, []string{"warnings", "create_bdb"}) || !slices.Equal(r.Comments, []string{"a b", "c.,;-_?@9"}) {
		t.Errorf("rpc: %+v", r)
	}
	for _, c := range []struct {
		args []string
		want bool
	}{
		{nil, false},
		{[]string{"--rpcwhitelist=a:b"}, true},
		{[]string{"--rpcwhitelist=a:b", "--rpcwhitelistdefault=0"}, false},
		{[]string{"--rpcwhitelistdefault=1"}, true},
	} {
		if got := mustLoad(t, "", nil, c.args...).RPC.WhitelistDefault; got != c.want {
			t.Errorf("%v: %v", c.args, got)
		}
	}
	// A list is emptied, whatever was said of it before.
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--norpcwhitelist"}, nil},
		{[]string{"--rpcwhitelist=c:d", "--norpcwhitelist"}, nil},
		{[]string{"--rpcwhitelist=c:d", "--norpcwhitelist", "--rpcwhitelist=e:f", "--rpcwhitelist=g:h"}, []string{"e", "g"}},
	} {
		cfg := mustLoad(t, "rpcwhitelist = [\"a:b\"]\n", nil, c.args...).RPC
		if got := slices.Sorted(maps.Keys(cfg.Whitelist)); !slices.Equal(got, c.want) || cfg.WhitelistDefault != (c.want != nil) {
			t.Errorf("%v: %v, %v", c.args, got, cfg.WhitelistDefault)
		}
	}
	var allow []string
	for _, p := range r.Allow {
		allow = append(allow, p.String())
	}
	if want := []string{"10.0.0.0/8", "192.168.0.0/16", "1.2.3.4/32"}; !slices.Equal(allow, want) {
		t.Errorf("clients %v, want %v", allow, want)
	}
	for arg, want := range map[string]os.FileMode{"": 0o600, "--rpccookieperms=owner": 0o600, "--rpccookieperms=group": 0o640, "--rpccookieperms=all": 0o644} {
		if got := mustLoad(t, "", nil, strings.Fields(arg)...).RPC.CookieMode; got != want {
			t.Errorf("%q: %v", arg, got)
		}
	}
	if l := mustLoad(t, "", nil, "--prune=550").Ledger; l.Prune != 550<<20 {
		t.Errorf("prune %d", l.Prune)
	}
	for _, mine := range []string{"bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202", "addr(bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202)", "raw(00140000000000000000000000000000000000000000)"} {
		if cfg := mustLoad(t, "", nil, "--network=regtest", "--mine="+mine); fmt.Sprintf("%x", cfg.Miner.Plan.PkScript) != "0014"+strings.Repeat("0", 40) {
			t.Errorf("%s mines to %x", mine, cfg.Miner.Plan.PkScript)
		}
	}
	if l := mustLoad(t, "", nil, "--par=-256").Ledger; l.Workers != 1 {
		t.Errorf("%d workers", l.Workers)
	}
}

// TestMiner sets what blocks are like.
func TestMiner(t *testing.T) {
	m := mustLoad(t, "", nil, "--par=3").Miner
	if m.Workers != 3 || m.MaxWeight != 0 || m.MinFeeRate != 1000 || m.Version != 0x20000000 {
		t.Errorf("%+v", m)
	}
	m = mustLoad(t, "blockmintxfee = 0.00000001\n", nil, "--network=regtest", "--par=3", "--minethreads=2", "--blockmaxweight=4000000", "--blockversion=1337").Miner
	if m.Workers != 2 || m.MaxWeight != 4_000_000 || m.MinFeeRate != 1 || m.Version != 1337 {
		t.Errorf("%+v", m)
	}
}

// TestMine sets how a node mines from its start.
func TestMine(t *testing.T) {
	const to = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"
	for _, c := range []struct {
		args     string
		kind     miner.Kind
		interval time.Duration
		rate     float64
	}{
		{"", miner.Off, 0, 0},
		{"--minehashrate=5 --mineinterval=5", miner.Off, 0, 0},
		{"--mine=" + to, miner.Search, time.Second, 0},
		{"--mineinterval=70 --mine=" + to, miner.Search, 70 * time.Millisecond, 0},
		{"--minehashrate=200 --mine=" + to, miner.Search, 0, 200},
		{"--minehashrate=200 --mineinterval=70 --mine=" + to, miner.Search, 70 * time.Millisecond, 200},
		{"--retarget --mineinterval=70 --mine=" + to, miner.Search, 0, 0},
	} {
		p := mustLoad(t, "", nil, append(strings.Fields(c.args), "--network=regtest")...).Miner.Plan
		if p.Kind != c.kind || p.Interval != c.interval || p.HashRate != c.rate || (p.PkScript != nil) != (c.kind != miner.Off) {
			t.Errorf("%q: %+v", c.args, p)
		}
	}
}

// TestPool sets what the pool is like.
func TestPool(t *testing.T) {
	cfg := mustLoad(t, "minrelaytxfee = 0.00002\ndustrelayfee = 1\n", nil, "--network=regtest", "--maxmempool=5", "--mempoolexpiry=10", "--nopersistmempool", "--persistmempoolv1", "--mempoolfullrbf=0",
		"--incrementalrelayfee=0.00000007", "--limitancestorcount=1", "--limitancestorsize=2", "--limitdescendantcount=3", "--limitdescendantsize=4",
		"--permitbaremultisig=0", "--datacarriersize=9", "--bytespersigop=5", "--maxsigcachesize=1", "--maxorphantx=0")
	p := cfg.Pool
	want := policy.Rules{AcceptNonStandard: true, MaxDataCarrier: 9, DustRelay: 100_000_000, MinRelay: 2000, IncrementalRelay: 7, BytesPerSigOp: 5}
	if p.Rules != want || p.Limits != (mempool.Limits{AncestorCount: 1, AncestorSize: 2000, DescendantCount: 3, DescendantSize: 4000}) || p.MaxBytes != 5_000_000 ||
		p.Expiry != 10*time.Hour || !p.NoFullRBF || p.File != "" || !p.PlainFile || cfg.SigCacheBytes != 1<<20 || cfg.MaxOrphans != 0 {
		t.Errorf("%+v", cfg)
	}
	// What savemempool writes is there all the same.
	if r := cfg.RPC; r.PoolFile != filepath.Join(cfg.Dir, "mempool.dat") {
		t.Errorf("rpc: %+v", r)
	}

	for _, c := range []struct {
		args     []string
		minRelay policy.FeeRate
		carrier  int
		standard bool
	}{
		{nil, 1000, 83, true},
		{[]string{"--network=test"}, 1000, 83, true},
		{[]string{"--network=test", "--acceptnonstdtxn"}, 1000, 83, false},
		{[]string{"--network=regtest"}, 1000, 83, false},
		{[]string{"--network=regtest", "--acceptnonstdtxn=0"}, 1000, 83, true},
		{[]string{"--acceptnonstdtxn=0"}, 1000, 83, true},
		// The fee of replacements takes the least fee with it, unless that is set.
		{[]string{"--incrementalrelayfee=0.0001"}, 10_000, 83, true},
		{[]string{"--incrementalrelayfee=0.0001", "--minrelaytxfee=0.00001"}, 1000, 83, true},
		{[]string{"--minrelaytxfee=0"}, 0, 83, true},
		{[]string{"--minrelaytxfee=.00000001"}, 1, 83, true},
		{[]string{"--datacarrier=0", "--datacarriersize=50"}, 1000, 0, true},
	} {
		r := mustLoad(t, "", nil, c.args...).Pool.Rules
		if r.MinRelay != c.minRelay || r.MaxDataCarrier != c.carrier || r.AcceptNonStandard == c.standard {
			t.Errorf("%v: %+v", c.args, r)
		}
	}
	for _, text := range []string{"0.00001", "1e-5", "0.00001000", "\"0.00001\""} {
		if p := mustLoad(t, "dustrelayfee = "+text, nil).Pool; p.Rules.DustRelay != 1000 {
			t.Errorf("%s: %v", text, p.Rules.DustRelay)
		}
	}
	if p := mustLoad(t, "minrelaytxfee = 2", nil).Pool; p.Rules.MinRelay != 200_000_000 {
		t.Errorf("%v", p.Rules.MinRelay)
	}
	if p := mustLoad(t, "", nil, "--maxmempool=400", "--limitdescendantsize=10000").Pool; p.MaxBytes != 400_000_000 {
		t.Errorf("%d", p.MaxBytes)
	}
}

// TestRefused: each is one line that names the source, the value, and what
// would be right.
func TestRefused(t *testing.T) {
	regtest := func(args ...string) []string { return append([]string{"--network=regtest"}, args...) }
	const tpub = "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B"
	for _, c := range []struct {
		file string
		env  []string
		args []string
		want string
	}{
		{args: []string{"--dbcach=5"}, want: `unknown setting "dbcach"; did you mean "dbcache"?`},
		{args: []string{"--tx-index"}, want: `unknown setting "tx-index"; did you mean "txindex"?`},
		{args: []string{"-rcpuser=x"}, want: `unknown setting "rcpuser"; did you mean "rpcuser"?`},
		{args: []string{"--xyzzyplugh"}, want: `unknown setting "xyzzyplugh"; --help lists them all`},
		{args: []string{"--nodbcache"}, want: `unknown setting "nodbcache"; did you mean "dbcache"?`},
		{args: []string{"--norpcauth=1"}, want: `--norpcauth takes no value`},
		{args: []string{"--notxindex=1"}, want: `--notxindex takes no value`},
		{args: []string{"--dbcache"}, want: `--dbcache needs a value`},
		{env: []string{"KEELSON_DBCACH=5"}, want: `unknown setting "KEELSON_DBCACH"; did you mean "KEELSON_DBCACHE"?`},
		{env: []string{"KEELSON_LOGLEVEL=5"}, want: `unknown setting "KEELSON_LOGLEVEL"; did you mean "KEELSON_LOG_LEVEL"?`},
		{env: []string{"KEELSON_dbcache=5"}, want: `unknown setting "KEELSON_dbcache"; did you mean "KEELSON_DBCACHE"?`},
		{env: []string{"KEELSON_DBCACHE=five"}, want: `KEELSON_DBCACHE: "five" is not a whole number (4 to 1048576 MiB)`},
		{file: "dbcach = 5", want: `keelson.toml: unknown setting "dbcach"; did you mean "dbcache"?`},
		{file: "[rpc]\nuser = 5", want: `keelson.toml: unknown setting "rpc"; `},
		{file: "dbcache = ", want: `keelson.toml, line 1: `},
		{file: "dbcache = \"5\"", want: `keelson.toml: dbcache: 5 is not a whole number`},
		{file: "dbcache = 5.5", want: `keelson.toml: dbcache: 5.5 is not a whole number`},
		{file: "txindex = \"yes\"", want: `keelson.toml: txindex: yes is not true or false`},
		{file: "dbcache = [1, 2]", want: `keelson.toml: dbcache: one value is wanted, not a list`},
		{file: "rpcauth = [1]", want: `keelson.toml: rpcauth: 1 is not a string or a list of strings`},
		{file: "config = \"x\"", want: `keelson.toml: config: a settings file cannot name another one`},
		{file: "dbcache = 1\ndbcache = 2", want: `keelson.toml, line 2: `},
		{args: []string{"--config=/does/not/exist"}, want: `settings file: open /does/not/exist: no such file`},

		{args: []string{"--dbcache=abc"}, want: `--dbcache: "abc" is not a whole number (4 to 1048576 MiB)`},
		{args: []string{"--dbcache=3"}, want: `--dbcache: 3 is out of range (4 to 1048576 MiB)`},
		{args: []string{"--dbcache=99999999999999999999"}, want: `--dbcache: "99999999999999999999" is not a whole number`},
		{args: []string{"--checklevel=5"}, want: `--checklevel: 5 is out of range (0 to 4)`},
		{args: []string{"--txindex=maybe"}, want: `--txindex: "maybe" is not a switch (1 or 0, true or false, on or off)`},
		{args: []string{"--rpcport=65536"}, want: `--rpcport: 65536 is out of range (0 to 65535)`},
		{args: []string{"--prune=549"}, want: `--prune: 549 MiB is too little: at least 550`},
		{args: []string{"--prune=1", "--txindex"}, want: `--prune: cannot be combined with txindex`},
		{args: []string{"--prune=1", "--addressindex"}, want: `--prune: cannot be combined with addressindex`},
		{args: []string{"--prune=1", "--reindex-chainstate"}, want: `--prune: cannot be combined with reindex-chainstate`},
		{args: []string{"--assumevalid=abc"}, want: `--assumevalid: "abc" is not a block hash (64 hexadecimal digits, or 0)`},
		{args: []string{"--minimumchainwork=xyz"}, want: `--minimumchainwork: "xyz" is not a hexadecimal number`},
		{args: []string{"--minimumchainwork=" + strings.Repeat("1", 65)}, want: `has more than 64 hexadecimal digits`},
		{args: []string{"--network=signet"}, want: `--network: "signet" is neither main, test nor regtest, nor a chain-spec file`},
		{args: []string{"--network=./no.toml"}, want: `--network: chain-spec file: open ./no.toml: no such file`},
		{args: []string{"--network=config_test.go"}, want: `--network: chain-spec file config_test.go: `},
		{args: []string{"--mocktime=1"}, want: `--mocktime: only for --network regtest, not for "main"`},
		{args: []string{"--retarget"}, want: `--retarget: only for --network regtest, not for "main"`},
		{args: regtest("--mocktime=-1"), want: `--mocktime: -1 is out of range (0 to 9223372036 seconds since 1970)`},
		{args: regtest("--testactivationheight=segwit"), want: `--testactivationheight: Invalid format (segwit)`},
		{args: regtest("--testactivationheight=segwit@-1"), want: `--testactivationheight: Invalid height value (segwit@-1)`},
		{args: regtest("--testactivationheight=taproot@1"), want: `--testactivationheight: Invalid name (taproot@1)`},
		{args: regtest("--mine=foo"), want: `--mine: "foo" is not an address of network regtest: `},
		{args: regtest("--mine=wpkh(02)"), want: `--mine: not a descriptor of network regtest: wpkh(): Pubkey '02' is invalid`},
		{args: regtest("--mine=raw(51)#aaaaaaaa"), want: `--mine: not a descriptor of network regtest: Provided checksum 'aaaaaaaa' does not match`},
		{args: regtest("--mine=wpkh(" + tpub + "/0/*)"), want: `--mine: the descriptor stands for many scripts: put an index in the place of *`},
		{args: regtest("--mine=wpkh(" + tpub + "/0h/1)"), want: `--mine: Cannot derive script without private keys`},
		{args: []string{"--testdifficulty=1@1d00ffff"}, want: `--testdifficulty: only for --network regtest, not for "main"`},
		{args: regtest("--testdifficulty=0@1d00ffff"), want: `--testdifficulty: "0@1d00ffff": the height must be from 1 to 2147483646 (HEIGHT@BITS[,fixed|,asert[,SPACING]])`},
		{args: regtest("--testdifficulty=2@1d00ffff", "--testdifficulty=2@1d00ffff"), want: `--testdifficulty: "2@1d00ffff" must have a height above 2, which the one before it has`},
		{args: []string{"--txdelay=4"}, want: `--txdelay: only for --network regtest, not for "main"`},
		{args: regtest("--txdelay=0"), want: `--txdelay: 0 is out of range (1 to 60000 milliseconds)`},
		{args: []string{"--blockversion=4"}, want: `--blockversion: only for --network regtest, not for "main"`},
		{args: regtest("--blockversion=0"), want: `--blockversion: 0 is out of range (1 to`},
		{args: []string{"--blockmaxweight=3999"}, want: `--blockmaxweight: 3999 is out of range (4000 to`},
		{args: regtest("--blockmaxweight=4000001"), want: `--blockmaxweight: 4000001 is out of range (4000 to 4000000 weight units, the limit of network regtest)`},
		{args: []string{"--blockmintxfee=-1"}, want: `--blockmintxfee: "-1" is not an amount of coins`},
		{args: []string{"--minethreads=-1"}, want: `--minethreads: -1 is out of range (0 to 256 threads)`},
		{args: regtest("--mine="), want: `--mine: the address is empty`},
		{args: []string{"--acceptnonstdtxn"}, want: `--acceptnonstdtxn: acceptnonstdtxn is not currently supported for main chain`},
		{args: []string{"--maxmempool=4"}, want: `--maxmempool: -maxmempool must be at least 5 MB`},
		{args: []string{"--maxmempool=0"}, want: `--maxmempool: -maxmempool must be at least 5 MB`},
		{args: []string{"--maxmempool=300", "--limitdescendantsize=7501"}, want: `--maxmempool: -maxmempool must be at least 301 MB`},
		{args: []string{"--maxmempool=-1"}, want: `--maxmempool: -1 is out of range (0 to`},
		{args: []string{"--limitancestorcount=0"}, want: `--limitancestorcount: 0 is out of range (1 to`},
		{args: []string{"--mempoolexpiry=0"}, want: `--mempoolexpiry: 0 is out of range (1 to 1000000 hours)`},
		{args: []string{"--minrelaytxfee=abc"}, want: `--minrelaytxfee: "abc" is not an amount of coins (0 to 21000000, up to 8 decimals)`},
		{args: []string{"--minrelaytxfee="}, want: `--minrelaytxfee: "" is not an amount of coins`},
		{args: []string{"--minrelaytxfee=."}, want: `--minrelaytxfee: "." is not an amount of coins`},
		{args: []string{"--incrementalrelayfee=-1"}, want: `--incrementalrelayfee: "-1" is not an amount of coins`},
		{args: []string{"--incrementalrelayfee=1e-5"}, want: `--incrementalrelayfee: "1e-5" is not an amount of coins`},
		{args: []string{"--dustrelayfee=0.000000001"}, want: `--dustrelayfee: "0.000000001" is not an amount of coins`},
		{args: []string{"--dustrelayfee=21000000.00000001"}, want: `--dustrelayfee: "21000000.00000001" is not an amount of coins`},
		{args: []string{"--dustrelayfee=99999999999999999999"}, want: `--dustrelayfee: "99999999999999999999" is not an amount of coins`},
		{file: "dustrelayfee = -0.1", want: `dustrelayfee: "-0.1" is not an amount of coins`},
		{file: "dustrelayfee = nan", want: `dustrelayfee: "NaN" is not an amount of coins`},
		{file: "dustrelayfee = true", want: `keelson.toml: dustrelayfee: true is not an amount of coins`},
		{file: "dbcache = 5.0", want: `keelson.toml: dbcache: 5 is not a whole number`},
		{args: []string{"--rpcuser=x"}, want: `--rpcuser: needs rpcpassword as well`},
		{args: []string{"--rpcuser=x:y", "--rpcpassword=z"}, want: `--rpcuser: a user name cannot contain a colon`},
		{args: []string{"--rpcauth=secret"}, want: `--rpcauth: not of the form USER:SALT$HASH`},
		{args: []string{"--rpcwhitelist=:help"}, want: `--rpcwhitelist: ":help" is not of the form USER:METHOD,METHOD...`},
		{args: []string{"--rpcservertimeout=0"}, want: `--rpcservertimeout: 0 is out of range (1 to 1000000 seconds)`},
		{args: []string{"--uacomment=a/b"}, want: `--uacomment: User Agent comment (a/b) contains unsafe characters.`},
		{args: []string{"--uacomment=ok", "--uacomment=(x)"}, want: `--uacomment: User Agent comment ((x)) contains unsafe characters.`},
		{args: []string{"--uacomment=é"}, want: `--uacomment: User Agent comment (é) contains unsafe characters.`},
		{args: []string{"--rpcallowip=localhost"}, want: `--rpcallowip: "localhost" is not an IP address or network`},
		{args: []string{"--rpcallowip=10.0.0.0/33"}, want: `--rpcallowip: "10.0.0.0/33" is not an IP address or network`},
		{args: []string{"--rpcallowip=10.0.0.0/255.0.255.0"}, want: `--rpcallowip: "10.0.0.0/255.0.255.0" has a mask with holes`},
		{args: []string{"--rpcbind=example.org"}, want: `--rpcbind: "example.org" is not an IP address`},
		{args: []string{"--rpcbind=0.0.0.0"}, want: `--rpcbind: 0.0.0.0:`},
		{args: []string{"--rpccookieperms=world"}, want: `--rpccookieperms: "world" is none of owner, group and all`},
		{args: []string{"--log-format=xml"}, want: `--log-format: "xml" is neither console nor json`},
		{args: []string{"--log-level=fatal"}, want: `--log-level: "fatal" is not one of trace, debug, info, warn, error`},
	} {
		_, err := load(t, c.file, c.env, c.args...)
		switch {
		case err == nil:
			t.Errorf("%q %v %v was taken", c.file, c.env, c.args)
		case !strings.Contains(err.Error(), c.want):
			t.Errorf("%q %v %v:\n got %v\nwant %s", c.file, c.env, c.args, err, c.want)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("%q %v %v: more than one line: %v", c.file, c.env, c.args, err)
		}
	}
	// Half a secret is not repeated.
	if _, err := load(t, "", nil, "--rpcauth=alice:f7efda5c"); err == nil || strings.Contains(err.Error(), "f7efda5c") {
		t.Error(err)
	}
}

// TestTable holds the table against itself: names are unique, fields belong to
// one setting, defaults lie within limits, and everything has a help text.
func TestTable(t *testing.T) {
	names, fields := map[string]bool{}, map[any]string{}
	var v values
	help := Help()
	each(func(s *setting) {
		if names[s.name] || s.name != strings.ToLower(s.name) || strings.HasPrefix(s.name, "no") {
			t.Errorf("name %q", s.name)
		}
		names[s.name] = true
		field := s.value(&v)
		if other := fields[field]; other != "" {
			t.Errorf("%s and %s share a field", s.name, other)
		}
		fields[field] = s.name
		want := map[kind]any{kindText: new(string), kindBool: new(bool), kindInt: new(int64), kindAmount: new(wire.Amount), kindList: new([]string)}[s.kind]
		if reflect.TypeOf(field) != reflect.TypeOf(want) {
			t.Errorf("%s is %v, its field a %T", s.name, s.kind, field)
		}
		if s.kind == kindInt && (s.number < s.min || s.number > s.max || s.min >= s.max) {
			t.Errorf("%s: %d is not within %d to %d", s.name, s.number, s.min, s.max)
		}
		if s.kind == kindAmount && !strings.Contains(s.describe().Help, "default "+wire.Amount(s.number).String()) {
			t.Errorf("%s: the help does not say the default", s.name)
		}
		if s.help == "" || !strings.Contains(help, "--"+s.name) {
			t.Errorf("%s has no help", s.name)
		}
	})
	n := 0
	for field := range reflect.TypeOf(v).Fields() {
		if field.Type.Kind() == reflect.Array { // a field for each of its elements
			n += field.Type.Len() - 1
		}
		n++
	}
	if n != len(names) {
		t.Errorf("%d settings for %d fields", len(names), n)
	}
	for line := range strings.SplitSeq(help, "\n") {
		if len(line) > 100 {
			t.Errorf("help has a long line: %s", line)
		}
	}
}

// FuzzLoad: whatever the arguments, an error is one line.
func FuzzLoad(f *testing.F) {
	f.Add("--dbcache=5\n--network\nregtest", "KEELSON_PAR=1", "txindex = true")
	f.Add("-rpcbind=[::1\n--rpcallowip=::/0", "KEELSON_RPCBIND=,", "[a.b]\nc = 1")
	dir := f.TempDir()
	file := filepath.Join(dir, "keelson.toml")
	f.Fuzz(func(t *testing.T, args, env, text string) {
		if strings.Contains(args+env, "network") || strings.Contains(args+env, "config") || strings.Contains(env, "NETWORK") || strings.Contains(env, "CONFIG") {
			return // would read any file
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Load(append([]string{"--datadir=" + dir}, strings.Split(args, "\n")...), []string{env}); err != nil && err.Error() == "" {
			t.Error("empty error")
		}
	})
}
