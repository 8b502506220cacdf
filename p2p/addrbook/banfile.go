package addrbook

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// banlist.json is Bitcoin Core's file, readable to either node. Core has no bans
// of peer ids; they stand in a list of their own, which it passes over, as it
// does the member "manual":
//
//	{
//	  "banned_nets": [
//	    {"version": 1, "ban_created": 1700000000, "banned_until": 1700086400, "address": "192.0.2.0/24"}
//	  ],
//	  "banned_peers": [
//	    {"version": 1, "ban_created": 1700000000, "banned_until": 1700086400, "id": "12D3Koo..."}
//	  ]
//	}
type banFile struct {
	Nets  []banEntry `json:"banned_nets"`
	Peers []banEntry `json:"banned_peers,omitempty"`
}

type banEntry struct {
	Version int    `json:"version"`
	Created int64  `json:"ban_created"`
	Until   int64  `json:"banned_until"`
	Address string `json:"address,omitempty"`
	ID      string `json:"id,omitempty"`
	Manual  bool   `json:"manual,omitempty"`
}

// banVersion is that of an entry.
const banVersion = 1

// maxTime bounds the times in files, in seconds, far within what a
// time.Time holds.
const maxTime = 1 << 56

// LoadBans reads the ban list of the last run; a missing file is an empty one.
// The list is there even if there is an error: it is empty if that wraps
// ErrDamaged, and the file was put aside; otherwise single entries that mean
// nothing to us were left out, as the error says.
func LoadBans(file string) (*Bans, error) {
	raw, found, err := readFile(file)
	if !found && err == nil {
		return &Bans{}, nil
	}
	var b *Bans
	if err == nil {
		b, err = decodeBans(raw)
	}
	if b == nil {
		b = &Bans{}
	}
	if err != nil {
		err = fmt.Errorf("ban list: %w", setAside(file, err))
	}
	return b, err
}

// decodeBans reads the file. An error that is not ErrDamaged is about entries
// that were left out.
func decodeBans(raw []byte) (*Bans, error) {
	var file banFile
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if file.Nets == nil {
		return nil, fmt.Errorf("%w: no list banned_nets", ErrDamaged)
	}
	b := &Bans{}
	var left []error
	for _, list := range [][]banEntry{file.Nets, file.Peers} {
		for i := range list {
			ban, err := list[i].ban()
			if err != nil {
				left = append(left, err)
				continue
			}
			b.put(ban)
		}
	}
	b.changed = len(left) > 0
	if len(left) > 0 {
		return b, fmt.Errorf("left out %d of %d entries, the first: %w", len(left), len(file.Nets)+len(file.Peers), left[0])
	}
	return b, nil
}

// ban returns what an entry says.
func (e *banEntry) ban() (Ban, error) {
	if e.Version != banVersion {
		return Ban{}, fmt.Errorf("unknown version %d", e.Version)
	}
	for _, t := range []int64{e.Created, e.Until} {
		if t < -maxTime || t > maxTime {
			return Ban{}, fmt.Errorf("no time: %d", t)
		}
	}
	text := e.Address
	if e.ID != "" {
		text = e.ID
	}
	target, err := ParseTarget(text)
	if err == nil && (target.ID != "") != (e.ID != "") {
		err = fmt.Errorf("%w: %q in the wrong list", ErrTarget, text)
	}
	return Ban{Target: target, Created: time.Unix(e.Created, 0), Until: time.Unix(e.Until, 0), Manual: e.Manual}, err
}

// Save writes the bans that have not ended, if they are not those that were read
// or saved before.
func (b *Bans) Save(file string, now time.Time) error {
	b.mu.Lock()
	b.sweep(now)
	changed := b.changed
	b.changed = false
	list := b.sorted()
	b.mu.Unlock()
	if !changed {
		return nil
	}
	if err := fsys.ReplaceFile(file, func(w io.Writer) error { return writeBans(w, list) }); err != nil {
		b.mu.Lock()
		b.changed = true
		b.mu.Unlock()
		return fmt.Errorf("ban list: %w", err)
	}
	return nil
}

// writeBans writes a list in the order of its targets, entry by entry: there may be
// as many as somebody likes to have banned, at any time.
func writeBans(w io.Writer, list []Ban) error {
	nets := slices.IndexFunc(list, func(b Ban) bool { return b.Target.ID != "" })
	if nets < 0 {
		nets = len(list)
	}
	out := bufio.NewWriter(w)
	_, _ = out.WriteString("{\n  \"banned_nets\": ")
	writeEntries(out, list[:nets])
	if nets < len(list) {
		_, _ = out.WriteString(",\n  \"banned_peers\": ")
		writeEntries(out, list[nets:])
	}
	_, _ = out.WriteString("\n}\n")
	return out.Flush() // which knows of every error before
}

func writeEntries(out *bufio.Writer, list []Ban) {
	if len(list) == 0 {
		_, _ = out.WriteString("[]")
		return
	}
	before := "[\n    "
	for _, ban := range list {
		e := banEntry{Version: banVersion, Created: ban.Created.Unix(), Until: ban.Until.Unix(), ID: ban.Target.ID, Manual: ban.Manual}
		if e.ID == "" {
			e.Address = ban.Target.String()
		}
		raw, err := json.MarshalIndent(e, "    ", "  ")
		if err != nil {
			panic(errors.New("addrbook: a ban that is not JSON: " + err.Error())) // plain strings and numbers
		}
		_, _ = out.WriteString(before)
		_, _ = out.Write(raw)
		before = ",\n    "
	}
	_, _ = out.WriteString("\n  ]")
}
