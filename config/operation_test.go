package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestMetrics: a port alone is one of loopback; anything else is said in full.
func TestMetrics(t *testing.T) {
	if cfg := mustLoad(t, "", nil); cfg.Metrics.IsValid() || cfg.PProf {
		t.Errorf("on by default: %v, %v", cfg.Metrics, cfg.PProf)
	}
	for text, want := range map[string]string{
		"9332": "127.0.0.1:9332", "0": "127.0.0.1:0", "localhost:1": "127.0.0.1:1", "[::1]:9": "[::1]:9", "0.0.0.0:9332": "0.0.0.0:9332",
	} {
		if cfg := mustLoad(t, "", nil, "--metrics="+text); cfg.Metrics.String() != want {
			t.Errorf("%s: %v, want %s", text, cfg.Metrics, want)
		}
	}
	if cfg := mustLoad(t, "pprof = true\n", []string{"KEELSON_METRICS=[::1]:9332"}); !cfg.PProf {
		t.Error("pprof is off")
	}
}

// TestOperationRefused gives each setting of operation a value that makes no sense.
func TestOperationRefused(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--metrics="}, "--metrics: the port is missing"},
		{[]string{"--metrics=65536"}, `--metrics: "65536" is not a port, or an IP address with a port`},
		{[]string{"--metrics=127.0.0.1"}, `is not a port`},
		{[]string{"--metrics=example:9332"}, `is not a port`},
		{[]string{"--metrics=127.0.0.1:"}, `is not a port`},
		{[]string{"--pprof"}, "--pprof: needs metrics, whose port it shares"},
		{[]string{"--metrics=0.0.0.0:9332", "--pprof"}, "--pprof: profiles are shown on loopback alone, and metrics has the address 0.0.0.0"},
	} {
		if _, err := load(t, "", nil, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.args, err, c.want)
		}
	}
}

// TestLogFile: a relative name lies beside the chain.
func TestLogFile(t *testing.T) {
	cfg := mustLoad(t, "", nil, "--network=regtest")
	if cfg.LogFile != "" || cfg.LogMaxSize != 100 || cfg.LogMaxFiles != 10 {
		t.Errorf("by default %q, %d MiB, %d files", cfg.LogFile, cfg.LogMaxSize, cfg.LogMaxFiles)
	}
	cfg = mustLoad(t, "log-max-files = 0\n", []string{"KEELSON_LOG_MAX_SIZE=7"}, "--network=regtest", "--log-file=k.log")
	if cfg.LogFile != filepath.Join(cfg.DataDir, "regtest", "k.log") || cfg.LogMaxSize != 7 || cfg.LogMaxFiles != 0 {
		t.Errorf("%q, %d MiB, %d files", cfg.LogFile, cfg.LogMaxSize, cfg.LogMaxFiles)
	}
	if cfg = mustLoad(t, "", nil, "--log-file=/var/log/k.log"); cfg.LogFile != "/var/log/k.log" {
		t.Errorf("%q", cfg.LogFile)
	}
}
