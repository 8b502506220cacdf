package lnd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// nobody is an address to mine to when no lnd is to have the coins.
const nobody = "bcrt1q6z64a43mjgkcq0ul2znwneq3spghrlau9slefp"

// setup is how a node runs and how lnd hears of blocks.
type setup struct {
	zmq     bool // else lnd asks for what is new
	txindex bool
	args    []string // more settings of the node
}

func (s setup) String() string {
	name := "polling"
	if s.zmq {
		name = "ZMQ"
	}
	if s.txindex {
		name += ", txindex"
	}
	return name
}

// keelson is a regtest node in a process of its own.
type keelson struct {
	process
	setup
	dir  string
	port int
	user string
	pass string

	lndPort int    // where lnds call the node
	zmqPort [2]int // of blocks and of transactions
}

// startKeelson runs a node and waits until it answers.
func startKeelson(t *testing.T, s setup) *keelson {
	t.Helper()
	k := &keelson{process: process{t: t, name: "keelson"}, setup: s, dir: scratch(t, "keelson"), port: freePort(t), user: "alice", pass: "secret"}
	k.lndPort = k.port
	k.zmqPort = [2]int{freePort(t), freePort(t)}
	k.run()
	k.mine(1) // a chain of a block of 2011 counts as one that is still being fetched
	return k
}

// run starts the process, for the first time or again.
func (k *keelson) run() {
	k.t.Helper()
	args := append([]string{"node", "--network=regtest", "--datadir=" + k.dir, "--connect=0",
		fmt.Sprintf("--rpcport=%d", k.port), "--rpcuser=" + k.user, "--rpcpassword=" + k.pass}, k.args...)
	if k.zmq {
		args = append(args, "--zmqpubrawblock=tcp://"+loopback(k.zmqPort[0]), "--zmqpubrawtx=tcp://"+loopback(k.zmqPort[1]))
	}
	if k.txindex {
		args = append(args, "--txindex")
	}
	k.start("../../bin/keelson", args...)
	eventually(k.t, "the node answers, and has its pool", func() error {
		k.alive()
		var pool struct{ Loaded bool }
		if err := k.try(&pool, "getmempoolinfo"); err != nil {
			return err
		}
		if !pool.Loaded {
			return errors.New("the pool is not there yet")
		}
		return nil
	})
}

// callError is an error that the node answered with.
type callError struct {
	Code    int
	Message string
}

func (e *callError) Error() string { return fmt.Sprintf("%d %s", e.Code, e.Message) }

// try calls a method.
func (k *keelson) try(result any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+loopback(k.port), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(k.user, k.pass)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  *callError
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: status %s: %w", method, resp.Status, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("%s %v: %w", method, params, answer.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// call calls a method that must work.
func (k *keelson) call(result any, method string, params ...any) {
	k.t.Helper()
	if err := k.try(result, method, params...); err != nil {
		k.t.Fatal(err)
	}
}

// mine mines blocks with what the pool has and returns their hashes.
func (k *keelson) mine(blocks int) (hashes []string) {
	k.t.Helper()
	k.call(&hashes, "generatetoaddress", blocks, nobody)
	return hashes
}

func (k *keelson) height() (height int) {
	k.t.Helper()
	k.call(&height, "getblockcount")
	return height
}

// pool is the ids of the transactions that wait.
func (k *keelson) pool() (ids []string) {
	k.t.Helper()
	k.call(&ids, "getrawmempool")
	return ids
}

// spender waits until a transaction of the pool spends an output, and returns its
// id.
func (k *keelson) spender(txid string, vout int) (spending string) {
	k.t.Helper()
	eventually(k.t, fmt.Sprintf("something in the pool spends %s:%d", txid, vout), func() error {
		var answer []struct{ SpendingTxid string }
		if err := k.try(&answer, "gettxspendingprevout", []any{map[string]any{"txid": txid, "vout": vout}}); err != nil {
			return err
		}
		if spending = answer[0].SpendingTxid; spending == "" {
			return fmt.Errorf("the pool has %v", k.pool())
		}
		return nil
	})
	return spending
}

// transaction is what the scenarios look at in one.
type transaction struct {
	Txid string
	Vin  []struct {
		Txid        string
		Vout        int
		Sequence    uint32
		TxInWitness []string
	}
	Vout []struct {
		Value        float64
		ScriptPubKey struct{ Hex, Type, Address string }
	}
	Blockhash string
	Vsize     int
	Locktime  uint32
}

// transaction reads one of the pool or, if blockhash is not empty, of that block.
func (k *keelson) transaction(txid, blockhash string) (tx transaction) {
	k.t.Helper()
	params := []any{txid, 1}
	if blockhash != "" {
		params = append(params, blockhash)
	}
	k.call(&tx, "getrawtransaction", params...)
	return tx
}

// mined is the ids of the transactions of a block, without the coinbase's.
func (k *keelson) mined(hash string) []string {
	k.t.Helper()
	var block struct{ Tx []string }
	k.call(&block, "getblock", hash, 1)
	return block.Tx[1:]
}

// scratch makes a folder for a process, which is deleted at the end unless
// KEELSON_LND_KEEP names a folder to keep everything in.
func scratch(t *testing.T, name string) string {
	t.Helper()
	if keep := os.Getenv("KEELSON_LND_KEEP"); keep != "" {
		dir, err := os.MkdirTemp(keep, name+"-")
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s keeps its files in %s", name, dir)
		return dir
	}
	return filepath.Join(t.TempDir(), name)
}
