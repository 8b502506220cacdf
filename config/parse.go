package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/wire"
)

// set parses text as the setting's value. The first text of a list replaces
// what was there; fresh says so.
func (s *setting) set(v *values, text string, fresh bool) error {
	switch p := s.value(v).(type) {
	case *string:
		*p = text
	case *bool:
		if s.word != "" && text == s.word {
			text = "1"
		}
		b, err := parseBool(text)
		if err != nil {
			return err
		}
		*p = b
	case *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number%s", text, s.limits())
		}
		if n < s.min || n > s.max {
			return fmt.Errorf("%d is out of range%s", n, s.limits())
		}
		*p = n
	case *wire.Amount:
		a, err := parseAmount(text)
		if err != nil {
			return err
		}
		*p = a
	case *[]string:
		if fresh {
			*p = nil
		}
		*p = append(*p, text)
	}
	return nil
}

// setDefault gives the setting the value that it has when nobody sets it. A
// default that depends on something else is empty here and filled in by build.
func (s *setting) setDefault(v *values) {
	switch p := s.value(v).(type) {
	case *string:
		if s.text != "" && !s.derived() {
			*p = s.text
		}
	case *bool:
		*p = s.number != 0
	case *int64:
		*p = s.number
	case *wire.Amount:
		*p = wire.Amount(s.number)
	case *[]string:
		*p = nil
	}
}

// derived reports whether the default text describes a default that depends on
// other settings, rather than being one.
func (s *setting) derived() bool {
	switch s.name {
	case "datadir", "config", "rpccookiefile":
		return true
	}
	return s.kind == kindList
}

// limits names the range of a number for an error: " (4 to 1048576 MiB)".
func (s *setting) limits() string {
	text := fmt.Sprintf(" (%d to %d", s.min, s.max)
	if s.unit != "" {
		text += " " + s.unit
	}
	return text + ")"
}

// parseAmount reads a number of coins, without sign or exponent.
func parseAmount(text string) (wire.Amount, error) {
	const decimals = 8
	whole, fraction, _ := strings.Cut(text, ".")
	if whole+fraction != "" && len(fraction) <= decimals {
		n, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 63)
		if a := wire.Amount(n); err == nil && a.Valid() {
			return a, nil
		}
	}
	return 0, fmt.Errorf("%q is not an amount of coins (0 to %d, up to %d decimals)", text, wire.MaxMoney/wire.Coin, decimals)
}

// parseBool reads a switch: Bitcoin Core's 1 and 0, and the words.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "1", "true", "on", "yes":
		return true, nil
	case "0", "false", "off", "no":
		return false, nil
	}
	return false, fmt.Errorf("%q is not a switch (1 or 0, true or false, on or off)", text)
}
