package descriptor

import (
	"bytes"
	"strings"
	"testing"
)

// What Bitcoin Core's own test of scantxoutset wants to see.
func TestOutputs(t *testing.T) {
	const prv = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
	const pub = "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B"
	for _, c := range []struct {
		desc  string
		index uint32
		want  string // of the pay-to-public-key-hash output
	}{
		{"combo(" + pub + "/1/1/*)", 0, "pkh([0c5f9a1e/1/1/0]03e1c5b6e650966971d7e71ef2674f80222752740fc1dfd63bbbd220d2da9bd0fb)#cxmct4w8"},
		{"combo(" + pub + "/1/1/*)", 1500, "pkh([0c5f9a1e/1/1/1500]03832901c250025da2aebae2bfb38d5c703a57ab66ad477f9c578bfbcd78abca6f)#vchwd07g"},
		{"combo(" + pub + "/1/1/*)", 1, "pkh([0c5f9a1e/1/1/1]030d820fc9e8211c4169be8530efbc632775d8286167afd178caaf1089b77daba7)#z2t3ypsa"},
		{"combo(" + prv + "/1/1/0)", 0, "pkh([0c5f9a1e/1/1/0]03e1c5b6e650966971d7e71ef2674f80222752740fc1dfd63bbbd220d2da9bd0fb)#cxmct4w8"},
		{"combo(" + prv + "/0h/0'/*)", 0, "pkh([0c5f9a1e/0h/0h/0]026dbd8b2315f296d36e6b6920b1579ca75569464875c7ebe869b536a7d9503c8c)#rthll0rg"},
	} {
		d, err := Parse(regtest, c.desc, false)
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.Outputs(c.index)
		if err != nil || len(list) != 4 || list[1].Descriptor != c.want {
			t.Errorf("%s at %d: %+v, %v", c.desc, c.index, list, err)
		}
	}
}

// The descriptor of every output stands for that output and no other, whatever it
// was taken from.
func TestOutputsStandAlone(t *testing.T) {
	const x = "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
	const key = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
	const other = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
	count := 0
	for _, desc := range []string{
		"pk(" + key + ")", "pkh([deadbeef/1/2h]" + key + ")", "wpkh(" + x + "/3/*)", "sh(wpkh(" + x + "/3/*))",
		"combo(" + x + "/*)", "raw(deadbeef)", "addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)",
		"wsh(multi(2," + x + "/0/*," + key + "," + x + "/0/*))", "sh(wsh(sortedmulti(1," + key + "," + other + "," + x + "/*)))",
		"wsh(and_v(v:pk(" + key + "),after(100)))", "tr(" + x + "/*)", "tr(" + x + "/0/*,{pk(" + key + "),sortedmulti_a(1," + key + "," + other + ")})",
		"rawtr(" + key + ")", "wsh(or_d(pk(" + x + "/1/*),and_v(v:pkh(" + x + "/1),older(5))))",
	} {
		d, err := Parse(mainnet, desc, false)
		if err != nil {
			t.Fatalf("%s: %v", desc, err)
		}
		for _, index := range []uint32{0, 7} {
			list, err := d.Outputs(index)
			if err != nil {
				t.Fatalf("%s: %v", desc, err)
			}
			for _, o := range list {
				alone, err := Parse(mainnet, o.Descriptor, true)
				if err != nil {
					t.Errorf("%s at %d: %s: %v", desc, index, o.Descriptor, err)
					continue
				}
				s, err := alone.Scripts(0)
				if err != nil || alone.IsRange() || !bytes.Equal(s[0], o.Script) || strings.Contains(o.Descriptor, "sorted") {
					t.Errorf("%s at %d: %s stands for %x, not %x: %v", desc, index, o.Descriptor, s, o.Script, err)
				}
				count++
			}
		}
	}
	if count != 2*(4+13) {
		t.Errorf("%d outputs were looked at", count)
	}
}
