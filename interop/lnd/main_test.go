package lnd

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// lndBinary is the lnd that was built.
var lndBinary string

// TestMain builds lnd, which takes ten minutes once and then some seconds.
func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if lndBinary, err = buildLnd(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// buildLnd leaves lnd in the user's cache, where Go sees whether it is up to date.
// KEELSON_LND names another one that is to be used instead; it needs these tags.
func buildLnd() (string, error) {
	if name := os.Getenv("KEELSON_LND"); name != "" {
		return name, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "keelson-interop-lnd")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "invoicesrpc walletrpc signrpc chainrpc watchtowerrpc",
		"-o", dir+string(filepath.Separator),
		"github.com/lightningnetwork/lnd/cmd/lnd", "github.com/lightningnetwork/lnd/cmd/lncli")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building lnd: %w\n%s", err, out)
	}
	return filepath.Join(dir, "lnd"), nil
}
