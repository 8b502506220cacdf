package rpc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Auth is a user whose password is known only by its salted hash (Bitcoin
// Core's rpcauth).
type Auth struct {
	User string
	salt string
	hash [sha256.Size]byte // HMAC-SHA-256 of the password, keyed with the salt's text
}

// ParseAuth reads USER:SALT$HASH. The errors do not repeat the text.
func ParseAuth(text string) (Auth, error) {
	user, rest, ok := strings.Cut(text, ":")
	salt, digits, ok2 := strings.Cut(rest, "$")
	hash, err := hex.DecodeString(digits)
	if !ok || !ok2 || user == "" || salt == "" || err != nil || len(hash) != sha256.Size {
		return Auth{}, errors.New("not of the form USER:SALT$HASH, where HASH is 64 hexadecimal digits")
	}
	return Auth{user, salt, [sha256.Size]byte(hash)}, nil
}

// accepts reports whether user and password are this user's. It takes the same
// time whatever they are.
func (a *Auth) accepts(user, password string) bool {
	mac := hmac.New(sha256.New, []byte(a.salt))
	mac.Write([]byte(password))
	return equal(a.User, user)&subtle.ConstantTimeCompare(mac.Sum(nil), a.hash[:]) == 1
}

// equal compares texts in a time that does not depend on where they differ,
// nor, beyond hashing, on their lengths.
func equal(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// authorized checks an Authorization header and returns the user's name. Every
// user is tried, so that the time does not tell which exist.
func (s *Server) authorized(header string) (user string, ok bool) {
	const basic = "Basic "
	if len(header) < len(basic) || header[:len(basic)] != basic {
		return "", false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(header[len(basic):]))
	if err != nil {
		return "", false
	}
	user, password, found := strings.Cut(string(raw), ":")
	granted := 0
	if secret := s.secret; secret != "" {
		granted |= equal(secret, string(raw))
	}
	for i := range s.cfg.Auth {
		if s.cfg.Auth[i].accepts(user, password) {
			granted = 1
		}
	}
	return user, found && granted == 1
}

// cookieUser is the name under which the cookie's holder calls.
const cookieUser = "__cookie__"

// writeCookie makes a new secret and puts it where those can read it whom the
// mode lets, no one else: USER:SECRET without a newline. The file appears whole or
// not at all.
func writeCookie(path string, mode os.FileMode) (secret string, err error) {
	var random [32]byte
	rand.Read(random[:])
	secret = cookieUser + ":" + hex.EncodeToString(random[:])
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("cookie file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return "", fmt.Errorf("cookie file: %w", err)
	}
	_, err = f.WriteString(secret)
	if err == nil && mode != 0o600 {
		err = f.Chmod(mode)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("cookie file: %w", err)
	}
	return secret, nil
}

// removeCookie removes the file if it still holds our secret: another node may
// have been pointed at the same file.
func removeCookie(path, secret string) {
	if held, err := os.ReadFile(path); err == nil && string(held) == secret {
		os.Remove(path)
	}
}
