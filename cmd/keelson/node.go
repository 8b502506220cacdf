package main

import (
	"context"
	"fmt"
	"io"

	"github.com/keelson-chain/keelson/node"
)

// runNode runs a node until ctx ends or it is told to stop.
func runNode(ctx context.Context, args []string, stdout io.Writer) error {
	cfg, rest, err := loadConfig("node", args, stdout)
	if cfg == nil {
		return err
	}
	if len(rest) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", rest[0])}
	}
	log, closed, err := openLog(cfg, stdout)
	if err != nil {
		return err
	}
	defer closed()
	err = node.Run(ctx, cfg, log)
	if err != nil && cfg.LogFile != "" {
		log.Error().Err(err).Msg("the node has ended")
	}
	return err
}
