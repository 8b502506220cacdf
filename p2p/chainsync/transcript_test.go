package chainsync

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/pow"
)

var update = flag.Bool("update", false, "write what the Machine does into the transcripts")

// Each file of testdata is a conversation with a Machine: commands at the
// beginning of a line, and below each, indented, the actions that follow from it.
// What is there must be what happens; go test -update writes it. testdata/README
// says what the commands are.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 12 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(raw))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got == string(raw) {
				return
			}
			want := strings.Split(string(raw), "\n")
			for i, line := range strings.Split(got, "\n") {
				if i >= len(want) || line != want[i] {
					t.Fatalf("%s:%d: %q, but the transcript is\n%s", file, i+1, line, got)
				}
			}
			t.Fatalf("%s goes on after\n%s", file, got)
		})
	}
}

// player plays a transcript.
type player struct {
	t    *testing.T
	w    *world
	tree *tree
	cfg  Config
	m    *Machine
	now  time.Time
	tips map[string]*block
	out  strings.Builder
}

// play carries the commands of a transcript out and returns it with the actions
// that follow.
func play(t *testing.T, text string) string {
	w := newWorld()
	w.start = uint32(epoch.Unix()) - 3600
	w.genesis.name = "genesis"
	p := &player{t: t, w: w, tree: newTree(w), cfg: Config{Params: regtest, maxHeaders: 10}, now: epoch, tips: map[string]*block{"genesis": w.genesis}}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, " ") {
			continue // an action of before
		}
		p.out.WriteString(line + "\n")
		if line != "" && line[0] != '#' {
			p.command(strings.Fields(line))
		}
	}
	return p.out.String()
}

func (p *player) fatal(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s\n%s", p.out.String(), fmt.Sprintf(format, args...))
}

func (p *player) number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		p.fatal("%v", err)
	}
	return n
}

// block finds NAME/HEIGHT, NAME alone being the last of its chain. A trailing
// "!" changes it into a block that nobody knows.
func (p *player) block(s string) *block {
	s, changed := strings.CutSuffix(s, "!")
	name, height, ok := strings.Cut(s, "/")
	b := p.tips[name]
	if b == nil {
		p.fatal("no chain %s", name)
	}
	if ok {
		b = b.at(uint32(p.number(height)))
	}
	if changed {
		c := *b
		c.header.Nonce++
		c.Hash = c.header.Hash()
		b = &c
	}
	return b
}

// list finds blocks and ranges, NAME/FROM..TO.
func (p *player) list(args []string) (bs []*block) {
	for _, a := range args {
		from, to, ok := strings.Cut(a, "..")
		first := p.block(from)
		if !ok {
			bs = append(bs, first)
			continue
		}
		name, _, _ := strings.Cut(from, "/")
		last := p.block(name + "/" + to)
		var run []*block
		for b := last; b.Height >= first.Height; b = b.parent {
			run = append(run, b)
		}
		slices.Reverse(run)
		bs = append(bs, run...)
	}
	return bs
}

func (p *player) command(f []string) {
	p.t.Helper()
	if p.m == nil && !slices.Contains([]string{"minimum", "chain", "rotten", "have", "headers-of", "old", "max-bytes"}, f[0]) {
		p.m = New(p.cfg, p.tree)
	}
	verdict := func(s string) Verdict {
		for v := Good; v <= Unconnected; v++ {
			if strings.ReplaceAll(v.String(), " ", "-") == s {
				return v
			}
		}
		p.fatal("no verdict %s", s)
		return 0
	}
	failure := func(s string) Failure {
		for v := Answered; v <= Malformed; v++ {
			if strings.ReplaceAll(v.String(), " ", "-") == s {
				return v
			}
		}
		p.fatal("no failure %s", s)
		return 0
	}
	switch f[0] {
	case "old": // blocks are of a year ago
		p.w.start = uint32(epoch.Unix()) - 365*24*3600
	case "minimum": // BLOCKS
		per := workOf(&p.w.genesis.header)
		for range p.number(f[1]) {
			p.cfg.MinimumWork = p.cfg.MinimumWork.Add(per)
		}
	case "max-bytes":
		p.cfg.MaxBytes = int(p.number(f[1]))
	case "chain": // NAME LENGTH on BLOCK
		b := p.block(f[4])
		for range p.number(f[2]) {
			b = p.w.grow(b, 1)
			b.name = f[1]
		}
		p.tips[f[1]] = b
	case "rotten": // BLOCK
		p.block(f[1]).rotten = true
	case "have": // BLOCKS: the node has them
		for _, b := range p.list(f[1:]) {
			p.tree.add(&b.header)
			p.tree.store(b)
		}
	case "headers-of": // BLOCKS: the node has their headers
		for _, b := range p.list(f[1:]) {
			p.tree.add(&b.header)
		}
	case "wait": // DURATION
		d, err := time.ParseDuration(f[1])
		if err != nil {
			p.fatal("%v", err)
		}
		end := p.now.Add(d)
		for w := p.m.Wake(); !w.IsZero() && !w.After(end); w = p.m.Wake() {
			p.now = w
			p.step(Tick{})
		}
		p.now = end
		p.step(Tick{})
	case "connect": // PEER BLOCK [outbound] [manual] [claims BLOCK]
		b := p.block(f[2])
		e := Connected{Peer: p.number(f[1]), Tip: b.Hash, Height: b.Height, Work: b.state.Work}
		e.Outbound, e.Manual = slices.Contains(f, "outbound"), slices.Contains(f, "manual")
		if i := slices.Index(f, "claims"); i > 0 {
			h := p.number(f[i+1])
			e.Height, e.Work = uint32(h), pow.Work{}
			per := workOf(&p.w.genesis.header)
			for range h {
				e.Work = e.Work.Add(per)
			}
			e.Tip[0]++
		}
		p.step(e)
	case "gone":
		p.step(Gone{p.number(f[1])})
	case "headers": // PEER REQ BLOCKS
		e := Headers{Peer: p.number(f[1]), Req: uint64(p.number(f[2]))}
		for _, b := range p.list(f[3:]) {
			e.Headers = append(e.Headers, b.header)
		}
		p.step(e)
	case "headers-failed": // PEER REQ WHY
		p.step(HeadersFailed{p.number(f[1]), uint64(p.number(f[2])), failure(f[3])})
	case "added": // PEER BLOCK VERDICT: up to the block of those handed over last
		b, v := p.block(f[2]), verdict(f[3])
		if v == Good {
			var path []*block
			for a := b; p.tree.headers[a.Hash] == nil; a = a.parent {
				path = append(path, a)
			}
			for _, a := range slices.Backward(path) {
				p.tree.add(&a.header)
			}
		}
		p.step(HeadersAdded{Peer: p.number(f[1]), Last: b.Hash, Verdict: v})
	case "announce": // PEER BLOCK
		p.step(Announced{p.number(f[1]), p.block(f[2]).header})
	case "blocks": // PEER BLOCKS: they come and are good, or what the last word says
		v := Good
		if last := f[len(f)-1]; !strings.Contains(last, "/") {
			v, f = verdict(last), f[:len(f)-1]
		}
		for _, b := range p.list(f[2:]) {
			p.step(Block{p.number(f[1]), b.Hash, 1000})
			if v == Good {
				p.tree.store(b)
			}
			if v == Invalid {
				p.tree.spoil(b)
			}
			p.step(Judged{Peer: p.number(f[1]), Hash: b.Hash, Verdict: v})
			p.step(ChainChanged{})
		}
	case "come": // PEER BLOCKS: they come and are with the ledger
		for _, b := range p.list(f[2:]) {
			p.step(Block{p.number(f[1]), b.Hash, 1000})
		}
	case "not-here": // PEER REQ BLOCKS
		for _, b := range p.list(f[3:]) {
			p.step(NotHere{p.number(f[1]), uint64(p.number(f[2])), b.Hash})
		}
	case "done": // PEER REQ WHY
		p.step(BlocksDone{p.number(f[1]), uint64(p.number(f[2])), failure(f[3])})
	case "pushed": // BLOCK: it has come by other means
		b := p.block(f[1])
		p.tree.add(&b.header)
		p.tree.store(b)
		p.step(ChainChanged{})
	case "expect": // BLOCK DURATION
		d, err := time.ParseDuration(f[2])
		if err != nil {
			p.fatal("%v", err)
		}
		at := time.Time{}
		if d > 0 {
			at = p.now.Add(d)
		}
		p.step(Expected{p.block(f[1]).Hash, at})
	case "status": // PEER
		s := p.m.Status(p.number(f[1]))
		fmt.Fprintf(&p.out, "  presynced %d, headers %d, blocks %d, in flight %v\n", s.Presynced, s.Headers, s.Blocks, s.InFlight)
	default:
		p.fatal("no command %s", f[0])
	}
}

func (p *player) step(e Event) {
	for _, a := range p.m.Step(p.now, e) {
		fmt.Fprintf(&p.out, "  %s\n", p.at(p.w.describe(a)))
	}
}

// at puts the time before a line, if it has passed.
func (p *player) at(s string) string {
	if d := p.now.Sub(epoch); d > 0 {
		return fmt.Sprintf("%v: %s", d, s)
	}
	return s
}
