package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/internal/latency"
)

// start runs a Server on a free port until the test ends.
func start(t *testing.T, pprof bool) *Server {
	t.Helper()
	s, err := New(Config{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), PProf: pprof,
		Version: "1.2.3", Commit: "abc", Network: "regtest", Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// get asks for a path, as host if that is not empty.
func get(t *testing.T, s *Server, path, host string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Address()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestSources scrapes a source with one metric of each kind, and reads what
// comes with Prometheus' own parser.
func TestSources(t *testing.T) {
	s := start(t, false)
	n := 0.0
	s.Add(func(r *Report) {
		n++
		r.Gauge("test_gauge", "A gauge.", n)
		r.Bool("test_bool", "A switch.", true)
		r.Counter("test_total", "A counter.", 5, "kind", "a")
		r.Counter("test_total", "A counter.", 6, "kind", "b")
		var h latency.Histogram
		h.Observe(1500000)   // 1.5 ms
		h.Observe(200 * 1e9) // beyond every bucket
		r.Durations("test_seconds", "Durations.", h.Snapshot())
	})
	for scrape := range 2 {
		status, body := get(t, s, "/metrics", "")
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		p := expfmt.NewTextParser(model.UTF8Validation)
		families, err := p.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if g := families["test_gauge"].GetMetric(); len(g) != 1 || g[0].GetGauge().GetValue() != float64(scrape+1) {
			t.Errorf("scrape %d: gauge %v", scrape, g)
		}
		if g := families["test_bool"].GetMetric(); len(g) != 1 || g[0].GetGauge().GetValue() != 1 {
			t.Errorf("switch %v", g)
		}
		c := families["test_total"].GetMetric()
		if len(c) != 2 || c[1].GetCounter().GetValue() != 6 || c[1].GetLabel()[0].GetValue() != "b" {
			t.Errorf("counter %v", c)
		}
		h := families["test_seconds"].GetMetric()[0].GetHistogram()
		if h.GetSampleCount() != 2 || h.GetSampleSum() != 200.0015 {
			t.Errorf("histogram %v", h)
		}
		for _, b := range h.GetBucket() {
			want := uint64(1)
			switch {
			case b.GetUpperBound() < 0.0015:
				want = 0
			case b.GetUpperBound() > 100: // +Inf
				want = 2
			}
			if b.GetCumulativeCount() != want {
				t.Errorf("bucket %v: %d, want %d", b.GetUpperBound(), b.GetCumulativeCount(), want)
			}
		}
		labels := fmt.Sprint(families["keelson_build_info"].GetMetric()[0].GetLabel())
		for _, want := range []string{"1.2.3", "abc", "regtest"} {
			if !strings.Contains(labels, want) {
				t.Errorf("build: %s", labels)
			}
		}
		for _, name := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "process_start_time_seconds"} {
			if families[name] == nil && (runtime.GOOS == "linux" || !strings.HasPrefix(name, "process")) {
				t.Errorf("%s is missing", name)
			}
		}
	}
}

// TestPProf reaches the profiles only where they are switched on, and never the
// command line, which may hold a password.
func TestPProf(t *testing.T) {
	off, on := start(t, false), start(t, true)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/heap", "/debug/pprof/symbol"} {
		if status, _ := get(t, off, path, ""); status != http.StatusNotFound {
			t.Errorf("off: %s: status %d", path, status)
		}
		if status, _ := get(t, on, path, ""); status != http.StatusOK {
			t.Errorf("on: %s: status %d", path, status)
		}
	}
	if status, body := get(t, on, "/debug/pprof/cmdline", ""); status != http.StatusNotFound {
		t.Errorf("the command line is shown: %d %q", status, body)
	}
	if status, _ := get(t, on, "/", ""); status != http.StatusNotFound {
		t.Errorf("/: status %d", status)
	}
}

// TestHost refuses what a browser asks for a page of somebody else.
func TestHost(t *testing.T) {
	s := start(t, true)
	for host, want := range map[string]int{
		"": 200, "localhost": 200, "localhost:9332": 200, "[::1]:1": 200, "127.0.0.1": 200, "10.0.0.1:5": 200,
		"evil.example": 403, "evil.example:9332": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example:80": 403,
	} {
		if status, _ := get(t, s, "/metrics", host); status != want {
			t.Errorf("%q: status %d, want %d", host, status, want)
		}
	}
}

// TestStop: Run ends though a profile of a minute is being taken.
func TestStop(t *testing.T) {
	s, err := New(Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), PProf: true, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A trace sends its head at once, which tells that it has begun.
	fmt.Fprintf(conn, "GET /debug/pprof/trace?seconds=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// TestRefused: a port that is taken, and profiles for everybody.
func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := New(Config{Listen: netip.MustParseAddrPort(l.Addr().String())}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port that is taken: %v", err)
	}
	if s, err := New(Config{Listen: netip.MustParseAddrPort("0.0.0.0:0"), PProf: true}); err == nil {
		s.Close()
		t.Error("profiles are shown to everybody")
	}
}

// TestNone: without a port there is a server that does nothing.
func TestNone(t *testing.T) {
	s, err := New(Config{PProf: false})
	if s != nil || err != nil {
		t.Fatal(s, err)
	}
	s.Add(func(*Report) { t.Error("a source was asked") })
	if err := s.Run(t.Context()); err != nil {
		t.Error(err)
	}
	s.Close()
}
