package rpc

import (
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/sign"
)

func messageMethods() []method {
	return []method{
		{
			name: "signmessagewithprivkey", category: "util", run: signmessagewithprivkey,
			help: "Sign a message with the private key of an address.",
			params: []param{
				need("privkey", tString, "The private key, in the wallet import format"),
				need("message", tString, "The message"),
			},
			results:  one(rString("signature", "the signature in base 64")),
			examples: []string{`"privkey" "my message"`},
		},
		{
			name: "verifymessage", category: "util", run: verifymessage,
			help: "Verify a signed message.",
			params: []param{
				need("address", tString, "The address of the key that signed, a P2PKH one"),
				need("signature", tString, "The signature in base 64"),
				need("message", tString, "The message"),
			},
			results:  one(rBool("", "whether the signature is the key's")),
			examples: []string{`"mpLQjfK79b7CCV4VMJWEWAj5Mpx8Up5zxB" "signature" "my message"`},
		},
	}
}

func signmessagewithprivkey(c *call) (any, error) {
	text, message := c.text(0), c.text(1)
	if c.err != nil {
		return nil, c.err
	}
	key, compressed, err := parsePrivateKey(&c.s.cfg.Params.Address, text)
	if err != nil {
		return nil, err
	}
	return sign.Message(key, compressed, message), nil
}

func verifymessage(c *call) (any, error) {
	addr, signature, message := c.text(0), c.text(1), c.text(2)
	if c.err != nil {
		return nil, c.err
	}
	pkScript, err := address.Decode(&c.s.cfg.Params.Address, addr)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid address")
	}
	class, data := script.Classify(pkScript)
	if class != script.PubKeyHash {
		return nil, jsonrpc.Errorf(jsonrpc.CodeType, "Address does not refer to key")
	}
	ok, err := sign.VerifyMessage(sign.KeyID(data[0]), signature, message)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeType, "%v", err)
	}
	return ok, nil
}
