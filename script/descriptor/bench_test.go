package descriptor

import (
	"encoding/hex"
	"testing"
)

func BenchmarkInfer(b *testing.B) {
	for name, text := range map[string]string{
		"pubkey":   "21" + pub1 + "ac",
		"keyhash":  "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac",
		"witness":  "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e",
		"taproot":  "5120" + xonly1,
		"nulldata": "6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9",
	} {
		pkScript, err := hex.DecodeString(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Infer(mainnet, pkScript)
			}
		})
	}
}

// The descriptors of the benchmarks that follow.
var benchmarked = map[string]string{
	"wpkh":  "wpkh([ffffffff/13h]" + xpubD + "/1/2/*)",
	"multi": "wsh(sortedmulti(2," + xpubD + "/1/*," + xpubC + "/1/*," + xpubE + "/1/*))",
	"tr":    "tr(" + xpubA + "/0/*,{pk(" + xpubB + "/1/*),and_v(v:pk(" + xpubC + "/*),older(144))})",
}

func BenchmarkParse(b *testing.B) {
	for name, text := range benchmarked {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(mainnet, text, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkScripts(b *testing.B) {
	for name, text := range benchmarked {
		d, err := Parse(mainnet, text, false)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			index := uint32(0)
			for b.Loop() {
				if _, err := d.Scripts(index); err != nil {
					b.Fatal(err)
				}
				index = (index + 1) & MaxIndex
			}
		})
	}
}

func BenchmarkInferWitness(b *testing.B) {
	s := witnessOf(b, "wsh(andor(pk("+key1+"),pk("+key2+"),and_v(v:pk("+key3+"),older(144))))")
	b.ReportAllocs()
	for b.Loop() {
		InferWitness(mainnet, s)
	}
}
