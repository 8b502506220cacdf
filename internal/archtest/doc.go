// Package archtest holds the architecture of the module as data, and tests
// that the source keeps to it: which package may import which, which packages
// are pure, and what purity means. It has no code for use by other packages.
//
// A failing test means one of two things. Most often the new import or call is
// in the wrong place, and belongs on a higher floor or behind an argument.
// Otherwise the architecture changes: then rules_test.go, docs/ARCHITECTURE.md and
// a record in docs/adr change in the same commit.
package archtest
