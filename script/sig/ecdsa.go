package sig

// ecdsaChunk is how many ECDSA checks share their inversions: more gain little
// and leave the processor's cache.
const ecdsaChunk = 256

// ecdsaAtLeast is the number of ECDSA checks from which on sharing pays, by
// measurement.
const ecdsaAtLeast = 8

// job is an ECDSA check on its way through a chunk.
type job struct {
	check  *Check
	e      ecdsa
	k      key
	u2     scalar
	before scalar // product of s of all jobs before
	digits [combDigits]int16

	table  [tableSize]point // odd multiples of the key's twin
	twice  point            // 2 times the twin
	a      point            // u1*G
	some   bool             // a is set
	plain  bool             // an exceptional case came up
	f      finish
	behind field // product of the denominators of all jobs before
}

// ecdsaAll reports whether all of the checks of cs at the given places, all of
// them ECDSA, hold.
func (v *dcrd) ecdsaAll(cs []Check, places []int32) bool {
	var jobs []job
	var add adder
	for len(places) > 0 {
		n := min(len(places), ecdsaChunk)
		if n < ecdsaAtLeast {
			for _, i := range places {
				if !v.ecdsa(&cs[i]) {
					return false
				}
			}
			return true
		}
		if jobs == nil {
			jobs = make([]job, n)
		}
		jobs = jobs[:n]
		for j, i := range places[:n] {
			jobs[j] = job{check: &cs[i]}
		}
		if !v.chunk(jobs, &add) {
			return false
		}
		places = places[n:]
	}
	return true
}

func (v *dcrd) chunk(jobs []job, add *adder) bool {
	for i := range jobs {
		j := &jobs[i]
		if !j.e.parse(j.check) || !j.k.parse(j.check.PubKey) {
			return false
		}
	}
	setMultipliers(jobs)
	setTables(jobs, add)
	v.g.mulAll(jobs, add)

	var product field
	product.SetInt(1)
	for i := range jobs {
		j := &jobs[i]
		if !j.plain && j.some {
			var q jacobian
			mulAdd(&q, &j.u2, &j.table)
			j.plain = !j.f.set(&j.e, &j.k, &j.a, &q)
		}
		if j.plain || !j.some {
			if !plainECDSA(j.check) {
				return false
			}
			j.plain = true
			continue
		}
		j.behind = product
		product.Mul(&j.f.den)
	}
	inv := product
	invert(&inv)
	for i := len(jobs) - 1; i >= 0; i-- {
		j := &jobs[i]
		if j.plain {
			continue
		}
		j.behind.Mul(&inv)
		if !j.f.valid(&j.k, &j.behind) {
			return false
		}
		inv.Mul(&j.f.den)
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
		combRecode(&w, &j.digits)
		j.u2 = u2
	}
}

// setTables computes the odd multiples of all keys' twins. On a twin of a bad
// key, whose points may have any order, that may fail.
func setTables(jobs []job, add *adder) {
	for i := range jobs {
		j := &jobs[i]
		j.table[0] = j.k.twin()
		add.double(&j.twice, &j.table[0])
	}
	fail(jobs, nil, add.run())
	for m := 1; m < tableSize; m++ {
		for i := range jobs {
			j := &jobs[i]
			add.add(&j.table[m], &j.table[m-1], &j.twice, false)
		}
		fail(jobs, nil, add.run())
	}
}

// mulAll computes a of all jobs.
func (t *comb) mulAll(jobs []job, add *adder) {
	who := make([]int32, 0, len(jobs))
	for w := range t {
		who = who[:0]
		for i := range jobs {
			j := &jobs[i]
			d := j.digits[w]
			if d == 0 || j.plain {
				continue
			}
			q := &t[w][max(d, -d)-1]
			if !j.some {
				j.some, j.a = true, *q
				if d < 0 {
					j.a.y.Negate(1).Normalize()
				}
				continue
			}
			add.add(&j.a, &j.a, q, d < 0)
			who = append(who, int32(i))
		}
		fail(jobs, who, add.run())
	}
}

// fail marks the jobs of additions that could not be done. who tells the job
// of each addition, nil that there was one for every job.
func fail(jobs []job, who []int32, bad []badOp) {
	for _, b := range bad {
		i := b.op
		if who != nil {
			i = int(who[i])
		}
		jobs[i].plain = true
	}
}
