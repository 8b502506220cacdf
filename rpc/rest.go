package rpc

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// The REST interface is Bitcoin Core's (doc/REST-interface.md): paths, formats,
// status codes and messages. It needs no password, tells nothing but what everybody
// may know, and changes nothing. What it tells as JSON, the methods of JSON-RPC
// make.
const (
	restRoot     = "/rest/"
	restHeaders  = 2000     // headers of one request
	restOutputs  = 15       // outpoints of one request
	restBody     = 64 << 10 // bytes of the body of one request
	poolHeight   = 0x7fffffff
	basicFilters = 0 // the number of the filters' type (BIP 157)
)

// restPlaces are the paths, the longer ones first.
var restPlaces = []struct {
	prefix string
	serve  func(*restCall) *restAnswer
}{
	{"tx/", (*restCall).tx},
	{"block/notxdetails/", func(c *restCall) *restAnswer { return c.block(1) }},
	{"block/", func(c *restCall) *restAnswer { return c.block(3) }},
	{"blockfilter/", (*restCall).filter},
	{"blockfilterheaders/", (*restCall).filterHeaders},
	{"chaininfo", (*restCall).chainInfo},
	{"mempool/", (*restCall).mempool},
	{"headers/", (*restCall).headers},
	{"getutxos", (*restCall).outputs},
	{"deploymentinfo/", (*restCall).deployments},
	{"deploymentinfo", (*restCall).deployments},
	{"blockhashbyheight/", (*restCall).hashByHeight},
}

// restCall is a request to the REST interface.
type restCall struct {
	*Node
	s      *Server
	work   *work
	param  string // what follows the place, without query and format
	query  string
	format string // bin, hex, json, or what was there instead
	body   string
}

// restAnswer is what it is answered with: a status other than 200 with a text, or
// bytes, or JSON.
type restAnswer struct {
	status int
	text   string
	raw    []byte
	json   any
	hex    string // in place of raw in hexadecimal
}

// serveREST answers a request for something below restRoot.
func (s *Server) serveREST(w http.ResponseWriter, r *http.Request, c *conn) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		s.reply(w, &answer{status: http.StatusMethodNotAllowed})
		return
	}
	if !s.connections.stand(c, atWork) {
		return
	}
	// Who needs no password is the first to give way where connections are short.
	defer s.connections.stand(c, notKnown)
	call := &restCall{s: s}
	if r.ContentLength != 0 {
		if r.ContentLength > restBody {
			s.reply(w, &answer{status: http.StatusRequestEntityTooLarge})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, restBody)
		body, status := s.body(r)
		if status != 0 {
			s.reply(w, &answer{status: status})
			return
		}
		defer s.memory.give(body.taken)
		call.body = body.text
	}
	if !s.busy.enter() {
		return
	}
	defer s.busy.leave()
	delete(w.Header(), "Connection")
	call.work = &work{s: s, ctx: r.Context()}
	a := call.answer(r.RequestURI)
	defer s.drop(a)
	s.reply(w, a)
}

// answer carries the request out, on a slot of the server.
func (c *restCall) answer(uri string) *answer {
	s := c.s
	path, _ := strings.CutPrefix(uri, restRoot)
	i := slices.IndexFunc(restPlaces, func(p struct {
		prefix string
		serve  func(*restCall) *restAnswer
	}) bool {
		return strings.HasPrefix(path, p.prefix)
	})
	if i < 0 {
		return &answer{status: http.StatusNotFound}
	}
	node, status := s.serving(c.work.ctx, s.cfg.limits.start)
	if node == nil {
		return c.encode(restError(http.StatusServiceUnavailable, "Service temporarily unavailable: %s", status))
	}
	c.Node = node
	if !c.work.enter() {
		return c.encode(restError(http.StatusServiceUnavailable, "Work queue depth exceeded"))
	}
	defer c.work.leave()
	rest := path[len(restPlaces[i].prefix):]
	if at := strings.LastIndexByte(rest, '?'); at >= 0 {
		rest, c.query = rest[:at], rest[at+1:]
	}
	c.param = rest
	if at := strings.LastIndexByte(rest, '.'); at >= 0 {
		if format := rest[at+1:]; format == "bin" || format == "hex" || format == "json" {
			c.param, c.format = rest[:at], format
		}
	}
	return c.encode(restPlaces[i].serve(c))
}

// encode makes what is sent of an answer.
func (c *restCall) encode(a *restAnswer) *answer {
	var body []byte
	kind := "text/plain"
	switch {
	case a.status != http.StatusOK:
		body = append(append(body, a.text...), "\r\n"...)
	case c.format == "bin":
		kind, body = "application/octet-stream", a.raw
	case c.format == "hex" && a.hex != "":
		body = append(append(body, a.hex...), '\n')
	case c.format == "hex":
		body = append(hex.AppendEncode(make([]byte, 0, 2*len(a.raw)+1), a.raw), '\n')
	default:
		kind, body = "application/json", append(jsonrpc.Append(nil, a.json), '\n')
	}
	sent := &answer{status: a.status, kind: kind}
	if len(body) > 0 && !c.s.add(c.work.ctx, sent, body) {
		return plainAnswer(http.StatusServiceUnavailable, noMemoryAnswer)
	}
	return sent
}

func restError(status int, format string, args ...any) *restAnswer {
	return &restAnswer{status: status, text: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *restAnswer {
	return restError(http.StatusBadRequest, format, args...)
}

func restNotFound(format string, args ...any) *restAnswer {
	return restError(http.StatusNotFound, format, args...)
}

// wants returns what is wrong with the format, or nil.
func (c *restCall) wants(formats ...string) *restAnswer {
	if slices.Contains(formats, c.format) {
		return nil
	}
	list := strings.Join(formats, ", ")
	if len(formats) > 1 {
		list = "." + strings.Join(formats, ", .")
	}
	return restNotFound("output format not found (available: %s)", list)
}

func (c *restCall) wantsAny() *restAnswer { return c.wants("bin", "hex", "json") }

// method answers with the result of a method of JSON-RPC.
func (c *restCall) method(name string, args ...jsonrpc.Value) *restAnswer {
	result, err := c.s.call(c.work, &jsonrpc.Request{Method: name, Params: jsonrpc.NewArray(args...)})
	if err != nil {
		return restError(http.StatusInternalServerError, "%s", err.Message)
	}
	return &restAnswer{status: http.StatusOK, json: result}
}

// restHash reads a hash of 64 digits.
func restHash(text string) (wire.Hash, *restAnswer) {
	hash, err := parseHash(text, "")
	if err != nil {
		return hash, badRequest("Invalid hash: %s", text)
	}
	return hash, nil
}

// value returns a parameter of the query, or def if it is not there.
func (c *restCall) value(name, def string) (string, *restAnswer) {
	values, err := url.ParseQuery(c.query)
	switch {
	case err != nil:
		return "", badRequest("URI parsing failed, it likely contained RFC 3986 invalid characters")
	case !values.Has(name):
		return def, nil
	}
	return values.Get(name), nil
}

// stretch reads a number of headers and a block: from the path COUNT/HASH or from
// HASH?count=COUNT. It returns the blocks of the active chain from that one on.
func (c *restCall) stretch(parts []string, form string) ([]ledger.Entry, *restAnswer) {
	text := ""
	var bad *restAnswer
	switch len(parts) {
	case 2:
		text = parts[0]
	case 1:
		if text, bad = c.value("count", "5"); bad != nil {
			return nil, bad
		}
	default:
		return nil, badRequest("Invalid URI format. Expected %s", form)
	}
	count, err := strconv.ParseUint(text, 10, 64)
	if err != nil || count < 1 || count > restHeaders {
		return nil, badRequest("Header count is invalid or out of acceptable range (1-%d): %s", restHeaders, text)
	}
	hash, bad := restHash(parts[len(parts)-1])
	if bad != nil {
		return nil, bad
	}
	list := []ledger.Entry{}
	e, ok := c.Ledger.Entry(hash)
	for ; ok && e.Active; e, ok = c.Ledger.Entry(*e.Next) {
		list = append(list, e)
		if uint64(len(list)) == count || e.Next == nil {
			break
		}
	}
	return list, nil
}

func (c *restCall) headers() *restAnswer {
	list, bad := c.stretch(strings.Split(c.param, "/"), "/rest/headers/<hash>.<ext>?count=<count>")
	if bad != nil {
		return bad
	}
	if bad := c.wantsAny(); bad != nil {
		return bad
	}
	a := &restAnswer{status: http.StatusOK}
	tip := c.Ledger.Tip()
	objects := make([]jsonrpc.Object, len(list))
	for i := range list {
		a.raw = list[i].Header.Append(a.raw)
		if c.format == "json" {
			objects[i] = headerObject(list[i], tip)
		}
	}
	a.json = objects
	return a
}

func (c *restCall) block(verbosity int) *restAnswer {
	hash, bad := restHash(c.param)
	if bad != nil {
		return bad
	}
	e, ok := c.Ledger.Entry(hash)
	switch {
	case !ok:
		return restNotFound("%s not found", c.param)
	case e.Status.Has(ledger.Pruned) && !e.Status.Has(ledger.HaveBody):
		return restNotFound("%s not available (pruned data)", c.param)
	case !e.Status.Has(ledger.HaveBody):
		return restNotFound("%s not available (not fully downloaded)", c.param)
	}
	if bad := c.wantsAny(); bad != nil {
		return bad
	}
	if c.format == "json" {
		return c.method("getblock", jsonrpc.NewString(hash.String()), jsonrpc.Value{Kind: jsonrpc.Number, Text: strconv.Itoa(verbosity)})
	}
	raw, err := c.Ledger.BlockBytes(hash)
	if err != nil {
		return restNotFound("%s not found", c.param)
	}
	return &restAnswer{status: http.StatusOK, raw: raw}
}

func (c *restCall) tx() *restAnswer {
	hash, bad := restHash(c.param)
	if bad != nil {
		return bad
	}
	tx, ok := c.Pool.Tx(hash)
	var in wire.Hash
	if !ok {
		var err error
		if tx, in, err = c.Ledger.Tx(hash); err != nil {
			return restNotFound("%s not found", c.param)
		}
	}
	if bad := c.wantsAny(); bad != nil {
		return bad
	}
	a := &restAnswer{status: http.StatusOK, raw: tx.Append(nil)}
	if c.format == "json" {
		o := c.s.txObject(tx, txView{})
		if !in.IsZero() {
			o.Add("blockhash", in)
		}
		o.Add("hex", jsonrpc.Hex(a.raw))
		a.json = o
	}
	return a
}

func (c *restCall) chainInfo() *restAnswer {
	if bad := c.wants("json"); bad != nil {
		return bad
	}
	return c.method("getblockchaininfo")
}

func (c *restCall) deployments() *restAnswer {
	if bad := c.wants("json"); bad != nil {
		return bad
	}
	if c.param == "" {
		return c.method("getdeploymentinfo")
	}
	hash, bad := restHash(c.param)
	if bad != nil {
		return bad
	}
	if _, ok := c.Ledger.Entry(hash); !ok {
		return badRequest("Block not found")
	}
	return c.method("getdeploymentinfo", jsonrpc.NewString(hash.String()))
}

func (c *restCall) mempool() *restAnswer {
	if c.param != "contents" && c.param != "info" {
		return badRequest("Invalid URI format. Expected /rest/mempool/<info|contents>.json")
	}
	if bad := c.wants("json"); bad != nil {
		return bad
	}
	if c.param == "info" {
		return c.method("getmempoolinfo")
	}
	var args []jsonrpc.Value
	for _, name := range []string{"verbose", "mempool_sequence"} {
		text, bad := c.value(name, strconv.FormatBool(name == "verbose"))
		if bad != nil {
			return bad
		}
		if text != "true" && text != "false" {
			return badRequest(`The "%s" query parameter must be either "true" or "false".`, name)
		}
		args = append(args, jsonrpc.Value{Kind: jsonrpc.Bool, Text: text})
	}
	if args[0].Text == "true" && args[1].Text == "true" {
		return badRequest(`Verbose results cannot contain mempool sequence values. (hint: set "verbose=false")`)
	}
	return c.method("getrawmempool", args...)
}

func (c *restCall) hashByHeight() *restAnswer {
	height, err := strconv.ParseInt(c.param, 10, 32)
	if err != nil || height < 0 {
		return badRequest("Invalid height: %s", c.param)
	}
	e, ok := c.Ledger.EntryAt(uint32(height))
	if !ok {
		return restNotFound("Block height out of range")
	}
	if bad := c.wantsAny(); bad != nil {
		return bad
	}
	var o jsonrpc.Object
	o.Add("blockhash", e.Ref.Hash)
	return &restAnswer{status: http.StatusOK, raw: e.Ref.Hash[:], hex: e.Ref.Hash.String(), json: o}
}

// filters checks the type of filters in a path.
func (c *restCall) filters(name string) *restAnswer {
	switch {
	case name != "basic":
		return badRequest("Unknown filtertype %s", name)
	case !c.Ledger.Indexes().Filters:
		return badRequest("Index is not enabled for filtertype %s", name)
	}
	return nil
}

func (c *restCall) filter() *restAnswer {
	parts := strings.Split(c.param, "/")
	if len(parts) != 2 {
		return badRequest("Invalid URI format. Expected /rest/blockfilter/<filtertype>/<blockhash>")
	}
	hash, bad := restHash(parts[1])
	if bad == nil {
		bad = c.filters(parts[0])
	}
	if bad != nil {
		return bad
	}
	e, ok := c.Ledger.Entry(hash)
	if !ok {
		return restNotFound("%s not found", parts[1])
	}
	f, err := c.Ledger.BlockFilter(hash)
	if err != nil {
		return c.noFilter(e)
	}
	if bad := c.wantsAny(); bad != nil {
		return bad
	}
	raw := append([]byte{basicFilters}, hash[:]...)
	raw = append(wire.AppendCompactSize(raw, uint64(len(f.Filter))), f.Filter...)
	var o jsonrpc.Object
	o.Add("filter", jsonrpc.Hex(f.Filter))
	return &restAnswer{status: http.StatusOK, raw: raw, json: o}
}

// noFilter says why a block has no filter.
func (c *restCall) noFilter(e ledger.Entry) *restAnswer {
	if !e.Status.Has(ledger.ValidScripts) {
		return restNotFound("Filter not found. Block was not connected to active chain.")
	}
	return restNotFound("Filter not found. This error is unexpected and indicates index corruption.")
}

func (c *restCall) filterHeaders() *restAnswer {
	parts := strings.Split(c.param, "/")
	list, bad := c.stretch(parts[1:], "/rest/blockfilterheaders/<filtertype>/<blockhash>.<ext>?count=<count>")
	if bad == nil {
		bad = c.filters(parts[0])
	}
	if bad != nil {
		return bad
	}
	snapshot, err := c.Ledger.Snapshot()
	if err != nil {
		return restError(http.StatusInternalServerError, "%v", err)
	}
	defer snapshot.Close()
	a := &restAnswer{status: http.StatusOK}
	headers := make([]wire.Hash, len(list))
	for i := range list {
		f, err := snapshot.BlockFilter(list[i].Ref.Hash)
		if err != nil {
			return c.noFilter(list[i])
		}
		headers[i] = f.Header
		a.raw = append(a.raw, f.Header[:]...)
	}
	if bad := c.wantsAny(); bad != nil {
		return bad
	}
	a.json = headers
	return a
}

// outputs tells which outputs are unspent (BIP 64).
func (c *restCall) outputs() *restAnswer {
	ops, withPool, bad := c.outpoints()
	if bad != nil {
		return bad
	}
	if len(ops) > restOutputs {
		return badRequest("Error: max outpoints exceeded (max: %d, tried: %d)", restOutputs, len(ops))
	}
	tip, coins, err := c.unspent(ops, withPool)
	if err != nil {
		return restError(http.StatusInternalServerError, "%v", err)
	}
	bits := make([]byte, (len(ops)+7)/8)
	text := make([]byte, len(ops))
	utxos := []jsonrpc.Object{}
	var raw []byte
	for i, coin := range coins {
		text[i] = '0'
		if coin == nil {
			continue
		}
		text[i] = '1'
		bits[i/8] |= 1 << (i % 8)
		height := coin.Coin.Height
		if coin.InPool {
			height = poolHeight
		}
		var o jsonrpc.Object
		o.Add("height", height)
		o.Add("value", coin.Coin.Out.Value)
		o.Add("scriptPubKey", c.s.scriptObject(coin.Coin.Out.PkScript))
		utxos = append(utxos, o)
		raw = append(raw, 0, 0, 0, 0) // a version that is not kept any more
		raw = append(raw, byte(height), byte(height>>8), byte(height>>16), byte(height>>24))
		raw = coin.Coin.Out.Append(raw)
	}
	head := append([]byte{byte(tip.Height), byte(tip.Height >> 8), byte(tip.Height >> 16), byte(tip.Height >> 24)}, tip.Hash[:]...)
	head = append(wire.AppendCompactSize(head, uint64(len(bits))), bits...)
	head = wire.AppendCompactSize(head, uint64(len(utxos)))
	var o jsonrpc.Object
	o.Add("chainHeight", tip.Height)
	o.Add("chaintipHash", tip.Hash)
	o.Add("bitmap", string(text))
	o.Add("utxos", utxos)
	return &restAnswer{status: http.StatusOK, raw: append(head, raw...), json: o}
}

// outpoints reads what is asked for: from the path, or in binary from the body.
func (c *restCall) outpoints() (ops []wire.OutPoint, withPool bool, bad *restAnswer) {
	var parts []string
	if len(c.param) > 1 {
		parts = strings.Split(c.param[1:], "/")
	}
	if len(parts) == 0 && c.body == "" {
		return nil, false, badRequest("Error: empty request")
	}
	if len(parts) > 0 {
		if withPool = parts[0] == "checkmempool"; withPool {
			parts = parts[1:]
		}
		for _, part := range parts {
			id, index, _ := strings.Cut(part, "-")
			hash, err := parseHash(id, "")
			n, err2 := strconv.ParseUint(index, 10, 32)
			if err != nil || err2 != nil {
				return nil, false, badRequest("Parse error")
			}
			ops = append(ops, wire.OutPoint{TxID: hash, Index: uint32(n)})
		}
		if len(ops) == 0 {
			return nil, false, badRequest("Error: empty request")
		}
	}
	body := []byte(c.body)
	switch c.format {
	case "hex":
		var err error
		if body, err = hex.DecodeString(strings.TrimSpace(c.body)); err != nil {
			return nil, false, badRequest("Parse error")
		}
	case "bin":
	case "json":
		if len(ops) == 0 {
			return nil, false, badRequest("Error: empty request")
		}
		return ops, withPool, nil
	default:
		return nil, false, c.wantsAny()
	}
	switch {
	case len(body) == 0:
		return ops, withPool, nil
	case len(ops) > 0:
		return nil, false, badRequest("Combination of URI scheme inputs and raw post data is not allowed")
	}
	// Whether the pool counts (1), and a list of outpoints.
	const size = wire.HashSize + 4
	n, rest, err := wire.ReadCompactSize(body[1:])
	if err != nil || uint64(len(rest)) < n*size {
		return nil, false, badRequest("Parse error")
	}
	for ; n > 0; n-- {
		op := wire.OutPoint{TxID: wire.Hash(rest[:wire.HashSize])}
		index := rest[wire.HashSize:size]
		op.Index = uint32(index[0]) | uint32(index[1])<<8 | uint32(index[2])<<16 | uint32(index[3])<<24
		ops, rest = append(ops, op), rest[size:]
	}
	return ops, body[0] != 0, nil
}

// unspent looks outputs up, all at one tip. What is spent, or was never there, is nil.
func (c *restCall) unspent(ops []wire.OutPoint, withPool bool) (tip wire.BlockRef, coins []*mempool.Coin, err error) {
	coins = make([]*mempool.Coin, len(ops))
	if !withPool {
		s, err := c.Ledger.Snapshot()
		if err != nil {
			return tip, nil, err
		}
		defer s.Close()
		for i, op := range ops {
			var coin mempool.Coin
			found, err := s.FetchCoin(op, &coin.Coin)
			if err != nil {
				return tip, nil, err
			}
			if found {
				coins[i] = &coin
			}
		}
		return s.Tip(), coins, nil
	}
	for tip = c.Ledger.Tip().Tip; ; {
		moved := false
		for i, op := range ops {
			coin, found, err := c.Pool.Coin(c.work.ctx, op)
			if err != nil {
				return tip, nil, err
			}
			if i == 0 {
				tip = coin.Tip
			}
			moved = moved || coin.Tip != tip
			coins[i] = nil
			if found && !coin.Spent {
				coins[i] = &coin
			}
		}
		if !moved {
			return tip, coins, nil
		}
	}
}
