package main

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/keelson-chain/keelson/testnet/procs"
)

// fetch asks for a URL.
func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
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

// metrics scrapes a node; it returns what it shows by name.
func metrics(t *testing.T, port string) map[string]*dto.MetricFamily {
	t.Helper()
	status, body := fetch(t, "http://127.0.0.1:"+port+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return families
}

// number returns a gauge or counter by its name and the values of its labels.
func number(families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	for _, m := range families[name].GetMetric() {
		var values []string
		for _, l := range m.GetLabel() {
			values = append(values, l.GetValue())
		}
		if strings.Join(values, ",") == strings.Join(labels, ",") {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return -1
}

// TestMetrics makes blocks, a reorganisation and a wrong call, and finds all of
// it in what Prometheus sees.
func TestMetrics(t *testing.T) {
	bin := procs.Build(t)
	port := procs.FreePort(t)
	n := procs.Start(t, bin, t.TempDir(), "--metrics="+port, "--pprof")
	n.CLI(t, "generatetoaddress", "7", mineTo)
	sixth := n.CLI(t, "getblockhash", "6")
	n.CLI(t, "invalidateblock", sixth)
	n.CLI(t, "generatetoaddress", "1", "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry")
	n.CLI(t, "reconsiderblock", sixth) // the branch that was left is the longer one again
	if out, err := procs.Command(t.Context(), bin, "cli", "-regtest", "-datadir="+n.Dir, "-rpcport="+n.Port, "getblockhash", "99").CombinedOutput(); err == nil {
		t.Fatalf("a block that is not there: %s", out)
	}

	f := metrics(t, port)
	for _, c := range []struct {
		want float64
		name string
		of   []string
	}{
		{7, "keelson_chain_height", nil},
		{7, "keelson_chain_headers", nil},
		{0, "keelson_chain_initial_download", nil},
		{8, "keelson_chain_transactions", nil},
		{10, "keelson_blocks_connected_total", nil},
		{3, "keelson_blocks_disconnected_total", nil},
		{0, "keelson_blocks_invalid_total", nil},
		{1, "keelson_reorganisations_total", nil},
		{2, "keelson_rpc_calls_total", []string{"generatetoaddress", "ok"}},
		{0, "keelson_rpc_calls_total", []string{"generatetoaddress", "error"}},
		{1, "keelson_rpc_calls_total", []string{"getblockhash", "ok"}},
		{1, "keelson_rpc_calls_total", []string{"getblockhash", "error"}},
		{16, "keelson_rpc_threads", nil},
		{0, "keelson_mempool_transactions", nil},
		{0, "keelson_miner_hash_rate", nil},
		{8, "keelson_miner_blocks_total", nil},
		{0, "keelson_rpc_queue", nil},
		{0, "keelson_rpc_refused_total", nil},
	} {
		if got := number(f, c.name, c.of...); got != c.want {
			t.Errorf("%s%v is %v, want %v", c.name, c.of, got, c.want)
		}
	}
	for _, name := range []string{
		"keelson_chain_tip_time_seconds", "keelson_chain_difficulty", "keelson_coin_cache_bytes", "keelson_coin_cache_coins",
		"keelson_block_files_bytes", "go_goroutines",
	} {
		if got := number(f, name); got <= 0 {
			t.Errorf("%s is %v", name, got)
		}
	}
	if got := number(f, "process_resident_memory_bytes"); got <= 0 && runtime.GOOS == "linux" {
		t.Errorf("memory of the process: %v", got)
	}
	if h := f["keelson_block_validation_seconds"].GetMetric()[0].GetHistogram(); h.GetSampleCount() != 10 || h.GetSampleSum() <= 0 {
		t.Errorf("validation: %v", h)
	}
	if len(f["keelson_build_info"].GetMetric()) != 1 {
		t.Error("no build info")
	}

	if status, body := fetch(t, "http://127.0.0.1:"+port+"/debug/pprof/goroutine?debug=1"); status != 200 || !strings.Contains(body, "node.Run") {
		t.Errorf("goroutines: status %d, %s", status, body)
	}
	n.Stop(t)
}

// TestNoMetrics: nothing is shown that was not asked for.
func TestNoMetrics(t *testing.T) {
	bin := procs.Build(t)
	n := procs.Start(t, bin, t.TempDir())
	n.Stop(t)
	if strings.Contains(n.Out.String(), "metrics are shown") {
		t.Errorf("metrics are shown:\n%s", n.Out.Bytes())
	}
	port := procs.FreePort(t)
	n = procs.Start(t, bin, t.TempDir(), "--metrics="+port)
	if status, _ := fetch(t, "http://127.0.0.1:"+port+"/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("profiles: status %d", status)
	}
	n.Stop(t)
	wantFailure(t, bin, 2, "needs metrics", "node", "--network=regtest", "--datadir="+t.TempDir(), "--pprof")
}
