package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/keelson-chain/keelson/internal/oracle/accept"
)

// ticks is how many of the units of /proc/PID/stat a second has: always 100 on
// Linux.
const ticks = 100

// startTime is how long a node may take until it answers.
const startTime = time.Minute

// node is a process of the node with a folder of its own.
type node struct {
	bin, dir string
	pprof    string // where to write its profile, "" for nowhere
	metrics  string // the address where it shows that

	cmd      *exec.Cmd
	url      string
	user     string
	password string
	http     *http.Client
}

// measure imports the chain, starts the node, sends everything, and returns
// what that took of the node's processor time and of time.
func (n *node) measure(in accept.Input, connections, batch int) (cpu, wall time.Duration, err error) {
	importing := exec.Command(n.bin, "import", "--network=regtest", "--datadir="+n.dir, in.Chain)
	if out, err := importing.CombinedOutput(); err != nil {
		return 0, 0, fmt.Errorf("import: %w: %s", err, out)
	}
	if err := n.start(connections); err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	bodies := requests(in.Valid, batch)
	before, err := n.cpu()
	if err != nil {
		return 0, 0, err
	}
	profiled := make(chan error, 1)
	if n.pprof != "" {
		go func() { profiled <- n.profile() }()
	} else {
		profiled <- nil
	}
	started := time.Now()
	if err := n.send(bodies, connections, batch); err != nil {
		return 0, 0, err
	}
	wall = time.Since(started)
	after, err := n.cpu()
	if err != nil {
		return 0, 0, err
	}
	if err := <-profiled; err != nil {
		return 0, 0, err
	}
	reply, err := n.post([]byte(`{"method":"getmempoolinfo","params":[],"id":0}`))
	if err != nil {
		return 0, 0, err
	}
	var info struct{ Result struct{ Size int } }
	if err := json.Unmarshal(reply, &info); err != nil || info.Result.Size != len(in.Valid) {
		return 0, 0, fmt.Errorf("the pool has %d transactions, %d were sent (%w)", info.Result.Size, len(in.Valid), err)
	}
	return after - before, wall, nil
}

// requests are the bodies that send transactions, so many in each.
func requests(txs [][]byte, batch int) (bodies [][]byte) {
	for len(txs) > 0 {
		var body []byte
		for i, raw := range txs[:min(batch, len(txs))] {
			if i > 0 {
				body = append(body, ',')
			}
			body = append(body, `{"method":"sendrawtransaction","params":["`...)
			body = hex.AppendEncode(body, raw)
			body = append(body, `"],"id":`...)
			body = append(strconv.AppendInt(body, int64(i), 10), '}')
		}
		if batch > 1 {
			body = append(append([]byte{'['}, body...), ']')
		}
		bodies = append(bodies, body)
		txs = txs[min(batch, len(txs)):]
	}
	return bodies
}

func (n *node) start(connections int) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	args := []string{"node", "--network=regtest", "--datadir=" + n.dir, "--rpcport=" + port, "--listen=0"}
	if n.pprof != "" {
		if n.metrics, err = freeAddress(); err != nil {
			return err
		}
		args = append(args, "--metrics="+n.metrics, "--pprof")
	}
	n.url = "http://" + address + "/"
	n.http = &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
	n.cmd = exec.Command(n.bin, args...)
	var log bytes.Buffer
	n.cmd.Stdout, n.cmd.Stderr = &log, &log
	if err := n.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(startTime); ; time.Sleep(20 * time.Millisecond) {
		if cookie, err := os.ReadFile(filepath.Join(n.dir, "regtest", ".cookie")); err == nil {
			n.user, n.password, _ = strings.Cut(string(cookie), ":")
			reply, err := n.post([]byte(`{"method":"getblockcount","params":[],"id":0}`))
			if err == nil && bytes.Contains(reply, []byte(`"error":null`)) {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return errors.Join(errors.New("the node does not answer"), n.stop(), errors.New(log.String()))
		}
	}
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// profileTime is for how many seconds a profile is taken.
const profileTime = 3

// profile writes what the node does from now on to the file n.pprof.
func (n *node) profile() error {
	resp, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", n.metrics, profileTime))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	profile, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(n.pprof, profile, 0o600)
}

// stop ends the process and waits for it.
func (n *node) stop() error {
	n.http.CloseIdleConnections()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return n.cmd.Wait()
}

// cpu is the processor time of the process so far.
func (n *node) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold spaces; utime and stime are the 12th and
	// the 13th behind it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat: %s", stat)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks, err
}

// send posts all bodies, in turn over the connections.
func (n *node) send(bodies [][]byte, connections, batch int) error {
	errs := make([]error, connections)
	var senders sync.WaitGroup
	for c := range connections {
		senders.Go(func() {
			for i := c; i < len(bodies) && errs[c] == nil; i += connections {
				errs[c] = n.sendOne(bodies[i], batch)
			}
		})
	}
	senders.Wait()
	return errors.Join(errs...)
}

func (n *node) sendOne(body []byte, batch int) error {
	reply, err := n.post(body)
	if err != nil {
		return err
	}
	// Every answer has an error, which is null.
	if bad := bytes.Count(reply, []byte(`"error":`)) - bytes.Count(reply, []byte(`"error":null`)); bad > 0 || batch == 1 && !bytes.Contains(reply, []byte(`"error":null`)) {
		return fmt.Errorf("an answer is an error: %.300s", reply)
	}
	return nil
}

func (n *node) post(body []byte) ([]byte, error) {
	req, err := http.NewRequest(http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(n.user, n.password)
	resp, err := n.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
