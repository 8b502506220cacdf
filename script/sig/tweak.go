package sig

// tweakJob is a tweak on its way through a chunk.
type tweakJob struct {
	check   *Check
	e       tweak
	k       key
	a       combSum // t*G
	f       fraction
	decided bool // by f
}

// tweakAll reports whether all of the checks of cs at the given places, all of
// them tweaks, hold.
func (v *dcrd) tweakAll(cs []Check, places []int32) bool {
	var jobs []tweakJob
	var add adder
	for len(places) > 0 {
		n := min(len(places), shareAtMost)
		if n < shareAtLeast {
			return v.oneByOne(cs, places)
		}
		if jobs == nil {
			jobs = make([]tweakJob, n)
		}
		jobs = jobs[:n]
		for j, i := range places[:n] {
			jobs[j] = tweakJob{check: &cs[i]}
		}
		if !v.tweakChunk(jobs, &add) {
			return false
		}
		places = places[n:]
	}
	return true
}

func (v *dcrd) tweakChunk(jobs []tweakJob, add *adder) bool {
	sums := make([]*combSum, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		if !j.e.parse(j.check) || !j.k.parseX(j.check.PubKey) {
			return false
		}
		w := scalarWords(&j.e.t)
		combRecode(&w, &j.a.digits)
		sums[i] = &j.a
	}
	v.g.mulAll(sums, add)
	dens := make([]*field, 0, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		j.decided = j.a.known() && j.f.tweak(&j.e, &j.k, &j.a.point)
		if j.decided {
			dens = append(dens, &j.f.den)
		} else if !plainTweak(j.check) {
			return false
		}
	}
	invertAll(dens)
	for i := range jobs {
		j := &jobs[i]
		if j.decided && !j.f.tweakHolds(&j.e, &j.a.point, &j.f.den) {
			return false
		}
	}
	return true
}
