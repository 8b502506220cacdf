package rpc

import (
	"errors"
	"maps"
	"strings"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// Whitelist says which methods users may call (Bitcoin Core's rpcwhitelist).
// The zero value is ready for use, and has no user in it.
type Whitelist map[string]map[string]bool

// Add adds USER:METHOD,METHOD... to the list. Of a user who is there already,
// what both lists name remains.
func (w *Whitelist) Add(text string) error {
	user, list, listed := strings.Cut(text, ":")
	if user == "" {
		return errors.New("not of the form USER:METHOD,METHOD...")
	}
	if *w == nil {
		*w = Whitelist{}
	}
	before, known := (*w)[user]
	if known && !listed {
		return nil
	}
	methods := map[string]bool{}
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		methods[name] = true
	}
	if known {
		maps.DeleteFunc(methods, func(name string, _ bool) bool { return !before[name] })
	}
	(*w)[user] = methods
	return nil
}

// mayCall reports whether a user may call a method.
func (s *Server) mayCall(user, method string) bool {
	list, listed := s.cfg.Whitelist[user]
	if listed && list[method] || !listed && !s.cfg.WhitelistDefault {
		return true
	}
	s.log.Warn().Str("user", user).Str("method", method).Msg("JSON-RPC call refused: the method is not on the user's rpcwhitelist")
	return false
}

// mayCallAny reports whether there can be methods that a user may call.
func (s *Server) mayCallAny(user string) bool {
	if _, listed := s.cfg.Whitelist[user]; listed || !s.cfg.WhitelistDefault {
		return true
	}
	s.log.Warn().Str("user", user).Msg("JSON-RPC call refused: the user has no rpcwhitelist")
	return false
}

// restricted reports whether some methods may be closed to a user.
func (s *Server) restricted(user string) bool {
	_, listed := s.cfg.Whitelist[user]
	return listed
}

// batchMethod returns the method that an element of a restricted user's batch
// calls. One element that has none is an error of the whole batch.
func batchMethod(v *jsonrpc.Value) (string, *jsonrpc.Error) {
	if v.Kind != jsonrpc.Obj {
		return "", jsonrpc.Errorf(jsonrpc.CodeInvalidRequest, "Invalid Request object")
	}
	name := v.Get("method")
	if name.Kind != jsonrpc.String {
		return "", jsonrpc.Errorf(jsonrpc.CodeParse, "%s", mismatch(name, jsonrpc.String).Message)
	}
	return name.Text, nil
}
