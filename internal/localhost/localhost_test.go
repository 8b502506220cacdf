package localhost

import "testing"

func TestIs(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:80": true, "[::1]": true, "[::1]:18400": true, "localhost": true, "LocalHost:1": true, "192.0.2.1:80": true,
		"": false, "evil.example": false, "evil.example:80": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
		"localhost:port": false, "localhost:99999": false, "127.0.0.1:80:80": false, "a@localhost": false,
	} {
		if got := Is(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
