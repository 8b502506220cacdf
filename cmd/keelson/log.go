package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/keelson-chain/keelson/config"
)

// openLog makes the log that the settings ask for. It goes to their file or, if
// they name none, to w, which is the standard output: a clean run leaves the
// standard error empty. Call closed at the end.
func openLog(cfg *config.Config, w io.Writer) (log zerolog.Logger, closed func(), err error) {
	closed = func() {}
	if cfg.LogFile != "" {
		if w, closed, err = openLogFile(cfg); err != nil {
			return zerolog.Nop(), nil, err
		}
	}
	if !cfg.LogJSON {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.DateTime, NoColor: !isTerminal(w)}
	}
	return zerolog.New(w).Level(cfg.LogLevel).With().Timestamp().Logger(), closed, nil
}

// openLogFile opens the log's file, which is renamed and begun anew when it has
// grown to its size. At a SIGHUP it is opened again by its name, so that other
// programs may rename it too.
func openLogFile(cfg *config.Config) (w io.Writer, closed func(), err error) {
	if err := os.MkdirAll(filepath.Dir(cfg.LogFile), 0o755); err != nil {
		return nil, nil, fmt.Errorf("log-file: %w", err)
	}
	// What is wrong with the file is said now, not at the first line.
	f, err := os.OpenFile(cfg.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("log-file: %w", err)
	}
	f.Close()
	file := &lumberjack.Logger{Filename: cfg.LogFile, MaxSize: cfg.LogMaxSize, MaxBackups: cfg.LogMaxFiles}

	again, stop := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(again, syscall.SIGHUP)
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-again:
				_ = file.Close() // the next line opens it
			case <-stop:
				return
			}
		}
	})
	return file, func() {
		signal.Stop(again)
		close(stop)
		watch.Wait()
		_ = file.Close() // every line has been written
	}, nil
}
