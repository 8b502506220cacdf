package rpc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"

	"github.com/keelson-chain/keelson/wire"
)

// testAuth makes an rpcauth setting.
func testAuth(user, salt, password string) string {
	mac := hmac.New(sha256.New, []byte(salt))
	mac.Write([]byte(password))
	return user + ":" + salt + "$" + hex.EncodeToString(mac.Sum(nil))
}

func mustPrefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// endlessMiner never finds a block.
type endlessMiner struct{ Miner }

func (endlessMiner) Generate(ctx context.Context, _ int, _ []byte, _ uint64) ([]wire.Hash, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
