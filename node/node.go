package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/node/metrics"
	"github.com/keelson-chain/keelson/node/notify"
	"github.com/keelson-chain/keelson/p2p"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/rpc/esplora"
	"github.com/keelson-chain/keelson/rpc/explorer"
	"github.com/keelson-chain/keelson/rpc/zmq"
)

// errStop ends a run that was asked to end: by a signal, by the stop call, or
// because the height of stopatheight was reached.
var errStop = errors.New("asked to stop")

// Run runs a node until ctx ends, the stop call is made, or something breaks
// that it cannot go on with, which is the error. However it ends, all that it
// started has ended and the ledger is closed when it returns.
//
// When the call loadtxoutset has made another ledger, all parts end and begin again
// with that one, without Run returning.
func Run(ctx context.Context, cfg *config.Config, log zerolog.Logger) error {
	clock := new(Clock)
	clock.SetMock(cfg.MockTime)
	for {
		again, err := run(ctx, cfg, clock, log)
		if errors.Is(err, errWrong) {
			err = errors.Join(err, setAsideAssumed(cfg.Dir))
		}
		if err != nil || again == nil {
			return err
		}
		cfg = again
	}
}

// run is Run up to a change of the ledger: again is the settings to go on with.
func run(ctx context.Context, cfg *config.Config, clock *Clock, log zerolog.Logger) (again *config.Config, err error) {
	// ctx ends when the node is to stop; its parts go on until the operator's
	// command for that has run, and then alive ends.
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()

	// The ports open first, so that clients learn that the node is starting.
	rpcConfig := cfg.RPC
	rpcConfig.Clock, rpcConfig.Version, rpcConfig.Log = clock, Version, log
	rpcConfig.Shutdown = func() { stop(errStop) }
	server, err := rpc.New(rpcConfig)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	watch, err := metrics.New(metrics.Config{
		Listen: cfg.Metrics, PProf: cfg.PProf,
		Version: Version, Commit: ThisBuild().Commit, Network: cfg.Params.Name, Log: log,
	})
	if err != nil {
		return nil, err
	}
	defer watch.Close()
	explorerConfig := cfg.Explorer
	explorerConfig.Subversion, explorerConfig.Now, explorerConfig.Log = server.Subversion(), clock.Now, log
	pages, err := explorer.New(explorerConfig)
	if err != nil {
		return nil, err
	}
	defer pages.Close()
	zmqConfig := cfg.ZMQ
	zmqConfig.Now, zmqConfig.Log = clock.Now, log
	publisher, err := zmq.Listen(ctx, zmqConfig)
	if err != nil {
		return nil, err
	}
	defer publisher.Close()
	watch.Add(metrics.RPC(server))
	watch.Add(metrics.ZMQ(publisher))
	if err := server.Listen(); err != nil {
		return nil, err
	}
	var parts sync.WaitGroup
	defer func() {
		end()
		parts.Wait()
	}()
	run := func(name string, f func(context.Context) error) {
		parts.Go(func() {
			if err := f(alive); err != nil && alive.Err() == nil {
				stop(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	endpoints := config.Endpoints{RPC: server.Addresses(), Explorer: pages.Address(), Metrics: watch.Address(), ZMQ: publisher.Endpoints()}
	run("JSON-RPC", server.Run)
	run("metrics", watch.Run)
	run("explorer", pages.Run)
	run("ZMQ", publisher.Run)

	server.SetStatus("Loading block index…")
	notify.Status(log, "loading the block index")
	ledgerConfig := cfg.Ledger
	ledgerConfig.Now, ledgerConfig.Log = clock.Now, log
	ledgerConfig.SigCache = newSigCache(cfg.SigCacheBytes)
	both, err := openLedgers(ctx, ledgerConfig, log)
	if err != nil {
		return nil, ended(ctx, err)
	}
	l := both.active
	// The ledgers close last, when nothing uses it any more.
	defer func() {
		end()
		parts.Wait()
		if closeErr := both.close(); closeErr != nil {
			err = errors.Join(err, closeErr)
			return
		}
		log.Info().Msg("stopped, everything is on disk")
	}()

	watch.Add(metrics.Ledger(l))

	server.SetStatus("Verifying blocks…")
	notify.Status(log, "verifying the last blocks")
	if err := l.VerifyChain(ctx, cfg.CheckLevel, cfg.CheckBlocks, nil); err != nil {
		return nil, ended(ctx, fmt.Errorf("the last blocks do not verify; run with --reindex-chainstate: %w", err))
	}

	poolConfig := cfg.Pool
	poolConfig.Chain, poolConfig.SigCache, poolConfig.Now, poolConfig.Log = l, ledgerConfig.SigCache, clock.Now, log
	pool, err := mempool.New(poolConfig)
	if err != nil {
		return nil, err
	}
	defer func() {
		end()
		parts.Wait()
		err = errors.Join(err, closePool(pool))
	}()

	published, _ := pool.At()

	minerConfig := cfg.Miner
	minerConfig.Chain, minerConfig.Source, minerConfig.Now, minerConfig.Log = l, pool, clock.Now, log
	m := miner.New(minerConfig)

	networkConfig := cfg.P2P
	networkConfig.Params, networkConfig.Chain, networkConfig.Pool = cfg.Params, l, pool
	networkConfig.MinimumWork, networkConfig.MaxOrphans = cfg.Ledger.MinimumWork, cfg.MaxOrphans
	networkConfig.Subver, networkConfig.Host.UserAgent = server.Subversion(), "keelson/"+Version
	networkConfig.Host.Registerer = watch.Registerer()
	networkConfig.Now, networkConfig.Log = clock.Now, log
	_, networkConfig.Limited = l.Assumed()
	network, err := p2p.New(networkConfig)
	if err != nil {
		return nil, err
	}
	watch.Add(metrics.Pool(pool))
	watch.Add(metrics.Miner(m))
	watch.Add(metrics.P2P(network, network.Host()))
	states := &chainStates{ledgers: both, cfg: ledgerConfig, again: func() { stop(errSwitch) }}
	calls := rpc.Node{Ledger: l, Pool: pool, Miner: m, Network: network, Addresses: network.Host(), Notifications: notifications(publisher), ChainStates: states}
	server.Serve(calls)
	view := esplora.New(esplora.Config{Params: cfg.Params, Chain: l, Pool: pool, Broadcast: calls.Broadcast, FeeRate: calls.FeeRate, Log: log})
	pages.Serve(explorer.Node{Ledger: l, Pool: pool, View: view, API: view.Handler(), Network: network})
	greet(log, cfg, l)
	run("ledger", func(ctx context.Context) error { return follow(ctx, l, cfg, log, func() { stop(errStop) }) })
	if cfg.OwnProcess {
		run("memory", func(ctx context.Context) error { return tendMemory(ctx, l.InitialDownload) })
	}
	run("pool", func(ctx context.Context) error { return followPool(ctx, pool, l, log) })
	run("publisher", func(ctx context.Context) error { return publisher.Follow(ctx, l, pool, published) })
	run("peers", network.Run)
	run("miner", m.Run)
	run("assumed coins", func(ctx context.Context) error { return states.validate(ctx, network, log) })

	commands := notify.New(notify.Config{
		Block: cfg.BlockNotify, Startup: cfg.StartupNotify, Shutdown: cfg.ShutdownNotify,
		Now: clock.Now, MaxTipAge: cfg.Ledger.MaxTipAge, Log: log,
	})
	tip := l.Tip().Tip
	run("blocknotify", func(ctx context.Context) error { return commands.Follow(ctx, l, tip) })
	run("startupnotify", commands.Startup)
	notify.Ready(log)
	if cfg.Ready != nil {
		select {
		case <-network.Host().Running():
			endpoints.P2P = network.Host().ListenAddrs()
			cfg.Ready(endpoints)
		case <-ctx.Done():
		}
	}

	<-ctx.Done()
	if errors.Is(context.Cause(ctx), errSwitch) {
		log.Info().Msg("the node goes on with the coins that were loaded")
		endpoints.P2P = network.Host().ListenAddrs()
		return next(cfg, endpoints), nil
	}
	log.Info().Msg("stopping")
	notify.Stopping(log)
	commands.Shutdown()
	return nil, ended(ctx, context.Cause(ctx))
}

// notifications is what getzmqnotifications tells of a publisher.
func notifications(p *zmq.Publisher) (list []rpc.Notification) {
	for _, e := range p.Endpoints() {
		list = append(list, rpc.Notification{Type: "pub" + e.Topic.String(), Address: e.Address.String(), HWM: e.HWM})
	}
	return list
}

// ended turns the error with which a run ends into what Run returns: nil, if
// the run was asked to end.
func ended(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, errStop) || errors.Is(cause, context.Canceled) {
		return nil
	}
	if cause != nil {
		return cause
	}
	return err
}

// idleFlush is how long the tip stands still before what the ledger still has
// in memory is written: during the initial download it does not write every
// block by itself.
const idleFlush = 3 * time.Second

// follow watches the chain: it logs what happens to the tip, has the ledger
// write when it rests, and ends the run at the height of stopatheight and on a
// fault of the ledger.
func follow(ctx context.Context, l *ledger.Ledger, cfg *config.Config, log zerolog.Logger, stop func()) error {
	at := l.Tip().Tip
	for {
		changed := l.Changed()
		updates, err := l.UpdatesSince(at, 0)
		if err != nil {
			return err
		}
		for _, u := range updates {
			logUpdate(l, log, u)
			at = u.Tip
		}
		if h := cfg.Ledger.StopAtHeight; h != 0 && at.Height >= h {
			log.Info().Uint32("height", at.Height).Msg("height of stopatheight reached")
			stop()
			return nil
		}
		var idle <-chan time.Time
		if len(updates) > 0 {
			idle = time.After(idleFlush)
		}
		select {
		case <-changed:
		case <-idle:
			if err := l.Flush(); err != nil {
				return err
			}
		case <-l.Faulted():
			return l.Fault()
		case <-ctx.Done():
			return nil
		}
	}
}

// logUpdate logs one step of the tip.
func logUpdate(l *ledger.Ledger, log zerolog.Logger, u consensus.Update) {
	if !u.Connected {
		log.Warn().Uint32("height", u.Ref.Height).Stringer("hash", u.Ref.Hash).Msg("block disconnected by a reorganisation")
		return
	}
	e, _ := l.Entry(u.Ref.Hash) // not there if it was forgotten meanwhile
	log.Info().Uint32("height", u.Ref.Height).Stringer("hash", u.Ref.Hash).Uint32("txs", e.TxCount).Msg("new tip")
}

// greet says what the node does and how to talk to it.
func greet(log zerolog.Logger, cfg *config.Config, l *ledger.Ledger) {
	tip := l.Tip().Tip
	log.Info().Str("version", Version).Str("network", cfg.Params.Name).Str("dir", cfg.Dir).
		Uint32("height", tip.Height).Stringer("tip", tip.Hash).Msg("Keelson is running")
	if plan := cfg.Miner.Plan; plan.Kind != miner.Off {
		log.Info().Hex("script", plan.PkScript).Stringer("interval", plan.Interval).Float64("max_hashes_per_s", plan.HashRate).
			Int("threads", cfg.Miner.Workers).Msg("mining")
	}
	log.Info().Msgf("talk to it: %s getblockchaininfo", cliCommand(cfg))
	log.Info().Msg("stop it with Ctrl-C")
}

// cliCommand is what a person types to call this node.
func cliCommand(cfg *config.Config) string {
	words := []string{"keelson", "cli"}
	if cfg.Params.Name == "regtest" {
		words = append(words, "-regtest")
	} else {
		words = append(words, "-chain="+cfg.Params.Name)
	}
	words = append(words, "-datadir="+cfg.DataDir)
	if cfg.RPC.Port != cfg.Params.RPCPort {
		words = append(words, fmt.Sprintf("-rpcport=%d", cfg.RPC.Port))
	}
	return strings.Join(words, " ")
}

// lockDir makes the network's folder and takes it for this process before
// anything in it is touched, the cookie of a running node above all. The
// ledger has a lock of its own, for the tools that use it without a node.
func lockDir(dir string) (io.Closer, error) {
	disk := fsys.Disk(dir)
	if err := disk.MkdirAll("."); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	lock, err := disk.Lock("node.lock")
	if errors.Is(err, fsys.ErrLocked) {
		return nil, fmt.Errorf("data folder %s is in use by another process; stop it, or say --datadir DIR for another one", dir)
	}
	return lock, err
}
