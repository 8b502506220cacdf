package sig

// shareAtMost is how many checks share their inversions: more gain little and
// leave the processor's cache. shareAtLeast is how many make sharing pay, by
// measurement.
const (
	shareAtMost  = 256
	shareAtLeast = 8
)

// job is an ECDSA check on its way through a chunk.
type job struct {
	check  *Check
	e      ecdsa
	k      key
	u2     scalar
	before scalar // product of s of all jobs before

	a      combSum // u1*G
	table  table   // odd multiples of the key's twin
	failed bool    // an exceptional case came up in the table
	f      fraction

	decided bool // by f
}

// ecdsaAll reports whether all of the checks of cs at the given places, all of
// them ECDSA, hold.
func (v *dcrd) ecdsaAll(cs []Check, places []int32) bool {
	var jobs []job
	var add adder
	for len(places) > 0 {
		n := min(len(places), shareAtMost)
		if n < shareAtLeast {
			return v.oneByOne(cs, places)
		}
		if jobs == nil {
			jobs = make([]job, n)
		}
		jobs = jobs[:n]
		for j, i := range places[:n] {
			jobs[j] = job{check: &cs[i]}
		}
		if !v.ecdsaChunk(jobs, &add) {
			return false
		}
		places = places[n:]
	}
	return true
}

func (v *dcrd) ecdsaChunk(jobs []job, add *adder) bool {
	for i := range jobs {
		j := &jobs[i]
		if !j.e.parse(j.check) || !j.k.parse(j.check.PubKey) {
			return false
		}
	}
	setMultipliers(jobs)
	tables := make([]*table, len(jobs))
	for i := range jobs {
		tables[i] = &jobs[i].table
		tables[i][0] = jobs[i].k.twin()
	}
	for _, i := range fillTables(tables, add) {
		jobs[i].failed = true
	}
	sums := make([]*combSum, len(jobs))
	for i := range jobs {
		sums[i] = &jobs[i].a
	}
	v.g.mulAll(sums, add)

	dens := make([]*field, 0, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		j.decided = j.a.known() && !j.failed
		if j.decided {
			var q jacobian
			mulAdd(&q, &j.u2, &j.table)
			j.decided = j.f.ecdsa(&j.e, &j.k, &j.a.point, &q)
		}
		if j.decided {
			dens = append(dens, &j.f.den)
		} else if !plainECDSA(j.check) {
			return false
		}
	}
	invertAll(dens)
	for i := range jobs {
		j := &jobs[i]
		if !j.decided {
			continue
		}
		if _, ok := j.f.y(&j.f.den); !ok {
			return false
		}
	}
	return true
}

// setMultipliers computes u1, in digits, and u2, with one inversion of all s.
func setMultipliers(jobs []job) {
	var inv scalar
	inv.SetInt(1)
	for i := range jobs {
		jobs[i].before = inv
		inv.Mul(&jobs[i].e.s)
	}
	inv.InverseNonConst()
	for i := len(jobs) - 1; i >= 0; i-- {
		j := &jobs[i]
		sInv := j.before
		u1, u2 := j.e.multipliers(sInv.Mul(&inv))
		inv.Mul(&j.e.s)
		w := scalarWords(&u1)
		combRecode(&w, &j.a.digits)
		j.u2 = u2
	}
}
