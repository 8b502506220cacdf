//go:build unix

package notify

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/wire"
)

// logLines is a log that can be read while it is written.
type logLines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// pipe makes a named pipe for commands to write lines to. Reading a line waits
// for a command.
func pipe(t *testing.T) (path string, lines *bufio.Reader) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // so that it has a reader and a writer all the time
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return path, bufio.NewReader(f)
}

func readLine(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// chain is a real ledger with a generator of blocks for it.
type chain struct {
	*ledger.Ledger
	*chaingen.Chain
	now time.Time
}

func newChain(t *testing.T) *chain {
	t.Helper()
	p := consensus.Regtest(consensus.RegtestOptions{})
	c := &chain{Chain: chaingen.New(p)}
	c.MineN(1)
	c.now = time.Unix(int64(c.Chain.Tip().Header.Time), 0).Add(time.Hour)
	var err error
	c.Ledger, err = ledger.Open(t.Context(), ledger.Config{Dir: t.TempDir(), Params: p, CacheBytes: 4 << 20, Workers: 1, Now: func() time.Time { return c.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Ledger.Close() })
	c.add(t, c.Blocks()...)
	return c
}

func (c *chain) add(t *testing.T, blocks ...*wire.Block) {
	t.Helper()
	for _, b := range blocks {
		if err := c.AddBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *chain) commands(log *logLines, cfg Config) *Commands {
	cfg.Now, cfg.MaxTipAge, cfg.Log = func() time.Time { return c.now }, 24*time.Hour, zerolog.New(log).Level(zerolog.InfoLevel)
	return New(cfg)
}

// follow runs Follow until the test ends, or the returned function is called.
func follow(t *testing.T, c *Commands, on *chain) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	tip := on.Ledger.Tip().Tip
	go func() { done <- c.Follow(ctx, on.Ledger, tip) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Follow: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// TestBlocks draws a reorganisation. Commands run for the blocks that were the
// tip, and for b1 and b2 never:
//
//	1 - a2 - a3
//	 \- b2 - b3 - b4
func TestBlocks(t *testing.T) {
	on, log := newChain(t), new(logLines)
	path, lines := pipe(t)
	follow(t, on.commands(log, Config{Block: "echo %s %s >>" + path}), on)
	on.Mark("fork")
	expect := func(b *wire.Block) {
		t.Helper()
		if got, want := readLine(t, lines), fmt.Sprintf("%v %v", b.Hash(), b.Hash()); got != want {
			t.Errorf("told of %s, want %s", got, want)
		}
	}
	for range 2 {
		b := on.Mine()
		on.add(t, b)
		expect(b)
	}
	on.Goto("fork")
	b := on.MineN(3)
	on.add(t, b...)
	expect(b[2])
	next := on.Mine()
	on.add(t, next)
	expect(next)
	if log.String() != "" {
		t.Errorf("log: %s", log)
	}
}

// TestInitialDownload: nobody hears of blocks that are being fetched, of the
// first block after that everybody does.
func TestInitialDownload(t *testing.T) {
	on, log := newChain(t), new(logLines)
	on.Close()
	var err error
	start := on.now
	on.now = start.Add(1000 * time.Hour)
	on.Ledger, err = ledger.Open(t.Context(), ledger.Config{Dir: t.TempDir(), Params: consensus.Regtest(consensus.RegtestOptions{}), Workers: 1, Now: func() time.Time { return on.now }})
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	path, lines := pipe(t)
	defer follow(t, on.commands(log, Config{Block: "echo %s >>" + path}), on)()
	on.add(t, on.Blocks()...)
	on.add(t, on.MineN(5)...)
	b := on.Next()
	b.Header.Time = uint32(on.now.Unix())
	chaingen.Solve(b)
	on.add(t, b)
	if on.InitialDownload() {
		t.Fatal("still in the initial download")
	}
	if got, want := readLine(t, lines), b.Hash().String(); got != want {
		t.Errorf("told of %s, want %s", got, want)
	}
}

// TestBounded has more blocks than commands may run at the same time, and
// commands that wait until they are let go: none is left out, and no more run
// than may.
func TestBounded(t *testing.T) {
	on, log := newChain(t), new(logLines)
	path, lines := pipe(t)
	dir := t.TempDir()
	blocks := on.MineN(3 * maxRunning)
	gates := map[string]*os.File{}
	for _, b := range blocks {
		gate := filepath.Join(dir, b.Hash().String())
		if err := syscall.Mkfifo(gate, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(gate, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		gates[b.Hash().String()] = f
	}
	stop := follow(t, on.commands(log, Config{Block: fmt.Sprintf("echo %%s >>%s; read x <%s/%%s", path, dir)}), on)
	on.add(t, blocks...)
	var told []string
	for range maxRunning {
		told = append(told, readLine(t, lines))
	}
	for i := range blocks {
		if lines.Buffered() > 0 {
			t.Fatalf("more than %d commands at the same time", maxRunning)
		}
		fmt.Fprintln(gates[told[i]], "go on") // lets one of them end
		if len(told) < len(blocks) {
			told = append(told, readLine(t, lines))
		}
	}
	stop() // while the gates are there
	if log.String() != "" {
		t.Errorf("log: %s", log)
	}
	for _, b := range blocks {
		if !slices.Contains(told, b.Hash().String()) {
			t.Errorf("nobody was told of %v", b.Hash())
		}
	}
}

// TestHangs has commands that never end: of each kind, one is killed, with the
// process that it has started.
func TestHangs(t *testing.T) {
	// The child holds a pipe open, whose end tells of its own.
	held := filepath.Join(t.TempDir(), "held")
	if err := syscall.Mkfifo(held, 0o600); err != nil {
		t.Fatal(err)
	}
	command := fmt.Sprintf("sh -c 'exec 3>%s; while :; do sleep 1000 3>&-; done'; true", held)
	for _, c := range []struct {
		name string
		say  string
		run  func(*Commands, context.Context)
		stop bool
	}{
		{"startup", "did not end", func(c *Commands, ctx context.Context) { c.limit = time.Second / 4; c.Startup(ctx) }, false},
		{"shutdown", "did not end", func(c *Commands, _ context.Context) { c.shutdownLimit = time.Second / 4; c.Shutdown() }, false},
		{"stop", "node stops", func(c *Commands, ctx context.Context) { c.grace = 0; c.Startup(ctx) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := new(logLines)
			commands := New(Config{Startup: command, Shutdown: command, Log: zerolog.New(log)})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan struct{})
			go func() { c.run(commands, ctx); close(done) }()
			child, err := os.Open(held) // waits until there is one
			if err != nil {
				t.Fatal(err)
			}
			defer child.Close()
			if c.stop {
				cancel()
			}
			<-done
			if n, err := child.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("read %d bytes, %v", n, err)
			}
			if !strings.Contains(log.String(), c.say) {
				t.Errorf("log: %q, want %q", log, c.say)
			}
		})
	}
}

// TestFails: what went wrong is in the log, with the command, and ends nothing.
func TestFails(t *testing.T) {
	log := new(logLines)
	c := New(Config{Startup: "exit 3", Shutdown: "/no/such/command 2>/dev/null", Log: zerolog.New(log)})
	c.Startup(t.Context())
	c.Shutdown()
	for _, want := range []string{"exit status 3", "exit status 127", `"setting":"startupnotify"`, `"setting":"shutdownnotify"`, `"command":"exit 3"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log: %s, want %s", log, want)
		}
	}
	New(Config{}).Shutdown() // there is none
	if err := New(Config{}).Follow(t.Context(), nil, wire.BlockRef{}); err != nil {
		t.Error(err)
	}
}
