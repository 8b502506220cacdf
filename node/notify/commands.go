package notify

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/wire"
)

// What bounds commands.
const (
	maxRunning    = 4                // commands for blocks that run at the same time
	limit         = 10 * time.Minute // after which a command is killed
	shutdownLimit = time.Minute      // the same of the one that a shutdown waits for
	grace         = 5 * time.Second  // for commands that still run when the node stops
)

// Config is what Commands are made of. An empty command is none.
type Config struct {
	// Block is run for each new tip, with the block's hash in place of every %s.
	Block string
	// Startup is run once the node serves calls.
	Startup string
	// Shutdown is run before anything stops, and waited for.
	Shutdown string

	// Now is the node's clock, and MaxTipAge the age of a block above which it is
	// one of the initial download, for which no command is run.
	Now       func() time.Time
	MaxTipAge time.Duration
	Log       zerolog.Logger
}

// Chain is what Commands need of the ledger.
type Chain interface {
	Changed() <-chan struct{}
	UpdatesSince(at wire.BlockRef, max int) ([]consensus.Update, error)
	Entry(hash wire.Hash) (ledger.Entry, bool)
	InitialDownload() bool
}

// Commands runs the operator's commands, each by a shell of its own. What they
// print goes to the standard error; how they fail, to the log. A command that does
// not end is killed after a while, along with what it has started.
type Commands struct {
	cfg Config

	// The constants of the same names; tests change them.
	limit, shutdownLimit, grace time.Duration
}

// New returns Commands that run when their methods are called.
func New(cfg Config) *Commands {
	return &Commands{cfg: cfg, limit: limit, shutdownLimit: shutdownLimit, grace: grace}
}

// Follow runs the command for blocks until ctx ends, for every new tip after
// the block at. When too many are running already it waits, and goes on from
// where it was; blocks that have left the chain by then are passed over. When it
// returns, nothing is running any more.
func (c *Commands) Follow(ctx context.Context, chain Chain, at wire.BlockRef) error {
	if c.cfg.Block == "" {
		return nil
	}
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, maxRunning)
	behind := chain.InitialDownload()
	for {
		changed := chain.Changed()
		updates, err := chain.UpdatesSince(at, 0)
		if err != nil {
			return err
		}
		was := at.Height
		for i, u := range updates {
			if at = u.Tip; !u.Connected {
				continue
			}
			e, ok := chain.Entry(u.Ref.Hash)
			if !ok {
				continue // it was forgotten meanwhile
			}
			// Of the blocks of a reorganisation, those have been the tip for others
			// to see that are above the one that was left.
			if u.Ref.Height <= was && i < len(updates)-1 || behind && c.old(&e.Header) || chain.InitialDownload() {
				continue
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			running.Go(func() {
				c.run(ctx, "blocknotify", strings.ReplaceAll(c.cfg.Block, "%s", u.Ref.Hash.String()), c.limit)
				<-slots
			})
		}
		behind = chain.InitialDownload()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// old reports whether a header is of a block that the initial download fetches.
func (c *Commands) old(h *wire.Header) bool {
	return c.cfg.Now().Sub(time.Unix(int64(h.Time), 0)) > c.cfg.MaxTipAge
}

// Startup runs the command for the start, until it ends or, a moment later,
// ctx.
func (c *Commands) Startup(ctx context.Context) error {
	c.run(ctx, "startupnotify", c.cfg.Startup, c.limit)
	return nil
}

// Shutdown runs the command for the end and waits for it.
func (c *Commands) Shutdown() {
	c.run(context.Background(), "shutdownnotify", c.cfg.Shutdown, c.shutdownLimit)
}

// run runs a command and logs how it fails. When ctx ends it has c.grace left.
func (c *Commands) run(ctx context.Context, name, command string, limit time.Duration) {
	if command == "" {
		return
	}
	alive, kill := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer kill()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(c.grace, kill) })()

	log := c.cfg.Log.With().Str("setting", name).Str("command", command).Logger()
	log.Debug().Msg("running a command")
	cmd := shell(alive, command)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	err := cmd.Run()
	switch {
	case err == nil:
	case errors.Is(alive.Err(), context.DeadlineExceeded):
		log.Error().Stringer("after", limit).Msg("a command did not end and was killed")
	case alive.Err() != nil:
		log.Warn().Msg("a command was killed because the node stops")
	default:
		log.Error().Err(err).Msg("a command failed")
	}
}
