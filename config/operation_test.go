package config

import (
	"fmt"
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
		{[]string{"--zmqpubrawtx=127.0.0.1:28333"}, `--zmqpubrawtx: "127.0.0.1:28333" is not an address such as tcp://127.0.0.1:28332`},
		{[]string{"--zmqpubrawtx=tcp://127.0.0.1"}, `is not an address`},
		{[]string{"--zmqpubrawtx=tcp://127.0.0.1:65536"}, `is not an address`},
		{[]string{"--zmqpubrawtx=tcp://127.0.0.1:+1"}, `is not an address`},
		{[]string{"--zmqpubrawtx=tcp://::1:28333"}, `is not an address`},
		{[]string{"--zmqpubrawtx=tcp://example.com:28333"}, `is not an address`},
		{[]string{"--zmqpubrawtx=pgm://127.0.0.1:28333"}, `is not an address`},
		{[]string{"--zmqpubrawtx=ipc://"}, `is not an address`},
		{[]string{"--zmqpubrawtx=ipc:///" + strings.Repeat("a", 103)}, `has more than 103 bytes`},
		{[]string{"--zmqpubsequence=tcp://*:1", "--zmqpubsequence=tcp://*:1"}, "--zmqpubsequence: tcp://*:1 is there twice"},
		{[]string{"--zmqpubsequencehwm=-1"}, "--zmqpubsequencehwm"},
	} {
		if _, err := load(t, "", nil, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.args, err, c.want)
		}
	}
}

// TestZMQ: topics have addresses of their own, as many as one likes, which share
// the high-water mark.
func TestZMQ(t *testing.T) {
	if cfg := mustLoad(t, "", nil); len(cfg.ZMQ.Endpoints) != 0 || cfg.Pool.Moves {
		t.Errorf("by default %v, %v", cfg.ZMQ.Endpoints, cfg.Pool.Moves)
	}
	cfg := mustLoad(t, "zmqpubsequence = [\"tcp://*:5\", \"ipc:///tmp/s\"]\n", []string{"KEELSON_ZMQPUBRAWTXHWM=7"},
		"--zmqpubrawtx=tcp://127.0.0.1:28333", "--zmqpubrawtx=unix:/tmp/t", "--zmqpubhashblock=tcp://[::1]:*")
	var got []string
	for _, e := range cfg.ZMQ.Endpoints {
		got = append(got, fmt.Sprintf("%v %v %d", e.Topic, e.Address, e.HWM))
	}
	want := "hashblock tcp://[::1]:0 1000, rawtx tcp://127.0.0.1:28333 7, rawtx ipc:///tmp/t 7, sequence tcp://*:5 1000, sequence ipc:///tmp/s 1000"
	if strings.Join(got, ", ") != want || !cfg.Pool.Moves {
		t.Errorf("%v, want %v", got, want)
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

// TestExplorer: what explorer and explorerfaucet take.
func TestExplorer(t *testing.T) {
	if cfg := mustLoad(t, "", nil); cfg.Explorer.Listen.IsValid() {
		t.Errorf("on by default: %v", cfg.Explorer.Listen)
	}
	for text, want := range map[string]string{"3000": "127.0.0.1:3000", "0": "127.0.0.1:0", "localhost:1": "127.0.0.1:1", "0.0.0.0:80": "0.0.0.0:80", "[::1]:80": "[::1]:80"} {
		cfg := mustLoad(t, "", nil, "--explorer="+text, "--explorerfaucet=/faucet")
		if cfg.Explorer.Listen.String() != want || cfg.Explorer.Faucet != "/faucet" || cfg.Explorer.Params != cfg.Params {
			t.Errorf("%s: %+v", text, cfg.Explorer)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--explorer="}, "--explorer: the port is missing"},
		{[]string{"--explorer=65536"}, `--explorer: "65536" is not a port, or an IP address with a port`},
		{[]string{"--explorerfaucet=/faucet"}, "--explorerfaucet: needs explorer, whose page has the form"},
		{[]string{"--explorer=1", "--explorerfaucet=faucet"}, `--explorerfaucet: "faucet" is not a path such as /faucet`},
		{[]string{"--explorer=1", "--explorerfaucet=//evil.example"}, "is not a path such as /faucet"},
		{[]string{"--explorer=1", "--explorerfaucet=javascript:x"}, "is not a path such as /faucet"},
		{[]string{"--explorer=1", "--explorerfaucet=/a?b"}, "is not a path such as /faucet"},
	} {
		_, err := load(t, "", nil, c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
}
