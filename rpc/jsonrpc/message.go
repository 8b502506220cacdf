package jsonrpc

// Request is one call.
type Request struct {
	Method string
	Params Value // an array (positional) or an object (named)
	ID     Value
	HasID  bool // an id was there, be it null
	V2     bool // version 2.0 was asked for; otherwise 1.0 or 1.1
}

// NewRequest is a request before anything of it is known: errors about it are
// answered in version 1.1 with the id null.
func NewRequest() *Request { return &Request{HasID: true} }

// Read fills the request in from a parsed object. After an error, what was
// read up to there still says how to answer.
func (r *Request) Read(v *Value) error {
	if v.Kind != Obj {
		return Errorf(CodeInvalidRequest, "Invalid Request object")
	}
	id, hasID := v.Lookup("id")
	r.HasID, r.ID = hasID, Value{}
	if hasID {
		r.ID = *id
	}

	// Old documentation has "jsonrpc": "1.0", so it is taken.
	r.V2 = false
	switch version := v.Get("jsonrpc"); {
	case version.IsNull():
	case version.Kind != String:
		return Errorf(CodeInvalidRequest, "jsonrpc field must be a string")
	case version.Text == "2.0":
		r.V2 = true
	case version.Text != "1.0":
		return Errorf(CodeInvalidRequest, "JSON-RPC version not supported")
	}

	switch method := v.Get("method"); method.Kind {
	case Null:
		return Errorf(CodeInvalidRequest, "Missing method")
	case String:
		r.Method = method.Text
	default:
		return Errorf(CodeInvalidRequest, "Method must be a string")
	}

	switch params := v.Get("params"); params.Kind {
	case Array, Obj:
		r.Params = *params
	case Null:
		r.Params = NewArray()
	default:
		return Errorf(CodeInvalidRequest, "Params must be an array or object")
	}
	return nil
}

// IsNotification reports whether the caller wants no answer (JSON-RPC 2.0,
// section 4.1).
func (r *Request) IsNotification() bool { return r.V2 && !r.HasID }

// AppendReply appends the answer: of version 2.0 either result or error; of
// the older ones both, one of them null.
func (r *Request) AppendReply(dst []byte, result any, err *Error) []byte {
	e := &encoder{}
	dst = append(dst, '{')
	if r.V2 {
		dst = append(dst, `"jsonrpc":"2.0",`...)
	}
	switch {
	case err == nil:
		dst = e.append(append(dst, `"result":`...), result, 1)
		if !r.V2 {
			dst = append(dst, `,"error":null`...)
		}
	default:
		if !r.V2 {
			dst = append(dst, `"result":null,`...)
		}
		dst = e.append(append(dst, `"error":`...), err.object(), 1)
	}
	if r.HasID {
		dst = e.value(append(dst, `,"id":`...), &r.ID, 1)
	}
	return append(dst, '}')
}
