//go:build unix

package rpc

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serveAlone makes the test binary a server in a process of its own, whose
// processor time is then that of serving alone.
const serveAlone = "KEELSON_TEST_SERVE"

// TestServeAlone is that process. It says its address and the Authorization
// header on a line, then its processor time for each line that it reads.
func TestServeAlone(t *testing.T) {
	if os.Getenv(serveAlone) == "" {
		t.Skip("run by BenchmarkServer")
	}
	n := startTestNode(t, nil)
	fmt.Printf("serving %s %s\n", n.address, n.authorization())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			t.Fatal(err)
		}
		fmt.Println("used", time.Duration(used.Utime.Nano()+used.Stime.Nano()).Nanoseconds())
	}
}

// aloneServer is a server in another process.
type aloneServer struct {
	tb            testing.TB
	in            io.WriteCloser
	out           *bufio.Scanner
	address, auth string
}

func startAlone(tb testing.TB) *aloneServer {
	tb.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeAlone$", "-test.count=1")
	cmd.Env = append(os.Environ(), serveAlone+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	s := &aloneServer{tb: tb, in: in, out: bufio.NewScanner(out)}
	tb.Cleanup(func() {
		in.Close()
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			tb.Errorf("the server: %v", err)
		}
	})
	s.address, s.auth, _ = strings.Cut(s.line("serving "), " ")
	return s
}

// line returns the rest of the next line that begins with prefix.
func (s *aloneServer) line(prefix string) string {
	for s.out.Scan() {
		if rest, ok := strings.CutPrefix(s.out.Text(), prefix); ok {
			return rest
		}
	}
	s.tb.Fatal("the server ended")
	return ""
}

// used is the processor time that the server has used.
func (s *aloneServer) used() time.Duration {
	io.WriteString(s.in, "\n")
	n, err := strconv.ParseInt(s.line("used "), 10, 64)
	if err != nil {
		s.tb.Fatal(err)
	}
	return time.Duration(n)
}

// BenchmarkServer measures what a call costs the process that serves it: HTTP
// and JSON around a method that does nothing, with a string of 450 hexadecimal
// digits that comes and goes. The clients are another process.
func BenchmarkServer(b *testing.B) {
	call := `{"jsonrpc":"1.0","id":"17","method":"echo","params":["` + strings.Repeat("0123456789abcdef", 29)[:450] + `"]}`
	batch := "[" + strings.Repeat(call+",", 99) + call + "]"
	for _, c := range []struct {
		name        string
		connections int
		body        string
		calls       int
	}{
		{"single/1", 1, call, 1},
		{"single/8", 8, call, 1},
		{"batch100/1", 1, batch, 100},
		{"batch100/8", 8, batch, 100},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := startAlone(b)
			request := "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: " + s.auth +
				"\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(c.body)) + "\r\n\r\n" + c.body
			exchange := make([]func(), c.connections)
			for i := range exchange {
				conn, err := net.Dial("tcp", s.address)
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				r := bufio.NewReader(conn)
				exchange[i] = func() {
					if _, err := io.WriteString(conn, request); err != nil {
						b.Error(err)
						return
					}
					resp, err := http.ReadResponse(r, nil)
					if err != nil {
						b.Error(err)
						return
					}
					defer resp.Body.Close()
					n, err := io.Copy(io.Discard, resp.Body)
					if err != nil || resp.StatusCode != http.StatusOK || n < int64(450*c.calls) {
						b.Errorf("status %d, %d bytes, %v", resp.StatusCode, n, err)
					}
				}
				for range 100 {
					exchange[i]()
				}
			}
			before := s.used()
			b.ResetTimer()
			var clients sync.WaitGroup
			for i, f := range exchange {
				clients.Go(func() {
					for range (b.N + i) / c.connections {
						f()
					}
				})
			}
			clients.Wait()
			b.StopTimer()
			b.ReportMetric(float64((s.used()-before).Nanoseconds())/float64(b.N*c.calls), "server-ns/call")
		})
	}
}
