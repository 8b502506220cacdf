// Package config turns command-line flags, KEELSON_* environment variables and
// a TOML file into one validated Config, which composes the Config structs of
// the packages below.
//
// Every setting is one row of a table (settings.go): its name, type, default,
// limits, unit and help stand there once, and the flags, the variables, the
// keys of the file and the help text all come from it. A flag wins over a
// variable, a variable over the file, the file over the default. A name that
// no row has is refused, with the nearest one that exists.
//
// It is not for consensus rules: those are consensus.Params, and a custom
// network's come from its chain-spec file alone.
package config
