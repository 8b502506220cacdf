package rpc

import (
	"fmt"
	"slices"
	"strings"
)

// maxSubversion is the longest name that peers take (Bitcoin Core's limit).
const maxSubversion = 256

// CheckComment checks a comment that the node's name is to carry (uacomment):
// what could be taken for the name's own punctuation is refused (BIP 14).
func CheckComment(text string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;-_?@"
	if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(letters, r) }) {
		return fmt.Errorf("User Agent comment (%s) contains unsafe characters.", text)
	}
	return nil
}

// subversion is what the node calls itself, to clients and to peers: a Bitcoin
// Core first, since that is what clients look for.
func subversion(version string, comments []string) (string, error) {
	name := coreSubversion
	inner := strings.Join(comments, "; ")
	if len(comments) > 0 {
		inner = "(" + inner + ")"
	}
	switch {
	case version != "":
		name += "Keelson:" + version + inner + "/"
	case inner != "":
		name = strings.TrimSuffix(name, "/") + inner + "/"
	}
	if len(name) > maxSubversion {
		return "", fmt.Errorf("uacomment: Total length of network version string (%d) exceeds maximum length (%d). Reduce the number or size of uacomments.",
			len(name), maxSubversion)
	}
	return name, nil
}

// Subversion is what the node calls itself.
func (s *Server) Subversion() string { return s.subversion }

// deprecated reports whether deprecatedrpc names an old behaviour.
func (s *Server) deprecated(name string) bool { return slices.Contains(s.cfg.Deprecated, name) }

// warnings is the list of warnings, or, if deprecatedrpc=warnings asks for the
// way before Bitcoin Core 28, the last of them alone. There are none.
func (s *Server) warnings() any {
	if s.deprecated("warnings") {
		return ""
	}
	return []string{}
}
