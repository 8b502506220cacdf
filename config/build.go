package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
	"github.com/keelson-chain/keelson/wire"
)

// minPrune is the least size of a pruned chain, in MiB: with less, the blocks
// that a reorganisation may need could go (Bitcoin Core's limit).
const minPrune = 550

// build judges the values and puts the Config together.
func (l *loader) build() (*Config, error) {
	cfg := &Config{
		CheckBlocks: int(l.v.checkBlocks),
		CheckLevel:  int(l.v.checkLevel),
		MockTime:    l.v.mockTime,
	}
	for _, step := range []func(*Config) error{l.network, l.ledger, l.pool, l.mining, l.peers, l.rpc, l.log, l.operation} {
		if err := step(cfg); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

func (l *loader) network(cfg *Config) (err error) {
	v := &l.v
	if cfg.DataDir, err = l.dataDir(); err != nil {
		return err
	}
	if v.network != "regtest" {
		for _, name := range []string{"testactivationheight", "testdifficulty", "covenants", "retarget", "mocktime", "txdelay", "blockversion"} {
			if l.is(name) {
				return l.errorf(name, "only for --network regtest, not for %q", v.network)
			}
		}
	}
	switch v.network {
	case "main":
		cfg.Params = consensus.Main()
	case "test":
		cfg.Params = consensus.Test()
	case "regtest":
		o := consensus.RegtestOptions{
			ActivationHeights: map[consensus.Deployment]uint32{},
			NoCovenants:       !v.covenants,
			Retarget:          v.retarget,
		}
		for _, text := range v.testActivationHeight {
			d, height, err := consensus.ParseActivationHeight(text)
			if err != nil {
				return l.errorf("testactivationheight", "%w", err)
			}
			o.ActivationHeights[d] = height
		}
		if o.Stages, err = consensus.ParseStages(v.testDifficulty); err != nil {
			return l.errorf("testdifficulty", "%w", err)
		}
		cfg.Params = consensus.Regtest(o)
	default:
		spec, err := os.ReadFile(v.network)
		if err != nil {
			if !strings.ContainsAny(v.network, "./\\") {
				return l.errorf("network", "%q is neither main, test nor regtest, nor a chain-spec file", v.network)
			}
			return l.errorf("network", "chain-spec file: %w", err)
		}
		if cfg.Params, err = consensus.ParseSpec(spec); err != nil {
			return l.errorf("network", "chain-spec file %s: %w", v.network, err)
		}
	}
	cfg.Dir = filepath.Join(cfg.DataDir, cfg.Params.Name)
	return nil
}

func (l *loader) ledger(cfg *Config) error {
	v := &l.v
	c := ledger.Config{
		Dir:               cfg.Dir,
		Params:            cfg.Params,
		CacheBytes:        v.dbcache << 20,
		TxIndex:           v.txindex || v.addressindex,
		AddressIndex:      v.addressindex,
		BlockFilterIndex:  v.blockFilterIndex,
		CoinStatsIndex:    v.coinStatsIndex,
		FastPrune:         v.fastprune,
		Workers:           workers(v.par),
		MaxTipAge:         time.Duration(v.maxTipAge) * time.Second,
		StopAtHeight:      uint32(v.stopAtHeight),
		Reindex:           v.reindex,
		ReindexChainState: v.reindexChainState,
	}
	switch {
	case v.prune == 0:
	case v.prune == 1:
		c.Prune = ledger.PruneManual
	case v.prune < minPrune:
		return l.errorf("prune", "%d MiB is too little: at least %d, or 1 to prune by pruneblockchain alone", v.prune, minPrune)
	default:
		c.Prune = uint64(v.prune) << 20
	}
	if c.Prune != 0 && c.AddressIndex {
		return l.errorf("prune", "cannot be combined with addressindex, which needs every block")
	}
	if c.Prune != 0 && c.TxIndex {
		return l.errorf("prune", "cannot be combined with txindex, which needs every block")
	}
	if c.Prune != 0 && c.ReindexChainState {
		return l.errorf("prune", "cannot be combined with reindex-chainstate, which needs every block; use reindex")
	}
	if v.assumeValid != "0" {
		hash, err := wire.ParseHash(v.assumeValid)
		if err != nil {
			return l.errorf("assumevalid", "%q is not a block hash (64 hexadecimal digits, or 0)", v.assumeValid)
		}
		c.AssumeValid = hash
	}
	work, err := parseWork(v.minimumWork)
	if err != nil {
		return l.errorf("minimumchainwork", "%w", err)
	}
	c.MinimumWork = work
	cfg.Ledger = c
	return nil
}

// The pool's files, in the network's folder.
const (
	poolFile = "mempool.dat"
	feeFile  = "fee_estimates.dat"
)

func (l *loader) pool(cfg *Config) error {
	v := &l.v
	nonStandard := v.acceptNonStandard
	switch name := cfg.Params.Name; {
	case !l.is("acceptnonstdtxn"):
		nonStandard = name == "regtest"
	case nonStandard && name == "main":
		return l.errorf("acceptnonstdtxn", "acceptnonstdtxn is not currently supported for main chain")
	}
	minRelay := v.minRelay
	if !l.is("minrelaytxfee") {
		minRelay = max(minRelay, v.incrementalRelay)
	}
	dataCarrier := 0
	if v.dataCarrier {
		dataCarrier = int(v.dataCarrierSize)
	}
	c := mempool.Config{
		Rules: policy.Rules{
			AcceptNonStandard:  nonStandard,
			PermitBareMultisig: v.permitBareMultisig,
			MaxDataCarrier:     dataCarrier,
			DustRelay:          policy.FeeRate(v.dustRelay),
			MinRelay:           policy.FeeRate(minRelay),
			IncrementalRelay:   policy.FeeRate(v.incrementalRelay),
			BytesPerSigOp:      int(v.bytesPerSigOp),
		},
		Limits: mempool.Limits{
			AncestorCount:   int(v.limitAncestorCount),
			AncestorSize:    int(v.limitAncestorSize) * 1000,
			DescendantCount: int(v.limitDescendantCount),
			DescendantSize:  int(v.limitDescendantSize) * 1000,
		},
		MaxBytes:  l.maxPool() * 1_000_000,
		Expiry:    time.Duration(v.poolExpiry) * time.Hour,
		NoFullRBF: !v.fullRBF,
		Workers:   cfg.Ledger.Workers,
	}
	if least := c.Limits.MinBytes(); c.MaxBytes < least { // in Bitcoin Core's words
		return l.errorf("maxmempool", "-maxmempool must be at least %d MB", (least+999_999)/1_000_000)
	}
	c.PlainFile = v.persistPoolPlain
	cfg.Pool = c
	cfg.Pool.FeeFile = filepath.Join(cfg.Dir, feeFile)
	if v.persistPool {
		cfg.Pool.File = filepath.Join(cfg.Dir, poolFile)
	}
	cfg.SigCacheBytes = int(v.maxSigCache) << 20
	cfg.MaxOrphans = int(v.maxOrphans)
	return nil
}

// blocksOnlyPool is the memory for the pool of a node that takes no transactions
// from peers, in MB (Bitcoin Core's).
const blocksOnlyPool = 5

// maxPool is the memory for the pool, in MB.
func (l *loader) maxPool() int64 {
	if l.v.blocksOnly && !l.is("maxmempool") {
		return blocksOnlyPool
	}
	return l.v.maxPool
}

// workers turns par into a number of threads.
func workers(par int64) int {
	if par > 0 {
		return int(par)
	}
	return max(1, runtime.GOMAXPROCS(0)+int(par))
}

// parseWork reads up to 64 hexadecimal digits, with or without 0x.
func parseWork(text string) (pow.Work, error) {
	digits := strings.TrimPrefix(text, "0x")
	if len(digits) > 64 {
		return pow.Work{}, fmt.Errorf("%q has more than 64 hexadecimal digits", text)
	}
	raw, err := hex.DecodeString(strings.Repeat("0", 64-len(digits)) + digits)
	if err != nil || digits == "" {
		return pow.Work{}, fmt.Errorf("%q is not a hexadecimal number", text)
	}
	return pow.WorkFromBytes([32]byte(raw)), nil
}

func (l *loader) mining(cfg *Config) error {
	cfg.Miner = miner.Config{
		Workers:    cfg.Ledger.Workers,
		MaxWeight:  int(l.v.blockMaxWeight),
		MinFeeRate: policy.FeeRate(l.v.blockMinFee),
		Version:    int32(l.v.blockVersion),
	}
	if l.v.mineThreads != 0 {
		cfg.Miner.Workers = int(l.v.mineThreads)
	}
	if least, most := template.ReservedWeight, cfg.Params.MaxBlockWeight; l.is("blockmaxweight") && l.v.blockMaxWeight != 0 &&
		(cfg.Miner.MaxWeight < least || cfg.Miner.MaxWeight > most) {
		return l.errorf("blockmaxweight", "%d is out of range (%d to %d weight units, the limit of network %s)", cfg.Miner.MaxWeight, least, most, cfg.Params.Name)
	}
	if l.v.mine == "" {
		if l.is("mine") {
			return l.errorf("mine", "the address is empty")
		}
		return nil
	}
	pkScript, err := l.payTo(cfg.Params)
	if err != nil {
		return err
	}
	plan := miner.Plan{Kind: miner.Search, PkScript: pkScript, HashRate: float64(l.v.mineHashRate)}
	// Where the difficulty or a hash rate sets the pace, nothing else need.
	if cfg.Params.Difficulty == consensus.Fixed && (plan.HashRate == 0 || l.is("mineinterval")) {
		plan.Interval = time.Duration(l.v.mineInterval) * time.Millisecond
	}
	cfg.Miner.Plan = plan
	return nil
}

// payTo reads whom to mine for: an address, or a descriptor of one script.
func (l *loader) payTo(params *consensus.Params) ([]byte, error) {
	if !strings.Contains(l.v.mine, "(") {
		pkScript, err := address.Decode(&params.Address, l.v.mine)
		if err != nil {
			return nil, l.errorf("mine", "%q is not an address of network %s: %w", l.v.mine, params.Name, err)
		}
		return pkScript, nil
	}
	// The descriptor is not shown: there may be private keys in it.
	d, err := descriptor.Parse(&params.Address, l.v.mine, false)
	if err != nil {
		return nil, l.errorf("mine", "not a descriptor of network %s: %w", params.Name, err)
	}
	pkScript, err := d.Script()
	switch {
	case errors.Is(err, descriptor.ErrRange):
		return nil, l.errorf("mine", "the descriptor stands for many scripts: put an index in the place of *")
	case err != nil:
		return nil, l.errorf("mine", "%w", err)
	}
	return pkScript, nil
}

func (l *loader) rpc(cfg *Config) (err error) {
	v := &l.v
	c := rpc.Config{
		Params:     cfg.Params,
		User:       v.rpcUser,
		Password:   v.rpcPassword,
		CookieFile: v.rpcCookieFile,
		Threads:    int(v.rpcThreads),
		Queue:      int(v.rpcWorkQueue),
		REST:       v.rest,
		Timeout:    time.Duration(v.rpcServerTimeout) * time.Second,
		Deprecated: v.deprecatedRPC,
		Comments:   v.uaComment,

		PruneTarget: cfg.Ledger.Prune,
		FastPrune:   cfg.Ledger.FastPrune,
		CacheBytes:  cfg.Ledger.CacheBytes,
		PoolFile:    filepath.Join(cfg.Dir, poolFile),
	}
	if c.User != "" && c.Password == "" {
		return l.errorf("rpcuser", "needs rpcpassword as well")
	}
	if strings.Contains(c.User, ":") {
		return l.errorf("rpcuser", "a user name cannot contain a colon")
	}
	if c.CookieFile == "" {
		c.CookieFile = ".cookie"
	}
	switch v.rpcCookiePerms {
	case "owner":
		c.CookieMode = 0o600
	case "group":
		c.CookieMode = 0o640
	case "all":
		c.CookieMode = 0o644
	default:
		return l.errorf("rpccookieperms", "%q is none of owner, group and all", v.rpcCookiePerms)
	}
	if !filepath.IsAbs(c.CookieFile) {
		c.CookieFile = filepath.Join(cfg.Dir, c.CookieFile)
	}
	for _, text := range v.rpcAuth {
		auth, err := rpc.ParseAuth(text)
		if err != nil {
			return l.errorf("rpcauth", "%w", err) // without the text, which is half a secret
		}
		c.Auth = append(c.Auth, auth)
	}
	for _, text := range v.rpcWhitelist {
		if err := c.Whitelist.Add(text); err != nil {
			return l.errorf("rpcwhitelist", "%q is %w", text, err)
		}
	}
	c.WhitelistDefault = v.rpcWhitelistDefault || len(v.rpcWhitelist) > 0 && !l.is("rpcwhitelistdefault")
	for _, text := range v.uaComment {
		if err := rpc.CheckComment(text); err != nil {
			return l.errorf("uacomment", "%w", err)
		}
	}
	for _, text := range v.rpcAllowIP {
		prefix, err := rpc.ParseSubnet(text)
		if err != nil {
			return l.errorf("rpcallowip", "%w", err)
		}
		c.Allow = append(c.Allow, prefix)
	}
	port := uint16(v.rpcPort)
	if port == 0 {
		port = cfg.Params.RPCPort
	}
	c.Port = port
	for _, text := range v.rpcBind {
		listen, loopback, err := parseBind(text, port)
		if err != nil {
			return l.errorf("rpcbind", "%w", err)
		}
		if !loopback && len(c.Allow) == 0 {
			return l.errorf("rpcbind", "%s can be reached from elsewhere: say with rpcallowip who may call", listen)
		}
		c.Listen = append(c.Listen, listen)
	}
	cfg.RPC = c
	return nil
}

// parseBind reads ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT.
func parseBind(text string, port uint16) (listen string, loopback bool, err error) {
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		if text == "localhost" {
			text = "127.0.0.1"
		}
		host, portText, splitErr := net.SplitHostPort(text)
		if splitErr != nil {
			host, portText = text, strconv.Itoa(int(port))
		}
		n, portErr := strconv.ParseUint(portText, 10, 16)
		addr, err = netip.ParseAddr(host)
		if err != nil || portErr != nil {
			return "", false, fmt.Errorf("%q is not an IP address, with or without a port", text)
		}
		port = uint16(n)
	}
	return netip.AddrPortFrom(addr, port).String(), addr.IsLoopback(), nil
}

func (l *loader) log(cfg *Config) error {
	switch l.v.logFormat {
	case "console":
	case "json":
		cfg.LogJSON = true
	default:
		return l.errorf("log-format", "%q is neither console nor json", l.v.logFormat)
	}
	if !slices.Contains([]string{"trace", "debug", "info", "warn", "error"}, l.v.logLevel) {
		return l.errorf("log-level", "%q is not one of trace, debug, info, warn, error", l.v.logLevel)
	}
	if l.v.logFile != "" {
		cfg.LogFile = l.v.logFile
		if !filepath.IsAbs(cfg.LogFile) {
			cfg.LogFile = filepath.Join(cfg.Dir, cfg.LogFile)
		}
	}
	cfg.LogMaxSize, cfg.LogMaxFiles = int(l.v.logMaxSize), int(l.v.logMaxFiles)
	level, err := zerolog.ParseLevel(l.v.logLevel)
	cfg.LogLevel = level
	return err
}
