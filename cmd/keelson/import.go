package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/ledger"
)

// runImport adds the blocks of a file or folder to the ledger, with a progress
// bar on a terminal and a line now and then elsewhere.
func runImport(ctx context.Context, args []string, s streams) (err error) {
	cfg, rest, err := loadConfig("import", args, s.out)
	if cfg == nil {
		return err
	}
	if len(rest) != 1 {
		return usageError{fmt.Errorf("import takes one file or folder, not %d", len(rest))}
	}
	log, closed, err := openLog(cfg, s.out)
	if err != nil {
		return err
	}
	defer closed()
	ledgerConfig := cfg.Ledger
	ledgerConfig.Log = log
	l, err := ledger.Open(ctx, ledgerConfig)
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { err = errors.Join(err, l.Close()) }()

	bar := newProgress(cfg, s.out)
	start := l.Tip().Tip.Height
	total, err := l.Import(ctx, rest[0], bar.show)
	bar.end(total)
	if err != nil {
		return stopped(ctx, err)
	}
	tip := l.Tip()
	fmt.Fprintf(s.out, "added %d blocks (height %d to %d), %d inputs in %v; tip %v\n",
		total.Added, start, tip.Tip.Height, total.Inputs, total.Elapsed.Round(time.Millisecond), tip.Tip.Hash)
	return nil
}

// stopped is err, or a line for a person if the signal of a user was the cause.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return errors.New("interrupted; what was connected is kept, and the same command goes on from there")
	}
	return err
}

// progress draws the bar. On a terminal it is redrawn in place; elsewhere a
// line is printed every plainEvery.
type progress struct {
	out  io.Writer
	live bool
	last time.Time
}

const plainEvery = 5 * time.Second

func newProgress(cfg *config.Config, out io.Writer) *progress {
	return &progress{out: out, live: isTerminal(out) && !cfg.LogJSON, last: time.Now()}
}

func (p *progress) show(s ledger.ImportProgress) {
	if p.live {
		fmt.Fprintf(p.out, "\r\x1b[K%s", progressLine(s))

		return
	}
	if time.Since(p.last) >= plainEvery {
		p.last = time.Now()
		fmt.Fprintln(p.out, progressLine(s))
	}
}

// end draws the last state and leaves the line.
func (p *progress) end(s ledger.ImportProgress) {
	if p.live {
		fmt.Fprintf(p.out, "\r\x1b[K%s\n", progressLine(s))
	}
}

// progressLine is the bar and its figures, below 80 columns.
func progressLine(s ledger.ImportProgress) string {
	const width = 24
	part := 0.0
	if s.Total > 0 {
		part = float64(s.Read) / float64(s.Total)
	}
	full := min(int(part*width), width)
	eta := "-"
	if s.ETA > 0 {
		eta = s.ETA.Round(time.Second).String()
	}
	return fmt.Sprintf("[%s%s] %5.1f%%  height %d  %.0f inputs/s  ETA %s",
		strings.Repeat("#", full), strings.Repeat(".", width-full), 100*part, s.Height, s.InputsPerSec, eta)
}
