// Package metrics shows the numbers of a running node to Prometheus, and its
// profiles to "go tool pprof", on a port of its own.
//
// Every part of the node counts for itself and knows nothing of Prometheus: it
// has a method that returns plain numbers. Here stands one Source per part, a
// function that reads those numbers at each scrape and gives them their names.
// To show a new part, write its Source and Add it where the node makes the
// part.
package metrics
