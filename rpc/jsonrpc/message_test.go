package jsonrpc

import (
	"errors"
	"testing"
)

// TestRequest reads requests and shows how each is answered: with a result of
// 1, or with the error that reading it gave.
func TestRequest(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"method":"m","id":1}`, `{"result":1,"error":null,"id":1}`},
		{`{"method":"m","id":"x","params":[1]}`, `{"result":1,"error":null,"id":"x"}`},
		{`{"method":"m","id":null,"params":{}}`, `{"result":1,"error":null,"id":null}`},
		{`{"method":"m","id":[1,{"a":2}]}`, `{"result":1,"error":null,"id":[1,{"a":2}]}`},
		{`{"method":"m"}`, `{"result":1,"error":null}`},
		{`{"jsonrpc":"1.0","method":"m","id":1.50}`, `{"result":1,"error":null,"id":1.50}`},
		{`{"jsonrpc":null,"method":"m","id":1}`, `{"result":1,"error":null,"id":1}`},
		{`{"jsonrpc":"2.0","method":"m","id":1}`, `{"jsonrpc":"2.0","result":1,"id":1}`},
		{`{"jsonrpc":"2.0","method":"m","id":null}`, `{"jsonrpc":"2.0","result":1,"id":null}`},

		{`{}`, `{"result":null,"error":{"code":-32600,"message":"Missing method"}}`},
		{`{"id":3,"method":4}`, `{"result":null,"error":{"code":-32600,"message":"Method must be a string"},"id":3}`},
		{`{"id":3,"method":"m","params":"x"}`, `{"result":null,"error":{"code":-32600,"message":"Params must be an array or object"},"id":3}`},
		{`{"id":3,"method":"m","jsonrpc":2.0}`, `{"result":null,"error":{"code":-32600,"message":"jsonrpc field must be a string"},"id":3}`},
		{`{"id":3,"method":"m","jsonrpc":"3.0"}`, `{"result":null,"error":{"code":-32600,"message":"JSON-RPC version not supported"},"id":3}`},
		{`{"jsonrpc":"2.0","id":3}`, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Missing method"},"id":3}`},
		{`17`, `{"result":null,"error":{"code":-32600,"message":"Invalid Request object"},"id":null}`},
	} {
		v, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		r := NewRequest()
		var e *Error
		errors.As(r.Read(&v), &e)
		if got := string(r.AppendReply(nil, 1, e)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
		if r.IsNotification() {
			t.Errorf("%s is a notification", c.text)
		}
	}

	v, _ := Parse(`{"jsonrpc":"2.0","method":"m"}`)
	if r := NewRequest(); r.Read(&v) != nil || !r.IsNotification() {
		t.Error("a request of version 2.0 without an id is no notification")
	}
}
