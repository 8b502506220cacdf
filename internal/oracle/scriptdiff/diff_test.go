package scriptdiff

import (
	"testing"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
)

// TestVectors runs every vector through both engines.
func TestVectors(t *testing.T) {
	spends, err := corpus.Spends()
	if err != nil {
		t.Fatal(err)
	}
	valid := 0
	for i := range spends {
		v := Compare(&spends[i])
		if v.Diverges() {
			t.Errorf("%s: ours %v, btcd %v", spends[i].Name, v.Ours, v.Theirs)
		}
		if v.Ours == nil {
			valid++
		}
	}
	t.Logf("%d spends, %d valid", len(spends), valid)
}
