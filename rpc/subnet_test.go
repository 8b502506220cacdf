package rpc

import "testing"

func TestParseSubnet(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1":                "192.0.2.1/32",
		"192.0.2.77/24":            "192.0.2.0/24",
		"192.0.2.77/255.255.255.0": "192.0.2.0/24",
		"10.0.0.0/255.0.0.0":       "10.0.0.0/8",
		"0.0.0.0/0":                "0.0.0.0/0",
		"::ffff:192.0.2.1":         "192.0.2.1/32",
		"2001:db8::1":              "2001:db8::1/128",
		"2001:db8::1/ffff::":       "2001::/16",
		"192.0.2.1/33":             "",
		"192.0.2.1/-1":             "",
		"192.0.2.1/":               "",
		"192.0.2.1/255.0.255.0":    "",
		"192.0.2.1/ffff::":         "",
		"192.0.2":                  "",
		"fe80::1%eth0":             "",
		"node.example":             "",
		"":                         "",
	} {
		prefix, err := ParseSubnet(text)
		if got := prefix.String(); want == "" && err == nil || want != "" && (err != nil || got != want) {
			t.Errorf("ParseSubnet(%q) = %s, %v, want %q", text, got, err, want)
		}
	}
}
