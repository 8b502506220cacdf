package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// envPrefix begins the environment variables of settings: KEELSON_DBCACHE.
const envPrefix = "KEELSON_"

// envOther are variables with the prefix that are not settings of the node.
var envOther = []string{
	"KEELSON_VECTORS", // where the tests find their vectors
	"KEELSON_TESTNET", // the folder in which keelson testnet finds the network
}

func flagName(name string) string { return "--" + name }

func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// given is one value from one source.
type given struct {
	setting *setting
	text    string
	where   string // for errors: "--dbcache", "KEELSON_DBCACHE", "keelson.toml: dbcache"
	none    bool   // what was given of the list before does not count; an empty text is not a value then
}

// fromFlags reads --name=value, --name value, for switches --name and --noname,
// and for lists --noname, which empties them; one dash is as good as two. What is left are the arguments that are
// not flags.
func fromFlags(args []string) (set []given, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return set, append(rest, args[i+1:]...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		name, text, hasText := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		switch name {
		case "help", "h", "?":
			return nil, nil, ErrHelp
		}
		s, ok := lookup(name)
		if !ok {
			negated, isNo := strings.CutPrefix(name, "no")
			s, ok = lookup(negated)
			if !ok || !isNo || s.kind != kindBool && s.kind != kindList {
				return nil, nil, unknown(name, name, func(n string) string { return n })
			}
			if hasText {
				return nil, nil, fmt.Errorf("--%s takes no value", name)
			}
			if s.kind == kindList {
				set = append(set, given{setting: s, text: s.none, where: flagName(name), none: true})
				continue
			}
			text, hasText = "0", true
		}
		if !hasText {
			switch {
			case s.kind == kindBool:
				text = "1"
			case i+1 < len(args):
				i++
				text = args[i]
			default:
				return nil, nil, fmt.Errorf("--%s needs a value", name)
			}
		}
		set = append(set, given{setting: s, text: text, where: flagName(s.name)})
	}
	return set, rest, nil
}

// fromEnv reads the variables with the prefix. The texts of a list are
// separated by commas.
func fromEnv(environ []string) (set []given, err error) {
	for _, line := range slices.Sorted(slices.Values(environ)) {
		variable, text, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(variable, envPrefix) || slices.Contains(envOther, variable) {
			continue
		}
		name := strings.ToLower(strings.ReplaceAll(variable[len(envPrefix):], "_", "-"))
		s, ok := lookup(name)
		if !ok || envName(name) != variable {
			return nil, unknown(variable, name, envName)
		}
		texts := []string{text}
		if s.kind == kindList {
			texts = strings.Split(text, ",")
		}
		for _, text := range texts {
			set = append(set, given{setting: s, text: text, where: variable})
		}
	}
	return set, nil
}

// fromFile reads a TOML file of settings; a list is an array of strings. A
// file that does not exist is an error only if it was asked for.
func fromFile(path string, must bool) (set []given, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	var tree map[string]any
	if _, err := toml.Decode(string(text), &tree); err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return nil, fmt.Errorf("settings file %s, line %d: %s", path, at.Position.Line, at.Message)
		}
		return nil, fmt.Errorf("settings file %s: %w", path, err)
	}
	names := make([]string, 0, len(tree))
	for name := range tree {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		s, ok := lookup(name)
		if !ok {
			return nil, fmt.Errorf("settings file %s: %w", path, unknown(name, name, func(n string) string { return n }))
		}
		where := path + ": " + name
		elements, isList := tree[name].([]any)
		switch {
		case isList && s.kind != kindList:
			return nil, fmt.Errorf("%s: one value is wanted, not a list", where)
		case !isList:
			elements = []any{tree[name]}
		}
		for _, element := range elements {
			text, ok := plainText(element, s.kind)
			if !ok {
				return nil, fmt.Errorf("%s: %v is not %s", where, element, s.kind)
			}
			set = append(set, given{setting: s, text: text, where: where})
		}
	}
	return set, nil
}

// plainText gives a value of a TOML file in the form that it has in a flag, if
// it is of a type that fits.
func plainText(v any, k kind) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, k == kindText || k == kindList || k == kindAmount
	case int64:
		return fmt.Sprint(v), k == kindInt || k == kindBool || k == kindAmount
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), k == kindAmount
	case bool:
		return fmt.Sprint(v), k == kindBool
	}
	return "", false
}

// String names a kind with its article, for errors.
func (k kind) String() string {
	return [...]string{"a string", "true or false", "a whole number", "an amount of coins", "a string or a list of strings"}[k]
}
