package accept

import "testing"

// TestVerdicts holds every answer of Keelson's pool against btcd's.
func TestVerdicts(t *testing.T) {
	dir := t.TempDir()
	const n = 320
	chain, transactions, err := Generate(dir, n, true)
	if err != nil {
		t.Fatal(err)
	}
	in, err := Load(chain, transactions, n, n)
	if err != nil {
		t.Fatal(err)
	}
	btcd, err := BTCD(in, dir)
	if err != nil {
		t.Fatal(err)
	}
	k, err := OpenKeelson(in, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, add := range []func() (Result, error){k.One, k.All} {
		ours, err := add()
		if err != nil {
			t.Fatal(err)
		}
		for i := range in.Valid {
			if btcd.Refused[i] != "" || ours.Refused[i] != "" {
				t.Errorf("valid transaction %d is refused: btcd %q, %s %q", i, btcd.Refused[i], ours.Name, ours.Refused[i])
			}
		}
		accepted := agree(t, in, ours.Name+", empty pool", btcd.RefusedEmpty, ours.RefusedEmpty)
		// Those that are not broken at all.
		if want := n / len(breaks); accepted != want {
			t.Errorf("an empty pool accepts %d variants, want %d", accepted, want)
		}
		if accepted := agree(t, in, ours.Name+", full pool", btcd.RefusedFull, ours.RefusedFull); accepted != 0 {
			t.Errorf("a full pool accepts %d variants, want none", accepted)
		}
	}
}

// agree compares the answers about broken variants, and returns how many both
// accept.
func agree(t *testing.T, in Input, where string, btcd, ours []string) (accepted int) {
	t.Helper()
	if len(in.Broken) < len(in.Valid)/2 || len(btcd) != len(in.Broken) || len(ours) != len(in.Broken) {
		t.Fatalf("%d variants, %d and %d answers", len(in.Broken), len(btcd), len(ours))
	}
	for i, b := range in.Broken {
		if (btcd[i] == "") != (ours[i] == "") {
			t.Errorf("%s: variant %d (%s): btcd %q, we %q", where, i, b.How, btcd[i], ours[i])
		}
		if btcd[i] == "" && ours[i] == "" {
			accepted++
		}
	}
	return accepted
}
