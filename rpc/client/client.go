// Package client calls a node's JSON-RPC server: for the command line and for
// tests. It speaks to Keelson and to Bitcoin Core alike.
package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// Config says which server to call and as whom.
type Config struct {
	Address        string // host:port
	User, Password string
	// CookieFile is read at each call, so that a node may restart, if Password is
	// empty.
	CookieFile string
	// Timeout is for a whole call; 0: none.
	Timeout time.Duration
}

// Client calls one server. It may be used from several goroutines.
type Client struct {
	cfg  Config
	http *http.Client
}

// New returns a Client. Nothing is sent before the first call.
func New(cfg Config) *Client {
	return &Client{cfg: cfg, http: &http.Client{
		Timeout:   cfg.Timeout,
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute},
	}}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// What a call reports besides a *jsonrpc.Error and a *StatusError.
var (
	// ErrConnection: the server could not be reached, or the connection broke.
	ErrConnection = errors.New("could not connect to the server")
	// ErrUnauthorized: the server does not know the user or the password.
	ErrUnauthorized = errors.New("wrong user or password")
	// ErrNoCookie: there is neither a password nor a cookie file, and the server
	// wants one.
	ErrNoCookie = errors.New("no password and no cookie file")
	// ErrReply: the server's answer is not JSON-RPC.
	ErrReply = errors.New("the answer is not JSON-RPC")
)

// StatusError is an HTTP status that JSON-RPC does not use.
type StatusError struct {
	Status int
	Body   string
}

// Error names the status.
func (e *StatusError) Error() string { return fmt.Sprintf("HTTP status %d: %s", e.Status, e.Body) }

// Call calls a method with positional arguments of any type that
// jsonrpc.Append takes, and returns its result or a *jsonrpc.Error.
func (c *Client) Call(ctx context.Context, method string, args ...any) (jsonrpc.Value, error) {
	if args == nil {
		args = []any{}
	}
	return c.CallParams(ctx, method, args)
}

// CallParams is Call with the parameters as one value: an array, or an object
// of named ones.
func (c *Client) CallParams(ctx context.Context, method string, params any) (jsonrpc.Value, error) {
	reply, err := c.post(ctx, request(method, params, 1))
	if err != nil {
		return jsonrpc.Value{}, err
	}
	return result(&reply)
}

// Result is what one call of a batch gave.
type Result struct {
	Value jsonrpc.Value
	Err   error
}

// Batch calls several methods without arguments in one request.
func (c *Client) Batch(ctx context.Context, methods ...string) ([]Result, error) {
	var batch []jsonrpc.Object
	for i, method := range methods {
		batch = append(batch, request(method, []any{}, i))
	}
	reply, err := c.post(ctx, batch)
	if err != nil {
		return nil, err
	}
	if reply.Kind != jsonrpc.Array {
		_, err := result(&reply)
		return nil, errors.Join(ErrReply, err)
	}
	results := make([]Result, len(methods))
	for i := range results {
		results[i].Err = ErrReply
	}
	for i := range reply.Len() {
		var id int
		if _, err := fmt.Sscan(reply.At(i).Get("id").Text, &id); err == nil && id >= 0 && id < len(results) {
			results[id].Value, results[id].Err = result(reply.At(i))
		}
	}
	return results, nil
}

func request(method string, params any, id int) jsonrpc.Object {
	var o jsonrpc.Object
	o.Add("method", method)
	o.Add("params", params)
	o.Add("id", id)
	return o
}

// result takes an answer apart.
func result(reply *jsonrpc.Value) (jsonrpc.Value, error) {
	if reply.Kind != jsonrpc.Obj || reply.Len() == 0 {
		return jsonrpc.Value{}, ErrReply
	}
	e := reply.Get("error")
	if e.IsNull() {
		return *reply.Get("result"), nil
	}
	code, _ := strconv.Atoi(e.Get("code").Text) // 0 if it is no number
	return jsonrpc.Value{}, &jsonrpc.Error{Code: jsonrpc.Code(code), Message: e.Get("message").Text}
}

// credentials returns what is sent as user and password.
func (c *Client) credentials() (user, password string, ok bool) {
	if c.cfg.Password != "" {
		return c.cfg.User, c.cfg.Password, true
	}
	cookie, err := os.ReadFile(c.cfg.CookieFile)
	if err != nil {
		return "", "", false
	}
	line, _, _ := strings.Cut(string(cookie), "\n")
	return strings.Cut(line, ":")
}

func (c *Client) post(ctx context.Context, body any) (jsonrpc.Value, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.cfg.Address+"/", bytes.NewReader(jsonrpc.Append(nil, body)))
	if err != nil {
		return jsonrpc.Value{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	user, password, known := c.credentials()
	if known {
		req.SetBasicAuth(user, password)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return jsonrpc.Value{}, fmt.Errorf("%w: %w", ErrConnection, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return jsonrpc.Value{}, fmt.Errorf("%w: %w", ErrConnection, err)
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusBadRequest, http.StatusNotFound, http.StatusInternalServerError:
	case http.StatusUnauthorized:
		if !known {
			return jsonrpc.Value{}, ErrNoCookie
		}
		return jsonrpc.Value{}, ErrUnauthorized
	default:
		return jsonrpc.Value{}, &StatusError{resp.StatusCode, string(text)}
	}
	if len(text) == 0 {
		return jsonrpc.Value{}, &StatusError{resp.StatusCode, "no response"}
	}
	v, err := jsonrpc.ParseLarge(string(text))
	if err != nil {
		return jsonrpc.Value{}, ErrReply
	}
	return v, nil
}
