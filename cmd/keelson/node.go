package main

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/keelson-chain/keelson/node"
)

// runNode runs a node until ctx ends or it is told to stop.
func runNode(ctx context.Context, args []string, s streams) error {
	cfg, rest, err := loadConfig("node", args, s.out)
	if cfg == nil {
		return err
	}
	if len(rest) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", rest[0])}
	}
	log, closed, err := openLog(cfg, s.out)
	if err != nil {
		return err
	}
	defer closed()
	if cfg.LogFile == "" && !signal.Ignored(syscall.SIGHUP) {
		// The terminal has gone. Where the log has a file, the signal is for that.
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer stop()
	}
	cfg.OwnProcess = true
	err = node.Run(ctx, cfg, log)
	if err != nil && cfg.LogFile != "" {
		log.Error().Err(err).Msg("the node has ended")
	}
	return err
}

// runTestnetNode runs a node of a test network, whose process holds the other end
// of the standard input. However that process ends, the node does not outlive it.
func runTestnetNode(ctx context.Context, args []string, s streams) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // reads until the process ends
		_, _ = io.Copy(io.Discard, s.in)
		stop()
	}()
	return runNode(ctx, args, s)
}
