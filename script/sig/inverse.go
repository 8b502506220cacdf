package sig

import "math/big"

// invert sets f, of any magnitude that normalising takes, to its inverse
// modulo p; zero stays zero.
func invert(f *field) {
	var b [32]byte
	f.Normalize().PutBytes(&b)
	v := new(big.Int).SetBytes(b[:])
	if v.Sign() == 0 {
		return
	}
	v.ModInverse(v, bigField)
	v.FillBytes(b[:])
	f.SetBytes(&b)
}

var bigField = new(big.Int).SetBytes([]byte{
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xfc, 0x2f})

// invertAll inverts fields that are not zero, with one inversion.
func invertAll(fs []*field) {
	before := make([]field, len(fs)) // product of all before
	var product field
	product.SetInt(1)
	for i, f := range fs {
		before[i] = product
		product.Mul(f)
	}
	invert(&product)
	for i := len(fs) - 1; i >= 0; i-- {
		f := *fs[i]
		fs[i].Mul2(&before[i], &product)
		product.Mul(&f)
	}
}
