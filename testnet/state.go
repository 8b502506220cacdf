package testnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// stateName is the file in a network's folder that says what was made there, so that
// a network that is kept can go on, and the remains of one that was killed be removed.
const stateName = "testnet.json"

// stateVersion is that of the file's layout.
const stateVersion = 1

// state is the file's content.
type state struct {
	Version  int           `json:"version"`
	Keep     bool          `json:"keep"`
	Ready    bool          `json:"ready"` // the nodes have got their first blocks
	Seed     string        `json:"seed"`
	Accounts int           `json:"accounts"`
	Ports    [][3]uint16   `json:"ports"` // of each node: JSON-RPC, peers, explorer
	User     string        `json:"user"`
	Password string        `json:"password"`
	Args     []string      `json:"args,omitempty"`
	Offset   time.Duration `json:"offset"` // of the clocks
	Mining   Mining        `json:"mining"`
	Stages   []Stage       `json:"stages,omitempty"`
}

// save writes the file, which is replaced as a whole once it is safe on disk. Only
// who changes the network in turn calls it.
func (n *Network) save() error {
	n.mu.Lock()
	s := state{
		Version: stateVersion, Keep: n.cfg.Keep, Ready: n.ready, Seed: n.cfg.Seed, Accounts: n.cfg.Accounts, Ports: n.ports,
		User: n.cfg.User, Password: n.cfg.Password, Args: n.cfg.Args, Offset: n.offset, Mining: n.mining, Stages: n.stages,
	}
	n.mu.Unlock()
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return fsys.ReplaceFileBytes(filepath.Join(n.cfg.Dir, stateName), append(text, '\n'))
}

// Kept reports whether a folder has a network that was kept, which Up goes on from.
func Kept(dir string) (bool, error) {
	s, err := readState(dir)
	return s != nil && s.Keep, err
}

// readState reads the file of a folder, nil if there is none.
func readState(dir string) (*state, error) {
	name := filepath.Join(dir, stateName)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(state)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; remove the folder to begin anew", name, err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("%s is of version %d, not %d: it is another program's", name, s.Version, stateVersion)
	}
	if len(s.Ports) < 1 || len(s.Ports) > MaxNodes {
		return nil, fmt.Errorf("%s is damaged: it tells of %d nodes; remove the folder to begin anew", name, len(s.Ports))
	}
	return s, nil
}

// resume brings together what the caller asks for and what the folder has. It returns
// whether the network goes on.
func (n *Network) resume() (bool, error) {
	s, err := readState(n.cfg.Dir)
	if err != nil || s == nil {
		return false, err
	}
	if !s.Keep || !s.Ready { // what is left of a network that was killed
		return false, n.clear(len(s.Ports))
	}
	if !n.cfg.Keep {
		return false, bad("the folder %s has a network that was kept: keep it again to go on from there, or remove the folder", n.cfg.Dir)
	}
	given := n.given
	switch {
	case given.Nodes != 0 && given.Nodes != len(s.Ports):
		return false, bad("%d nodes: the network that was kept in %s has %d", given.Nodes, n.cfg.Dir, len(s.Ports))
	case given.Seed != "" && given.Seed != s.Seed:
		return false, bad("the network that was kept in %s has another seed", n.cfg.Dir)
	case given.Accounts != 0 && given.Accounts != s.Accounts:
		return false, bad("%d accounts: the network that was kept in %s has %d", given.Accounts, n.cfg.Dir, s.Accounts)
	case given.BasePort != 0 && given.BasePort != s.Ports[0][0]:
		return false, bad("base port %d: the network that was kept in %s has %d", given.BasePort, n.cfg.Dir, s.Ports[0][0])
	}
	n.cfg.Nodes, n.cfg.Seed, n.cfg.Accounts = len(s.Ports), s.Seed, s.Accounts
	n.ports, n.offset, n.stages = s.Ports, s.Offset, s.Stages
	if given.User == "" {
		n.cfg.User = s.User
	}
	if given.Password == "" {
		n.cfg.Password = s.Password
	}
	if given.Mining.Mode == "" {
		n.cfg.Mining = s.Mining
	}
	if len(given.Args) == 0 {
		n.cfg.Args = s.Args
	}
	return true, n.cfg.Mining.check(n.cfg.Nodes)
}

// clear removes the folders of so many nodes, and the file that tells of them.
func (n *Network) clear(nodes int) error {
	var err error
	for i := range nodes {
		err = errors.Join(err, os.RemoveAll(n.dirOf(i)))
	}
	if e := os.Remove(filepath.Join(n.cfg.Dir, stateName)); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}
