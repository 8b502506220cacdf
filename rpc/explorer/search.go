package explorer

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/esplora"
	"github.com/keelson-chain/keelson/wire"
)

// search leads to what a text names: a height, a block hash, a transaction id or
// an address.
func (r *request) search() (*page, error) {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	switch {
	case text == "":
		return nil, badRequest("Search for the height or hash of a block, the id of a transaction, or an address.")
	case len(text) > maxQuery:
		return nil, badRequest("That is too long for a block, a transaction or an address.")
	}
	if height, err := strconv.ParseUint(text, 10, 32); err == nil {
		if h, err := r.n.View.BlockHash(uint32(height)); err == nil {
			return nil, redirect("/block/" + h.String())
		}
		return nil, notFound("There is no block %d yet; the tip is block %d.", height, r.n.View.Tip().Height)
	}
	if h, err := wire.ParseHash(text); err == nil {
		if _, ok := r.n.Ledger.Entry(h); ok {
			return nil, redirect("/block/" + h.String())
		}
		_, err := r.n.View.Tx(r.Context(), h)
		switch {
		case err == nil:
			return nil, redirect("/tx/" + h.String())
		case errors.Is(err, ledger.ErrNoTxIndex):
			return nil, notFound("No block has the hash %v, and no transaction that waits has that id. This node keeps no index of transactions in blocks: run it with --txindex to find them.", h)
		case !errors.Is(err, esplora.ErrNotFound):
			return nil, err
		}
		return nil, notFound("No block has the hash %v, and no transaction has that id.", h)
	}
	// Codes to scan have bech32 in capitals; pages have it in small letters.
	if lower := strings.ToLower(text); lower != text {
		if _, err := r.n.View.ParseAddress(lower); err == nil {
			text = lower
		}
	}
	if _, err := r.n.View.ParseAddress(text); err == nil {
		return nil, redirect("/address/" + url.PathEscape(text))
	}
	return nil, notFound("%q is neither the height or hash of a block, nor the id of a transaction, nor an address of network %s.", cut(printed(text), 100), r.s.cfg.Params.Name)
}

// hostOf shortens a multi-address.
func hostOf(multiaddr string) string {
	host, port, ok := peerinfo.HostPort(multiaddr)
	if !ok {
		return multiaddr
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
