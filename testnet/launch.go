package testnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/node"
	"github.com/keelson-chain/keelson/rpc/client"
)

// logName is the file in a node's folder that the node's log goes to.
const logName = "node.log"

// launch starts a node and returns when it serves calls and peers.
func (n *Network) launch(ctx context.Context, nd *Node) error {
	log, err := os.OpenFile(filepath.Join(nd.Dir, logName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	start := inside
	if n.cfg.Processes {
		start = n.outside
	}
	r, ready, err := start(n.args(nd), log)
	if err != nil {
		log.Close()
		return err
	}
	nd.live(r)
	err = awaitReady(ctx, nd, r, ready)
	if err != nil {
		_ = r.kill()
		return fmt.Errorf("node %d: %w", nd.ID, err)
	}
	return nil
}

// awaitReady waits until a node is ready: until the channel says so or, without
// one, until it answers.
func awaitReady(ctx context.Context, nd *Node, r run, ready <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ready:
			return nil
		case <-r.ended():
			return r.stop()
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
			if ready != nil {
				continue
			}
			_, err := nd.client.Call(ctx, "getconnectioncount")
			if err == nil {
				return nil
			}
			if errors.Is(err, client.ErrUnauthorized) {
				return fmt.Errorf("%s is %w: somebody else answers there", nd.RPCAddress, ErrInUse)
			}
		}
	}
}

// insider is a node in this process.
type insider struct {
	cancel context.CancelFunc
	end    chan struct{}
	err    error // read after end
}

// inside starts a node in this process.
func inside(args []string, log *os.File) (run, <-chan struct{}, error) {
	cfg, err := load(args)
	if err != nil {
		return nil, nil, err
	}
	ready := make(chan struct{})
	cfg.Ready = func(config.Endpoints) { close(ready) }
	ctx, cancel := context.WithCancel(context.Background())
	r := &insider{cancel: cancel, end: make(chan struct{})}
	go func() {
		defer close(r.end)
		defer log.Close()
		r.err = node.Run(ctx, cfg, zerolog.New(log).Level(cfg.LogLevel).With().Timestamp().Logger())
	}()
	return r, ready, nil
}

// load makes settings of what a node would be told on its command line.
func load(args []string) (*config.Config, error) {
	cfg, rest, err := config.Load(args, nil)
	if errors.Is(err, config.ErrHelp) || err == nil && len(rest) > 0 {
		return nil, bad("%q are not all settings of a node", args)
	}
	if err != nil {
		return nil, bad("settings of the nodes: %v", err)
	}
	return cfg, nil
}

func (r *insider) ended() <-chan struct{} { return r.end }

func (r *insider) stop() error {
	r.cancel()
	<-r.end
	return r.err
}

// kill is stop: there is no way to end a part of a process at once.
func (r *insider) kill() error { return r.stop() }

// outsider is a node in a process of its own.
type outsider struct {
	cmd *exec.Cmd
	log *os.File
	end chan struct{}
	err error // read after end
}

// stopTime is how long a process may take to end when it is told to.
const stopTime = 30 * time.Second

// NodeCommand is the sub-command of keelson that runs a node of a network in a
// process of its own: node, which also ends when its standard input does.
const NodeCommand = "__testnet-node"

// outside starts a node in a process of its own. The process has the other end of
// a pipe as its standard input, so that it ends even if ours is killed.
func (n *Network) outside(args []string, log *os.File) (run, <-chan struct{}, error) {
	cmd := exec.Command(n.cfg.Binary, append([]string{NodeCommand}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "KEELSON_") || strings.HasPrefix(s, "NOTIFY_SOCKET=")
	})
	cmd.Stdout, cmd.Stderr = log, log
	apart(cmd)
	if _, err := cmd.StdinPipe(); err != nil { // closed by Wait
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start a node: %w", err)
	}
	r := &outsider{cmd: cmd, log: log, end: make(chan struct{})}
	go func() {
		defer close(r.end)
		defer log.Close()
		r.err = cmd.Wait()
	}()
	return r, nil, nil
}

func (r *outsider) ended() <-chan struct{} { return r.end }

func (r *outsider) stop() error {
	_ = r.cmd.Process.Signal(os.Interrupt) // it may have ended; Windows has no such signal
	timer := time.AfterFunc(stopTime, func() { _ = r.cmd.Process.Kill() })
	defer timer.Stop()
	<-r.end
	if r.err != nil {
		return fmt.Errorf("%w: %s", r.err, lastLine(r.log.Name()))
	}
	return nil
}

func (r *outsider) kill() error {
	err := r.cmd.Process.Kill()
	<-r.end
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// lastLine is the last line of a log, which says why a node has ended.
func lastLine(name string) string {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return lines[len(lines)-1]
}
