package sim

import (
	"path"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// ledgerDirs are the folders of a ledger.
var ledgerDirs = []string{".", "blocks", "db"}

// copyFiles copies a closed ledger from one file system to another.
func copyFiles(to, from fsys.FS) error {
	for _, dir := range ledgerDirs {
		if err := to.MkdirAll(dir); err != nil {
			return err
		}
		names, err := from.List(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			name = path.Join(dir, name)
			if name == "blocks" || name == "db" {
				continue
			}
			if err := copyFile(to, from, name); err != nil {
				return err
			}
		}
		if err := to.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to, from fsys.FS, name string) error {
	in, err := from.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	size, err := in.Size()
	if err != nil {
		return err
	}
	data := make([]byte, size)
	if size > 0 {
		if _, err := in.ReadAt(data, 0); err != nil {
			return err
		}
	}
	out, err := to.Create(name)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := out.WriteAt(data, 0); err != nil {
		return err
	}
	return out.Sync()
}
