package rpcclient

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcjson"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/lightninglabs/gozmq"
)

// TestZMQ subscribes as lnd does, on one connection to blocks and on another to
// transactions, at the addresses that the node tells.
func TestZMQ(t *testing.T) {
	n := startNode(t, "--zmqpubrawblock=tcp://127.0.0.1:0", "--zmqpubrawtx=tcp://127.0.0.1:0")
	c := n.client
	var told []struct {
		Type, Address string
		HWM           int
	}
	receive(t, c, btcjson.NewGetZmqNotificationsCmd(), &told)
	if len(told) != 2 || told[0].Type != "pubrawblock" || told[1].Type != "pubrawtx" || told[0].HWM != 1000 {
		t.Fatalf("%+v", told)
	}
	subscribe := func(address, topic string) *gozmq.Conn {
		conn := must(gozmq.Subscribe(address, []string{topic}, time.Minute))(t)
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	blocks, txs := subscribe(told[0].Address, "rawblock"), subscribe(told[1].Address, "rawtx")
	hear := func(conn *gozmq.Conn, topic string) (body []byte, number uint32) {
		t.Helper()
		// The buffers of lnd, which must be large enough.
		frames := must(conn.Receive([][]byte{make([]byte, len(topic)), make([]byte, 4_000_000), make([]byte, 4)}))(t)
		same(t, "topic", string(frames[0]), topic)
		return frames[1], binary.LittleEndian.Uint32(frames[2])
	}

	// Until both have subscribed, blocks pass unheard.
	var hashes []*chainhash.Hash
	mine := func() *chainhash.Hash {
		var list []string
		receive(t, c, btcjson.NewGenerateToAddressCmd(1, "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202", nil), &list)
		hashes = append(hashes, must(chainhash.NewHashFromStr(list[0]))(t))
		return hashes[len(hashes)-1]
	}
	for range 3 {
		mine()
	}
	t.Run("blocks and transactions reach gozmq", func(t *testing.T) {
		var at *chainhash.Hash
		for range 200 {
			at = mine()
		}
		for _, topic := range []string{"rawblock", "rawtx"} {
			conn, last := blocks, uint32(0)
			if topic == "rawtx" {
				conn = txs
			}
			for i := 0; ; i++ {
				body, number := hear(conn, topic)
				if i > 0 && number != last+1 {
					t.Errorf("%s %d after %d", topic, number, last)
				}
				last = number
				block := must(c.GetBlock(hashes[number]))(t)
				var want bytes.Buffer
				if topic == "rawblock" {
					_ = block.Serialize(&want)
				} else {
					_ = block.Transactions[0].Serialize(&want)
				}
				if !bytes.Equal(body, want.Bytes()) {
					t.Fatalf("%s %d is %x", topic, number, body)
				}
				if *hashes[number] == *at {
					break
				}
			}
		}
	})
	n.end(t)
}
