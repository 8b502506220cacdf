package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet/control"
	"github.com/keelson-chain/keelson/testnet/procs"
)

var updateTour = flag.Bool("update", false, "write what the commands of docs/TESTNET.md print into it, where it is not what stands there")

const tourFile = "../../docs/TESTNET.md"

// tourStep is a command of the tour with what it prints.
type tourStep struct {
	command string
	want    []string // "..." stands for any number of lines
	line    int      // of the document
}

// TestTour follows docs/TESTNET.md, as a newcomer does: every command is run, in a
// shell, against the network that the first one starts, and prints what the
// document says. Hashes, keys of JSON-RPC and times differ; a hash that stands in
// several places must be the same one in all of them.
func TestTour(t *testing.T) {
	for _, name := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not installed")
		}
	}
	raw, err := os.ReadFile(tourFile)
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(raw), "```go\n")
	code, _, _ = strings.Cut(code, "```")
	if test, err := os.ReadFile("../../testnet/tour_test.go"); err != nil || code == "" || !strings.Contains(string(test), code) {
		t.Errorf("the test of the document is not that of package testnet (%v)", err)
	}
	steps := tourSteps(string(raw))
	if len(steps) < 30 {
		t.Fatalf("the tour has %d commands", len(steps))
	}
	if !strings.HasPrefix(steps[0].command, "keelson testnet up") {
		t.Fatalf("the tour begins with %s", steps[0].command)
	}
	tour := startTour(t, procs.Build(t), steps[0].command)
	printed := make([][]string, len(steps))
	printed[0] = tour.banner
	for i, step := range steps {
		if i > 0 {
			printed[i] = tour.run(t, step.command)
		}
		if !tour.matches(step.want, printed[i]) && !*updateTour {
			t.Errorf("TESTNET.md:%d: %s prints\n%s\nthe document has\n%s", step.line, step.command,
				strings.Join(printed[i], "\n"), strings.Join(step.want, "\n"))
		}
	}
	if err := <-tour.ended; err != nil {
		t.Errorf("the network ends with %v", err)
	}
	if *updateTour {
		tour.rewrite(t, string(raw), steps, printed)
	}
}

// tourSteps takes the document's console blocks apart.
func tourSteps(text string) (steps []tourStep) {
	inside := false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case strings.HasPrefix(line, "$ "):
			steps = append(steps, tourStep{command: line[2:], line: i + 1})
		case len(steps) > 0:
			last := &steps[len(steps)-1]
			last.want = append(last.want, line)
		}
	}
	return steps
}

// tour is a network and a shell beside it.
type tour struct {
	home       string
	port, base int
	banner     []string
	ended      chan error
	stdin      io.Writer
	stdout     *bufio.Reader
	toReal     map[string]string // hashes of the document
}

// docHome is the home folder of whom the document tells.
const docHome = "/home/you"

func startTour(t *testing.T, bin, command string) *tour {
	tr := &tour{home: t.TempDir(), base: freeBase(t), ended: make(chan error, 1), toReal: map[string]string{}}
	tr.port, _ = strconv.Atoi(procs.FreePort(t))
	env := func(cmd *exec.Cmd) {
		cmd.Dir = tr.home
		cmd.Env = append(cmd.Env, "HOME="+tr.home, "PATH="+filepath.Dir(bin)+":"+os.Getenv("PATH"))
	}

	up := procs.Command(t.Context(), "bash", "-c", fmt.Sprintf("exec %s --port %d --base-port %d", command, tr.port, tr.base))
	env(up)
	stderr := new(procs.Output)
	up.Stderr = stderr
	out, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for !slices.ContainsFunc(tr.banner, func(s string) bool { return strings.Contains(s, "Ctrl-C") }) {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
		tr.banner = append(tr.banner, tr.toDoc(strings.TrimSuffix(line, "\n")))
	}
	go func() {
		io.Copy(io.Discard, lines)
		tr.ended <- up.Wait()
	}()

	shell := procs.Command(t.Context(), "bash", "--noprofile", "--norc")
	env(shell)
	if tr.stdin, err = shell.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.Stderr = shell.Stdout
	tr.stdout = bufio.NewReader(stdout)
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	return tr
}

// freeBase finds a base port for a few nodes.
func freeBase(t *testing.T) int {
	for base := 21000; base < 30000; base += 100 {
		free := true
		for p := base; p < base+30; p++ {
			l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(p))
			if err != nil {
				free = false
				break
			}
			l.Close()
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

// run has the shell run a command, and returns the lines that it prints.
func (tr *tour) run(t *testing.T, command string) (lines []string) {
	t.Helper()
	command = regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllStringFunc(command, func(hash string) string {
		if known, ok := tr.toReal[hash]; ok {
			return known
		}
		return hash
	})
	command = strings.ReplaceAll(command, strconv.Itoa(control.DefaultPort), strconv.Itoa(tr.port))
	done := make(chan error, 1)
	go func() {
		if _, err := fmt.Fprintf(tr.stdin, "%s\nprintf '\\n=%%d=\\n' $?\n", command); err != nil {
			done <- err
			return
		}
		for {
			line, err := tr.stdout.ReadString('\n')
			line = strings.TrimSuffix(line, "\n")
			if code, ok := strings.CutPrefix(line, "="); ok && strings.HasSuffix(code, "=") || err != nil {
				if code != "0=" && err == nil {
					err = fmt.Errorf("exit code %s", code)
				}
				done <- err
				return
			}
			lines = append(lines, tr.toDoc(line))
		}
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, strings.Join(lines, "\n"))
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s takes too long", command)
	}
	// The marker stands behind a line end of its own.
	if n := len(lines); n > 0 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	return lines
}

// toDoc puts the document's folder and ports in the place of ours.
func (tr *tour) toDoc(line string) string {
	line = strings.ReplaceAll(line, tr.home, docHome)
	line = strings.ReplaceAll(line, ":"+strconv.Itoa(tr.port), ":"+strconv.Itoa(control.DefaultPort))
	for i := range 30 {
		line = strings.ReplaceAll(line, ":"+strconv.Itoa(tr.base+i), ":"+strconv.Itoa(basePort+i))
	}
	return line
}

// varying is what differs from one network to the next.
var varying = regexp.MustCompile(`\b[0-9A-Z]{26}\b|\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z|\bready in [0-9.]+ s|\b1[0-9]{9}\b|[0-9a-f]{65,}| +`)

// matches compares what a command has printed, and notes which hash stands for
// which one of the document.
func (tr *tour) matches(want, got []string) bool {
	for len(want) > 0 && strings.TrimSpace(want[0]) != "..." {
		if len(got) == 0 || !tr.same(want[0], got[0]) {
			return false
		}
		want, got = want[1:], got[1:]
	}
	if len(want) == 0 {
		return len(got) == 0
	}
	want = want[1:]
	if len(want) == 0 {
		return true
	}
	for i := range got {
		if tr.same(want[0], got[i]) && tr.matches(want, got[i:]) {
			return true
		}
	}
	return false
}

func (tr *tour) same(want, got string) bool {
	hashes := regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	a, b := hashes.FindAllString(want, -1), hashes.FindAllString(got, -1)
	if len(a) != len(b) {
		return false
	}
	mask := func(s string) string { return varying.ReplaceAllString(hashes.ReplaceAllString(s, "#"), "~") }
	if mask(want) != mask(got) {
		return false
	}
	for i := range a {
		if known, ok := tr.toReal[a[i]]; ok && known != b[i] {
			return false
		}
	}
	for i := range a {
		tr.toReal[a[i]] = b[i]
	}
	return true
}

// rewrite writes what was printed into the document.
func (tr *tour) rewrite(t *testing.T, text string, steps []tourStep, printed [][]string) {
	lines := strings.Split(text, "\n")
	for i, step := range slices.Backward(steps) {
		if !tr.matches(step.want, printed[i]) {
			lines = slices.Replace(lines, step.line, step.line+len(step.want), printed[i]...)
		}
	}
	if err := os.WriteFile(tourFile, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
