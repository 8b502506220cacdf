package script

// checkECDSAEncodings checks a signature with its hash type byte and a key
// against the encodings that the flags ask for. The empty signature always
// passes: it is the canonical invalid one.
func (e *engine) checkECDSAEncodings(signature, key []byte) ErrorCode {
	if code := checkSigEncoding(signature, e.flags); code != errOK {
		return code
	}
	if e.flags&VerifyStrictEnc != 0 && !isCompressed(key) && !isUncompressed(key) {
		return ErrPubKeyType
	}
	if e.flags&VerifyWitnessPubKeyType != 0 && e.version == witnessV0 && !isCompressed(key) {
		return ErrWitnessPubKeyType
	}
	return errOK
}

func checkSigEncoding(signature []byte, flags Flags) ErrorCode {
	if len(signature) == 0 || flags&(VerifyDERSig|VerifyLowS|VerifyStrictEnc) == 0 {
		return errOK
	}
	r, s, ok := splitDER(signature)
	switch {
	case !ok:
		return ErrSigDER
	case flags&VerifyLowS != 0 && isHighS(r, s):
		return ErrSigHighS
	case flags&VerifyStrictEnc != 0 && !isDefinedHashType(signature[len(signature)-1]):
		return ErrSigHashType
	}
	return errOK
}

func isDefinedHashType(hashType byte) bool {
	base := hashType &^ SigHashAnyOneCanPay
	return base >= SigHashAll && base <= SigHashSingle
}

// splitDER returns the integers of a signature in strict DER with its hash
// type byte behind it (BIP 66):
//
//	30 total 02 len(R) R 02 len(S) S hashtype
//
// where total counts what follows up to the hash type, every length is one
// byte, and R and S are big-endian, not empty, not negative and without a
// leading zero that the sign does not need. Their size is not bounded to 32.
func splitDER(b []byte) (r, s []byte, ok bool) {
	if len(b) < 9 || len(b) > 73 || b[0] != 0x30 || int(b[1]) != len(b)-3 {
		return nil, nil, false
	}
	rest := b[2 : len(b)-1]
	if r, rest, ok = splitDERInt(rest); !ok {
		return nil, nil, false
	}
	if s, rest, ok = splitDERInt(rest); !ok || len(rest) > 0 {
		return nil, nil, false
	}
	return r, s, true
}

func splitDERInt(b []byte) (v, rest []byte, ok bool) {
	if len(b) < 3 || b[0] != 0x02 || b[1] == 0 || int(b[1]) > len(b)-2 {
		return nil, nil, false
	}
	v, rest = b[2:2+int(b[1])], b[2+int(b[1]):]
	if v[0]&0x80 != 0 || len(v) > 1 && v[0] == 0 && v[1]&0x80 == 0 {
		return nil, nil, false
	}
	return v, rest, true
}

// The order of the group and half of it, rounded down, big-endian.
var (
	groupOrder = [32]byte{
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
		0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
	}
	halfOrder = [32]byte{
		0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
	}
)

// isHighS reports whether S exceeds half the group order. Where R or S is not
// below the order the signature counts as that of two zeros, which is low.
func isHighS(r, s []byte) bool {
	rv, ok := scalarBytes(r)
	if !ok {
		return false
	}
	sv, ok := scalarBytes(s)
	return ok && lessHash(&rv, &groupOrder) && lessHash(&sv, &groupOrder) && lessHash(&halfOrder, &sv)
}

// scalarBytes returns a big-endian number as 32 bytes, false if it is longer.
func scalarBytes(b []byte) (v [32]byte, ok bool) {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) > len(v) {
		return v, false
	}
	copy(v[len(v)-len(b):], b)
	return v, true
}

func isCompressed(key []byte) bool {
	return len(key) == 33 && (key[0] == 2 || key[0] == 3)
}

func isUncompressed(key []byte) bool { return len(key) == 65 && key[0] == 4 }

// validKeySize reports whether key has the length that its first byte asks
// for. The hybrid forms 6 and 7 are valid where VerifyStrictEnc is not set.
func validKeySize(key []byte) bool {
	return isCompressed(key) || len(key) == 65 && (key[0] == 4 || key[0] == 6 || key[0] == 7)
}
