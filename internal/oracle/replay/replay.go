// Package replay imports a flat chain file through an implementation of a
// full node and measures what that costs.
//
// Every measurement is meant to be the only thing that its process does: the
// peak of the resident set belongs to the process as a whole. The command
// cmd/replay starts one process per measurement.
package replay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Result is what one import did and what it cost.
type Result struct {
	Name    string // implementation, and what it left out
	File    string
	Blocks  int
	Inputs  int // coinbases not counted
	Tip     string
	CPU     time.Duration // user and system time of the process, the import alone
	Wall    time.Duration
	PeakRSS int64 // bytes, of the whole process
	Procs   int   // GOMAXPROCS
}

// InputsPerCPU returns the inputs imported in a second of processor time.
func (r Result) InputsPerCPU() float64 { return float64(r.Inputs) / r.CPU.Seconds() }

// MicrosPerInput returns the microseconds of processor time for an input.
func (r Result) MicrosPerInput() float64 { return float64(r.CPU.Microseconds()) / float64(r.Inputs) }

// maxFrame bounds a frame: the weight limit of regtest.
const maxFrame = 4_000_000

// Frames calls f with each block of a chain file, or each transaction of a file
// of transactions: raw, each after its length in 4 bytes, little-endian. f may
// keep what it is given.
func Frames(path string, f func(raw []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 1<<20)
	for n := 1; ; n++ {
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: length of frame %d: %w", path, n, err)
		}
		size := binary.LittleEndian.Uint32(length[:])
		if size > maxFrame {
			return fmt.Errorf("%s: frame %d claims %d bytes", path, n, size)
		}
		raw := make([]byte, size)
		if _, err := io.ReadFull(r, raw); err != nil {
			return fmt.Errorf("%s: frame %d: %w", path, n, err)
		}
		if err := f(raw); err != nil {
			return fmt.Errorf("%s: frame %d: %w", path, n, err)
		}
	}
}

// meter measures processor and wall time from its making to stop.
type meter struct {
	cpu  time.Duration
	wall time.Time
}

func start() (meter, error) {
	cpu, _, err := usage()
	return meter{cpu: cpu, wall: time.Now()}, err
}

func (m meter) stop(r *Result) error {
	cpu, rss, err := usage()
	if err != nil {
		return err
	}
	r.CPU, r.Wall, r.PeakRSS = cpu-m.cpu, time.Since(m.wall), rss
	return nil
}

// CPU returns the user and system time of the process so far.
func CPU() (time.Duration, error) {
	cpu, _, err := usage()
	return cpu, err
}

// usage returns the user and system time of the process so far, and the peak
// of its resident set in bytes (Linux counts that in KiB).
func usage() (cpu time.Duration, peak int64, err error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), u.Maxrss * 1024, nil
}
