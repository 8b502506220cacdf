package node

import (
	"runtime/debug"
	"strings"
)

// Version is the node's own version, which RPC clients see behind Bitcoin
// Core's.
const Version = "0.1.0"

// commit and date are the commit that the source is of, and its date (RFC
// 3339), for builds that cannot see the repository:
//
//	go build -ldflags "-X github.com/keelson-chain/keelson/node.commit=HASH"
//
// They are empty where the Go tool finds out by itself.
var commit, date string

// Build says what the running binary was built from.
type Build struct {
	Version  string
	Commit   string // empty if it is not known
	Date     string // of the commit, YYYY-MM-DD; empty if it is not known
	Modified bool   // the source was not quite that of the commit
	Go       string // the version of Go
}

// ThisBuild returns the Build of the running binary.
func ThisBuild() Build {
	b := Build{Version: Version}
	info, ok := debug.ReadBuildInfo()
	if ok {
		b.Go = info.GoVersion
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	if commit != "" {
		b.Commit, b.Date, b.Modified = commit, date, false
	}
	b.Date, _, _ = strings.Cut(b.Date, "T")
	return b
}

// String is the line that "keelson version" prints, without the program's name.
func (b Build) String() string {
	text := b.Version
	if b.Commit != "" {
		text += " commit " + b.Commit[:min(12, len(b.Commit))]
	}
	if b.Modified {
		text += " (modified)"
	}
	return text + " " + b.Go
}
