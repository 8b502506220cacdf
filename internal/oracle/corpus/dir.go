// Package corpus reads the public script vectors that btcd's txscript module
// carries, from the Go module cache, which holds them on every machine that
// can build this module.
package corpus

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ModuleDir returns the folder of a module that this module depends on. The
// working directory must lie in this module.
func ModuleDir(path string) (string, error) {
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go list -m %s: %w", path, err)
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		return "", fmt.Errorf("module %s is not in the module cache: run go mod download", path)
	}
	return dir, nil
}

// Dir returns the folder of the script vectors.
func Dir() (string, error) {
	dir, err := ModuleDir("github.com/btcsuite/btcd/txscript/v2")
	return filepath.Join(dir, "data"), err
}
