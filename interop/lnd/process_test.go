package lnd

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long to wait for what ought to happen soon, on a slow and busy
// machine. Nothing here waits for less: what is slow is not wrong.
const patience = 2 * time.Minute

// output collects what a process says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a program that runs until it is told to end, and can be started
// again.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	said  *output
	ended chan struct{}
	err   error // of Wait, once ended is closed
}

// start runs a program, and kills it at the end of the test if it still runs.
func (p *process) start(bin string, args ...string) {
	p.t.Helper()
	p.cmd, p.said, p.ended = exec.Command(bin, args...), new(output), make(chan struct{})
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "KEELSON_") })
	if err := p.cmd.Start(); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	cmd, ended := p.cmd, p.ended
	go func() {
		p.err = cmd.Wait()
		close(ended)
	}()
	p.t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
}

// alive fails the test if the process has ended.
func (p *process) alive() {
	p.t.Helper()
	select {
	case <-p.ended:
		p.t.Fatalf("%s ended: %v\n%s", p.name, p.err, tail(p.said.String(), 30))
	default:
	}
}

// kill ends the process with SIGKILL.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	<-p.ended
}

// interrupt has the process end by itself, with code 0.
func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	select {
	case <-p.ended:
		if p.err != nil {
			p.t.Fatalf("%s ended with %v\n%s", p.name, p.err, tail(p.said.String(), 30))
		}
	case <-time.After(patience):
		p.t.Fatalf("%s does not end\n%s", p.name, tail(p.said.String(), 30))
	}
}

// eventually tries again until there is no error.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// freePort is a port of the loopback interface where nobody listens now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// loopback is an address with that port.
func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
