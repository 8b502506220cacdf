package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Place is where a running network is found: a file in its folder says so as
// long as it runs.
type Place struct {
	Address  string `json:"address"` // HOST:PORT of the control port
	User     string `json:"user"`
	Password string `json:"password"`
	PID      int    `json:"pid"` // of the process that has the port
}

const placeFile = "control.json"

// ErrNone is what Find reports of a folder in which no network runs.
var ErrNone = errors.New("no test network runs")

// write puts the place into the folder, for its owner alone. The file appears
// whole or not at all.
func (p Place) write(dir string) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, placeFile+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, placeFile)); err != nil {
		os.Remove(f.Name())
		return err
	}
	return nil
}

// Find reads the place of the network in a folder: ErrNone if none runs there.
func Find(dir string) (Place, error) {
	var p Place
	text, err := os.ReadFile(filepath.Join(dir, placeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("%w in %s", ErrNone, dir)
	}
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(text, &p); err != nil || p.Address == "" {
		return p, fmt.Errorf("%s is damaged: it says nothing of a test network", filepath.Join(dir, placeFile))
	}
	return p, nil
}
