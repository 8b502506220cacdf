package procs

import (
	"bytes"
	"sync"
)

// Output is what a process writes, which may be read while it does.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write adds to the output.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

// Bytes returns what was written so far.
func (o *Output) Bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.buf.Bytes())
}

// String returns what was written so far.
func (o *Output) String() string { return string(o.Bytes()) }

// Len returns how many bytes were written so far.
func (o *Output) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Len()
}

// tail is how much of an output Tail returns at most.
const tail = 4 << 10

// Tail returns the end of what was written so far.
func (o *Output) Tail() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.buf.Bytes()
	return bytes.Clone(b[max(0, len(b)-tail):])
}
