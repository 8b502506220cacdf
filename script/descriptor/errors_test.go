package descriptor

import (
	"fmt"
	"strings"
	"testing"
)

// The keys of the miniscripts.
const (
	key1 = "03cdabb7f2dce7bfbd8a0b9570c6fd1e712e5d64045e9d6b517b3d5072251dc204"
	key2 = "032707170c71d8f75e4ca4e3fce870b9409dcaf12b051d3bcadff74747fa7619c0"
	key3 = "02aa27e5eb2c185e87cd1dbc3e0efc9cb1175235e0259df1713424941c3cb40402"
)

// TestErrors has a text for every way in which a descriptor can be wrong, in
// Bitcoin Core's words.
func TestErrors(t *testing.T) {
	// A miniscript that is right.
	andV := "and_v(vc:andor(pk(" + key1 + "),pk_k(" + key2 + "),and_v(v:older(1),pk_k(" + key3 + "))),after(10))"
	for _, c := range []struct{ desc, want string }{
		// Keys.
		{"pk()", "pk(): No key provided"},
		{"pkh([deadbeef])", "pkh(): No key provided"},
		{"sh(wpkh(" + pub1[:64] + "))", "wpkh(): Pubkey '" + pub1[:64] + "' is invalid"},
		{"sh(wpkh(" + wif1[:51] + "2))", "wpkh(): key '" + wif1[:51] + "2' is not valid"},
		{"pk(02)", "pk(): Pubkey '02' is invalid"},
		{"pk(" + xonly1 + ")", "pk(): Pubkey '" + xonly1 + "' is invalid"}, // x-only outside tr()
		{"tr(" + strings.Repeat("f", 64) + ")", "tr(): Pubkey '" + strings.Repeat("f", 64) + "' is invalid"},
		{"combo(" + hyb1 + ")", "combo(): Hybrid public keys are not allowed"},
		{"pk(" + hyb1 + ")", "pk(): Hybrid public keys are not allowed"},
		{"pkh(" + hyb1 + ")", "pkh(): Hybrid public keys are not allowed"},
		{"wpkh(" + wif1u + ")", "wpkh(): Uncompressed keys are not allowed"},
		{"wpkh(" + pub1u + ")", "wpkh(): Uncompressed keys are not allowed"},
		{"wsh(pk(" + pub1u + "))", "pk(): Uncompressed keys are not allowed"},
		{"sh(wpkh(" + pub1u + "))", "wpkh(): Uncompressed keys are not allowed"},
		{"tr(" + pub1u + ")", "tr(): Uncompressed keys are not allowed"},
		{"tr(" + xonly1 + ",pk(" + wif1u + "))", "pk(): Uncompressed keys are not allowed"},
		{"wsh(multi(1," + pub1u + "))", "Multi: Uncompressed keys are not allowed"},
		{"rawtr(02)", "Pubkey '02' is invalid"},
		{"pkh(" + xpubC[:20] + ")", "pkh(): key '" + xpubC[:20] + "' is not valid"},
		{"pk(" + pub1 + "/0)", "pk(): key '" + pub1 + "' is not valid"},
		{"pkh(" + xpubC + "/2147483648)", "pkh(): Key path value 2147483648 is out of range"},
		{"pkh(" + xpubC + "/2147483648')", "pkh(): Key path value 2147483648 is out of range"},
		{"pkh(" + xpubC + "/4294967296)", "pkh(): Key path value '4294967296' is not a valid uint32"},
		{"pkh(" + xpubC + "/1aa)", "pkh(): Key path value '1aa' is not a valid uint32"},
		{"pkh(" + xpubC + "/-1)", "pkh(): Key path value '-1' is not a valid uint32"},
		{"pkh(" + xpubC + "/+-1)", "pkh(): Key path value '+-1' is not a valid uint32"},
		{"pkh(" + xpubC + "/++1)", "pkh(): Key path value '++1' is not a valid uint32"},
		{"pkh(" + xpubC + "/)", "pkh(): Key path value '' is not a valid uint32"},
		{"pkh(" + xpubC + "/0'h)", "pkh(): Key path value '0'' is not a valid uint32"},
		{"pkh(" + xpubC + "/*/0)", "pkh(): Key path value '*' is not a valid uint32"},
		{"pkh(" + xpubC + "/**)", "pkh(): Key path value '**' is not a valid uint32"},
		{"pkh(" + xpubC + "/<0;1>/*)", "pkh(): Key path value '<0;1>' is not a valid uint32"}, // of a later release
		// Origins.
		{"pkh(deadbeef/1/2'/3/4']" + wif1 + ")", "pkh(): Key origin start '[ character expected but not found, got 'd' instead"},
		{"pkh(]" + wif1 + ")", "pkh(): Key origin start '[ character expected but not found, got ']' instead"},
		{"pkh([deadbeef]/1/2'/3/4']" + wif1 + ")", "pkh(): Multiple ']' characters found for a single pubkey"},
		{"combo([012345678]" + xpubA + ")", "combo(): Fingerprint is not 4 bytes (9 characters instead of 8 characters)"},
		{"pkh([aaaaaaa]" + xpubA + ")", "pkh(): Fingerprint is not 4 bytes (7 characters instead of 8 characters)"},
		{"pkh([]" + xpubA + ")", "pkh(): Fingerprint is not 4 bytes (0 characters instead of 8 characters)"},
		{"pkh([aaagaaaa]" + xpubA + ")", "pkh(): Fingerprint 'aaagaaaa' is not hex"},
		{"pkh([aaaaaaaa/x]" + xpubA + ")", "pkh(): Key path value 'x' is not a valid uint32"},
		{"pkh([aaaaaaaa/2147483648]" + xpubA + ")", "pkh(): Key path value 2147483648 is out of range"},
		{"wsh(multi(2,[aaaaaaaa][aaaaaaaa]" + xpubC + "/2147483647'/0," + xpubD + "))", "Multi: Multiple ']' characters found for a single pubkey"},
		{"wsh(multi(2,[aaagaaaa]" + xpubC + "," + xpubD + "))", "Multi: Fingerprint 'aaagaaaa' is not hex"},
		{"wsh(multi(2,[aaaaaaaa]," + xpubD + "))", "Multi: No key provided"},
		// Multisig.
		{"multi(a," + wif1 + "," + wif1u + ")", "Multi threshold 'a' is not valid"},
		{"multi(0," + wif1 + "," + wif1u + ")", "Multisig threshold cannot be 0, must be at least 1"},
		{"multi(3," + wif1 + "," + wif1u + ")", "Multisig threshold cannot be larger than the number of keys; threshold is 3 but only 2 keys specified"},
		{"multi(4294967296," + wif1 + ")", "Multi threshold '4294967296' is not valid"},
		{"multi()", "Multi threshold '' is not valid"},
		{"multi(1)", "Cannot have 0 keys in multisig; must have between 1 and 20 keys, inclusive"},
		{"multi(1," + pub1 + ",)", "Multi: No key provided"},
		{"multi(1)x(2)", "Multi: expected ',', got ')'"},
		{"multi(3," + strings.Join(manyPubs[:4], ",") + ")", "Cannot have 4 pubkeys in bare multisig; only at most 3 pubkeys"},
		{"sh(multi(16," + strings.Join(manyPubs[:16], ",") + "))", "P2SH script is too large, 547 bytes is larger than 520 bytes"},
		{"sh(multi(16," + strings.Join(manyPubs[:17], ",") + "))", "P2SH script is too large, 581 bytes is larger than 520 bytes"},
		{"wsh(multi(20," + strings.Join(manyPubs, ",") + "," + pub1 + "))", "Cannot have 21 keys in multisig; must have between 1 and 20 keys, inclusive"},
		{"tr(" + xonly1 + ",multi_a(1" + strings.Repeat(","+xonly2, 1000) + "))", "Cannot have 1000 keys in multi_a; must have between 1 and 999 keys, inclusive"},
		{"tr(" + xonly1 + ",multi_a(0," + xonly2 + "))", "Multisig threshold cannot be 0, must be at least 1"},
		{"tr(" + xonly1 + ",multi(1," + xonly2 + "))", "Can only have multi/sortedmulti at top level, in sh(), or in wsh()"},
		{"tr(" + xonly1 + ",sortedmulti(1," + xonly2 + "))", "Can only have multi/sortedmulti at top level, in sh(), or in wsh()"},
		{"wsh(multi_a(1," + pub1 + "))", "Can only have multi_a/sortedmulti_a inside tr()"},
		{"sortedmulti_a(1," + pub1 + ")", "Can only have multi_a/sortedmulti_a inside tr()"},
		// What stands where.
		{"sh(" + pub1 + ")", "A function is needed within P2SH"},
		{"wsh(" + pub1 + ")", "A function is needed within P2WSH"},
		{"sh()", "A function is needed within P2SH"},
		{"sh(combo(" + pub1 + "))", "Can only have combo() at top level"},
		{"wsh(wpkh(" + pub1 + "))", "Can only have wpkh() at top level or inside sh()"},
		{"wsh(sh(pk(" + pub1 + ")))", "Can only have sh() at top level"},
		{"sh(sh(pk(" + pub1 + ")))", "Can only have sh() at top level"},
		{"wsh(wsh(pk(" + pub1 + ")))", "Can only have wsh() at top level or inside sh()"},
		{"sh(addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j))", "Can only have addr() at top level"},
		{"wsh(tr(" + xonly1 + "))", "Can only have tr at top level"},
		{"sh(rawtr(" + xonly1 + "))", "Can only have rawtr at top level"},
		{"sh(raw(51))", "Can only have raw() at top level"},
		{"tr(" + xonly1 + ",wpkh(" + pub1 + "))", "Can only have wpkh() at top level or inside sh()"},
		// Taproot.
		{"tr()", "tr(): No key provided"},
		{"tr(" + xonly1 + "}", "'tr(" + xonly1 + "}' is not a valid descriptor function"},
		{"tr(" + xonly1 + "),pk(" + xonly1 + "))", "Unexpected text after a script expression: ',pk(" + xonly1 + "))'"},
		{"tr(" + xonly1 + ",{pk(" + xonly1 + ")})", "tr(): expected ',' after script expression"},
		{"tr(" + xonly1 + ",{pk(" + xonly1 + "),pk(" + xonly1 + "),pk(" + xonly1 + ")})", "tr(): expected '}' after script expression"},
		{"tr(" + xonly1 + ",pk(" + xonly1 + "),pk(" + xonly1 + "))", "tr(): expected ')' after script expression"},
		{"tr(" + xonly1 + ",pk(" + xonly1 + "))x(2)", "tr(): expected ')' after script expression"},
		{"tr(" + xonly1 + ")x(2)", "tr: expected ',', got ')'"},
		{"tr(" + xonly1 + ",)", "'' is not a valid descriptor function"},
		{"tr(" + xonly1 + ",pk(" + strings.Repeat("{", 3) + "))", "pk(): key '{{{' is not valid"},
		{"tr(" + xonly1 + "," + strings.Repeat("{", 129) + ")", "tr() supports at most 128 nesting levels"},
		{"rawtr(" + xpubA + "/*, " + xpubB + "/*)", "rawtr(): only one key expected."},
		// What is no descriptor.
		{"", "'' is not a valid descriptor function"},
		{"foo", "'foo' is not a valid descriptor function"},
		{"pk", "'pk' is not a valid descriptor function"},
		{"pk(", "'pk(' is not a valid descriptor function"},
		{"pk(" + pub1, "'pk(" + pub1 + "' is not a valid descriptor function"},
		{"PK(" + pub1 + ")", "'PK(" + pub1 + ")' is not a valid descriptor function"},
		{"pk(" + pub1 + "),", "Unexpected text after a script expression: ','"},
		{"sh(pk(" + pub1 + "),pk(" + pub1 + "))", "Unexpected text after a script expression: ',pk(" + pub1 + ")'"},
		{"wsh(pk(" + pub1 + "),)", "Unexpected text after a script expression: ','"},
		// Miniscript.
		{"wsh(" + andV + ")#abcdef12", "Provided checksum 'abcdef12' does not match computed checksum 'tyzp6a7p'"},
		{"sh(" + andV + ")", "Miniscript expressions can only be used in wsh or tr."},
		{andV, "Miniscript expressions can only be used in wsh or tr."},
		{"pk_k(" + pub1 + ")", "Miniscript expressions can only be used in wsh or tr."},
		{"pk_k(02)", "Pubkey '02' is invalid"},
		{"tr(" + andV + ")", "tr(): key '" + andV + "' is not valid"},
		{"wsh(" + strings.Replace(andV, "pk_k("+key3, "pk_k(049228de6902abb4f541791f6d7f925b10e2078ccb1298856e5ea5cc5fd667f930eac37a00cc07f9a91ef3c2d17bf7a17db04552ff90ac312a5b8b4caca6c97aa4", 1) + ")", "Uncompressed keys are not allowed"},
		{"wsh(" + strings.Replace(andV, "pk_k("+key3, "pk_k(069228de6902abb4f541791f6d7f925b10e2078ccb1298856e5ea5cc5fd667f930eac37a00cc07f9a91ef3c2d17bf7a17db04552ff90ac312a5b8b4caca6c97aa4", 1) + ")", "Hybrid public keys are not allowed"},
		{"wsh(and_b" + andV[5:] + ")", "and_b" + andV[5:] + " is invalid"},
		{"wsh(and_v(vc:andor(v:pk_k(" + key1 + "),pk_k(" + key2 + "),and_v(v:older(1),pk_k(" + key3 + "))),after(10)))", "v:pk_k(" + key1 + ") is invalid"},
		{"wsh(or_i(older(1),pk(" + key1 + ")))", "or_i(older(1),pk(" + key1 + ")) is not sane: witnesses without signature exist"},
		{"wsh(or_b(sha256(" + key1[2:] + "),s:pk(" + key1 + ")))", "or_b(sha256(" + key1[2:] + "),s:pk(" + key1 + ")) is not sane: malleable witnesses exist"},
		{"wsh(and_b(and_b(older(1),a:older(100000000)),s:pk(" + key1 + ")))", "and_b(older(1),a:older(100000000)) is not sane: contains mixes of timelocks expressed in blocks and seconds"},
		{"wsh(and_b(or_b(pkh(" + key1 + "),s:pk(" + key2 + ")),s:pk(" + key1 + ")))", "and_b(or_b(pkh(" + key1 + "),s:pk(" + key2 + ")),s:pk(" + key1 + ")) is not sane: contains duplicate public keys"},
		{"wsh(and_v(v:pk(" + key1 + "),0))", "and_v(v:pk(" + key1 + "),0) is not satisfiable"},
		{"wsh(pk_k(" + key1 + "))", "pk_k(" + key1 + ") is not sane"},
		{"wsh(and_v(v:pk(" + key1 + "),older(0)))", "A function is needed within P2WSH"},
		{"wsh(and_v(v:pk(" + key1 + "),older(2147483648)))", "A function is needed within P2WSH"},
		{"wsh(and_v(v:pk(" + key1 + "),older(+1)))", "A function is needed within P2WSH"},
		{"wsh(vv:pk(" + key1 + "))", "A function is needed within P2WSH"},
		{"wsh(xx:pk(" + key1 + "))", "A function is needed within P2WSH"},
		{"wsh(and_v(v:pk(" + key1 + "),sha256(00)))", "A function is needed within P2WSH"},
		{"wsh(and_v(v:pk(" + key1 + ")))", "A function is needed within P2WSH"},
		{"wsh(and_v(v:pk(" + key1 + "),older(1),older(2)))", "A function is needed within P2WSH"},
		{"wsh(thresh(3,pk(" + key1 + "),s:pk(" + key2 + ")))", "A function is needed within P2WSH"},
		{"wsh(and_v(v:multi_a(1," + key1 + "),older(1)))", "A function is needed within P2WSH"},
		{"wsh(and_v(v:pk(" + key1 + "),1)x)", "A function is needed within P2WSH"},
		{"tr(" + xonly1 + ",and_v(v:pk(" + xonly2 + "),multi(1," + xonly1 + ")))", "'and_v(v:pk(" + xonly2 + "),multi(1," + xonly1 + "))' is not a valid descriptor function"},
	} {
		d, err := Parse(mainnet, c.desc, false)
		if err == nil {
			t.Errorf("%s: read as %s, want %s", c.desc, d, c.want)
		} else if err.Error() != c.want {
			t.Errorf("%.500s:\n got %.500s\nwant %.500s", c.desc, err, c.want)
		}
	}
}

// TestMiniscriptLimits goes up to the limits and one beyond.
func TestMiniscriptLimits(t *testing.T) {
	nested := func(n int, inner string) string {
		return strings.Repeat("n", n) + ":" + inner
	}
	// 35 bytes, and one for each n:.
	if _, err := Parse(mainnet, "wsh("+nested(3600-35, "pk("+key1+")")+")", false); err == nil || !strings.Contains(err.Error(), "may exceed resource limits") {
		t.Errorf("3600 bytes, nearly all opcodes: %.80v", err)
	}
	if _, err := Parse(mainnet, "wsh("+nested(3601-35, "pk("+key1+")")+")", false); err == nil || err.Error() != "A function is needed within P2WSH" {
		t.Errorf("3601 bytes: %.80v", err)
	}
	if _, err := Parse(mainnet, "wsh("+nested(200, "pk("+key1+")")+")", false); err != nil {
		t.Errorf("201 opcodes: %v", err)
	}
	if _, err := Parse(mainnet, "wsh("+nested(201, "pk("+key1+")")+")", false); err == nil || !strings.Contains(err.Error(), "may exceed resource limits") {
		t.Errorf("202 opcodes: %.80v", err)
	}
	if _, err := Parse(mainnet, "tr("+xonly1+","+nested(5000, "pk("+xonly2+")")+")", false); err != nil {
		t.Errorf("5001 opcodes in tapscript: %v", err)
	}
	if _, err := Parse(mainnet, "tr("+xonly1+","+nested(maxNesting, "pk("+xonly2+")")+")", false); err == nil {
		t.Errorf("nested %d deep: no error", maxNesting+1)
	}

	// Distinct keys for a thresh() of many: children of one.
	many := func(n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "thresh(%d,pk(%s/0)", n, xpubA)
		for i := 1; i < n; i++ {
			fmt.Fprintf(&b, ",s:pk(%s/%d)", xpubA, i)
		}
		return b.String() + ")"
	}
	if _, err := Parse(mainnet, "tr("+xonly1+","+many(998)+")", false); err != nil {
		t.Errorf("998 signatures: %.80v", err)
	}
	if _, err := Parse(mainnet, "tr("+xonly1+","+many(1000)+")", false); err == nil || !strings.Contains(err.Error(), "may exceed resource limits") {
		t.Errorf("1000 signatures: %.80v", err)
	}
}
