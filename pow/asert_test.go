package pow_test

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/pow"
)

// TestASERTVectors runs the twelve published runs of aserti3-2d.
func TestASERTVectors(t *testing.T) {
	rows := 0
	for run := 1; run <= 12; run++ {
		name := fmt.Sprintf("asert/run%02d", run)
		rows += testASERTRun(t, name, vectors.Read(t, name))
	}
	if rows != 14000 {
		t.Errorf("%d rows, want 14000", rows)
	}
}

func testASERTRun(t *testing.T, name string, text []byte) (rows int) {
	rule := pow.ASERT{Spacing: 600, HalfLife: 172800, Limit: target(t, 0x1d00ffff)}
	anchor := regexp.MustCompile(`anchor (height|parent time|ancestor time|nBits): (\w+)`)
	given := map[string]bool{}
	description := ""
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			if m := anchor.FindStringSubmatch(line); m != nil {
				v, err := strconv.ParseInt(m[2], 0, 64)
				if err != nil {
					t.Fatal(name, err)
				}
				given[m[1]] = true
				switch m[1] {
				case "height":
					rule.AnchorHeight = v
				case "nBits":
					rule.AnchorBits = pow.Bits(v)
				default:
					rule.AnchorParentTime = v
				}
			} else if strings.Contains(line, "description") {
				description = line
			}
			continue
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if len(given) != 3 {
			t.Fatalf("%s: anchor not understood, only %v", name, given)
		}
		// Run 10 crosses the largest signed height: only differences of
		// heights count, and those are right modulo 2^64.
		var i, when int64
		var height uint64
		var want uint32
		if _, err := fmt.Sscanf(line, "%d %d %d 0x%x", &i, &height, &when, &want); err != nil {
			t.Fatalf("%s: %q: %v", name, line, err)
		}
		rows++
		if got := rule.Next(int64(height), when); got != pow.Bits(want) {
			t.Errorf("%s row %d (%s): height %d, time %d: %v, want %08x", name, i, description, height, when, got, want)
		}
	}
	return rows
}
