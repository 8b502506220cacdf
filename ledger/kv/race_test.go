//go:build race

package kv

// raceDetector: goleveldb closes a channel that a failing compaction may still
// send on, and recovers. It is right to, but the race detector says otherwise.
const raceDetector = true
