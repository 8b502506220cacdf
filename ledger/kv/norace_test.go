//go:build !race

package kv

const raceDetector = false
