package config

import "fmt"

// unknown is the error for a name that no setting has. form turns a name into
// the form in which the caller's source writes it.
func unknown(given string, name string, form func(string) string) error {
	best, distance := "", len(name)/2+1
	each(func(s *setting) {
		if d := editDistance(name, s.name); d < distance {
			best, distance = s.name, d
		}
	})
	if best == "" {
		return fmt.Errorf("unknown setting %q; --help lists them all", given)
	}
	return fmt.Errorf("unknown setting %q; did you mean %q?", given, form(best))
}

// editDistance counts the letters to insert, delete, replace or swap with
// their neighbour to get from a to b.
func editDistance(a, b string) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
