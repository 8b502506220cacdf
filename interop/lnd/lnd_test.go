package lnd

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightningnetwork/lnd/lnrpc"
	"github.com/lightningnetwork/lnd/lnrpc/invoicesrpc"
	"github.com/lightningnetwork/lnd/lnrpc/routerrpc"
	"github.com/lightningnetwork/lnd/lnrpc/walletrpc"
	"github.com/lightningnetwork/lnd/lnrpc/watchtowerrpc"
	"github.com/lightningnetwork/lnd/lnrpc/wtclientrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// toSelfDelay is for how many blocks a party that closes by force waits for its
// own coins.
const toSelfDelay = 4

// lightning is a real lnd whose chain is a Keelson node.
type lightning struct {
	process
	chain  *keelson
	dir    string
	peer   int // port for other lnds
	rpc    int // port for gRPC
	args   []string
	pubkey string

	conn *grpc.ClientConn
	lnrpc.LightningClient
	router   routerrpc.RouterClient
	invoices invoicesrpc.InvoicesClient
	wallet   walletrpc.WalletKitClient
	tower    watchtowerrpc.WatchtowerClient
	towers   wtclientrpc.WatchtowerClientClient
}

// startLnd runs an lnd with a wallet of its own and waits until it follows the
// chain.
func startLnd(chain *keelson, name string, args ...string) *lightning {
	t := chain.t
	t.Helper()
	l := &lightning{
		process: process{t: t, name: name}, chain: chain, dir: scratch(t, name),
		peer: freePort(t), rpc: freePort(t), args: args,
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(l.dir, "logs", "bitcoin", "regtest", "lnd.log"))
			t.Logf("the end of %s's log:\n%s", name, tail(string(log), 40))
		}
	})
	l.run()
	return l
}

// run starts the process, for the first time or again.
func (l *lightning) run(more ...string) {
	l.t.Helper()
	args := []string{
		"--lnddir=" + l.dir, "--alias=" + l.name, "--debuglevel=info",
		"--bitcoin.regtest", "--bitcoin.node=bitcoind",
		"--bitcoind.rpchost=" + loopback(l.chain.lndPort), "--bitcoind.rpcuser=" + l.chain.user, "--bitcoind.rpcpass=" + l.chain.pass,
		"--bitcoin.defaultchanconfs=1", fmt.Sprintf("--bitcoin.defaultremotedelay=%d", toSelfDelay),
		"--rpclisten=" + loopback(l.rpc), "--norest",
		"--noseedbackup", "--nobootstrap", "--accept-keysend",
		"--trickledelay=50", "--gossip.sub-batch-delay=5ms", "--caches.rpc-graph-cache-duration=100ms",
		"--minbackoff=500ms", "--maxbackoff=2s", // of calls to peers that were away
	}
	if !slices.Contains(slices.Concat(l.args, more), "--nolisten") {
		args = append(args, "--listen="+loopback(l.peer))
	}
	args = append(args, l.chain.lndArgs()...)
	l.start(lndBinary, append(append(args, l.args...), more...)...)
	l.dial()
	eventually(l.t, l.name+" follows the chain", func() error {
		l.alive()
		info, err := l.GetInfo(l.t.Context(), &lnrpc.GetInfoRequest{})
		if err != nil {
			return err
		}
		if !info.SyncedToChain {
			return fmt.Errorf("it is at height %d", info.BlockHeight)
		}
		l.pubkey = info.IdentityPubkey
		return nil
	})
}

// lndArgs says how lnd hears of blocks and transactions.
func (k *keelson) lndArgs() []string {
	if k.zmq {
		return []string{"--bitcoind.zmqpubrawblock=tcp://" + loopback(k.zmqPort[0]), "--bitcoind.zmqpubrawtx=tcp://" + loopback(k.zmqPort[1])}
	}
	return []string{"--bitcoind.rpcpolling", "--bitcoind.blockpollinginterval=100ms", "--bitcoind.txpollinginterval=100ms"}
}

// macaroon is what lnd's gRPC wants with every call.
type macaroon string

func (m macaroon) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"macaroon": string(m)}, nil
}

func (macaroon) RequireTransportSecurity() bool { return true }

// dial connects to lnd's gRPC, once lnd has made a certificate and a macaroon.
func (l *lightning) dial() {
	l.t.Helper()
	if l.conn != nil {
		l.conn.Close()
	}
	eventually(l.t, l.name+" has a macaroon", func() error {
		l.alive()
		secret, err := os.ReadFile(filepath.Join(l.dir, "data", "chain", "bitcoin", "regtest", "admin.macaroon"))
		if err != nil {
			return err
		}
		if len(secret) == 0 {
			return errors.New("it is being written")
		}
		certificate, err := credentials.NewClientTLSFromFile(filepath.Join(l.dir, "tls.cert"), "")
		if err != nil {
			return err
		}
		l.conn, err = grpc.NewClient(loopback(l.rpc), grpc.WithTransportCredentials(certificate),
			grpc.WithPerRPCCredentials(macaroon(hex.EncodeToString(secret))))
		return err
	})
	l.t.Cleanup(func() { l.conn.Close() })
	l.LightningClient = lnrpc.NewLightningClient(l.conn)
	l.router = routerrpc.NewRouterClient(l.conn)
	l.invoices = invoicesrpc.NewInvoicesClient(l.conn)
	l.wallet = walletrpc.NewWalletKitClient(l.conn)
	l.tower = watchtowerrpc.NewWatchtowerClient(l.conn)
	l.towers = wtclientrpc.NewWatchtowerClientClient(l.conn)
}

// must is the answer of a call that has to work:
//
//	must(l.WalletBalance(ctx, &lnrpc.WalletBalanceRequest{}))(t)
func must[T any](answer T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// synced waits until lnds have seen the node's tip.
func (k *keelson) synced(all ...*lightning) {
	k.t.Helper()
	var tip string
	k.call(&tip, "getbestblockhash")
	for _, l := range all {
		eventually(k.t, l.name+" sees the tip", func() error {
			l.alive()
			info, err := l.GetInfo(k.t.Context(), &lnrpc.GetInfoRequest{})
			if err != nil {
				return err
			}
			if info.BlockHash != tip || !info.SyncedToChain {
				return fmt.Errorf("it is at %d %s, synced: %t", info.BlockHeight, info.BlockHash, info.SyncedToChain)
			}
			return nil
		})
	}
}

// fund mines coins for lnds, a block's each, and makes them spendable.
func (k *keelson) fund(all ...*lightning) {
	k.t.Helper()
	for _, l := range all {
		k.call(nil, "generatetoaddress", 1, l.address())
	}
	k.mine(100)
	k.synced(all...)
	for _, l := range all {
		eventually(k.t, l.name+" has coins", func() error {
			if l.confirmed() == 0 {
				return errors.New("nothing is confirmed")
			}
			return nil
		})
	}
}

// address is a new one of the lnd's wallet.
func (l *lightning) address() string {
	l.t.Helper()
	return must(l.NewAddress(l.t.Context(), &lnrpc.NewAddressRequest{Type: lnrpc.AddressType_TAPROOT_PUBKEY}))(l.t).Address
}

// confirmed is what the wallet has in the chain, in satoshi.
func (l *lightning) confirmed() int64 {
	l.t.Helper()
	return must(l.WalletBalance(l.t.Context(), &lnrpc.WalletBalanceRequest{}))(l.t).ConfirmedBalance
}

// connect makes the lnds peers.
func (l *lightning) connect(other *lightning) {
	l.t.Helper()
	eventually(l.t, l.name+" is connected to "+other.name, func() error {
		peers, err := l.ListPeers(l.t.Context(), &lnrpc.ListPeersRequest{})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(peers.Peers, func(p *lnrpc.Peer) bool { return p.PubKey == other.pubkey }) {
			return nil
		}
		_, err = l.ConnectPeer(l.t.Context(), &lnrpc.ConnectPeerRequest{
			Addr: &lnrpc.LightningAddress{Pubkey: other.pubkey, Host: loopback(other.peer)},
		})
		if err != nil && strings.Contains(err.Error(), "already connected") {
			return nil
		}
		if err == nil {
			err = errors.New("not a peer yet")
		}
		return err
	})
}

// channel is a channel as its funding transaction names it.
type channel struct {
	point *lnrpc.ChannelPoint
	txid  string
	vout  int
}

func (c channel) String() string { return fmt.Sprintf("%s:%d", c.txid, c.vout) }

// amounts of channels and payments, in satoshi.
const (
	capacity = 1_000_000
	price    = 10_000
)

// propose has lnd open a channel, whose funding transaction then waits in the pool.
func (l *lightning) propose(other *lightning, change func(*lnrpc.OpenChannelRequest)) channel {
	l.t.Helper()
	l.connect(other)
	key := must(hex.DecodeString(other.pubkey))(l.t)
	req := &lnrpc.OpenChannelRequest{NodePubkey: key, LocalFundingAmount: capacity, SatPerVbyte: 2}
	if change != nil {
		change(req)
	}
	point := must(l.OpenChannelSync(l.t.Context(), req))(l.t)
	c := channel{point: point, txid: displayed(point.GetFundingTxidBytes()), vout: int(point.OutputIndex)}
	eventually(l.t, "the funding transaction is in the pool", func() error {
		if !slices.Contains(l.chain.pool(), c.txid) {
			return fmt.Errorf("%s is not among %v", c.txid, l.chain.pool())
		}
		return nil
	})
	return c
}

// open opens a channel, and waits until both sides can use it.
func (l *lightning) open(other *lightning, change func(*lnrpc.OpenChannelRequest)) channel {
	l.t.Helper()
	c := l.propose(other, change)
	l.chain.mine(6) // so many before a channel is told of to others
	l.chain.synced(l, other)
	for _, end := range []*lightning{l, other} {
		end.active(c)
		end.knows(c) // else it does not find a route yet
	}
	return c
}

// channel is the state of one that is open; nil if there is none.
func (l *lightning) channel(c channel) *lnrpc.Channel {
	l.t.Helper()
	for _, open := range must(l.ListChannels(l.t.Context(), &lnrpc.ListChannelsRequest{}))(l.t).Channels {
		if open.ChannelPoint == c.String() {
			return open
		}
	}
	return nil
}

// active waits until a channel is open and the other side is there.
func (l *lightning) active(c channel) {
	l.t.Helper()
	eventually(l.t, l.name+" can use the channel", func() error {
		l.alive()
		if open := l.channel(c); open == nil || !open.Active {
			return fmt.Errorf("it has %v", open)
		}
		return nil
	})
}

// knows waits until lnd has heard of a channel, and of both sides' terms. An lnd
// that is told of somebody else's channel looks the funding output up in the chain.
func (l *lightning) knows(c channel) {
	l.t.Helper()
	eventually(l.t, l.name+" knows the channel", func() error {
		graph, err := l.DescribeGraph(l.t.Context(), &lnrpc.ChannelGraphRequest{IncludeUnannounced: true})
		if err != nil {
			return err
		}
		for _, e := range graph.Edges {
			if e.ChanPoint == c.String() && e.Node1Policy != nil && e.Node2Policy != nil {
				return nil
			}
		}
		return fmt.Errorf("it knows %d others", len(graph.Edges))
	})
}

// invoice asks to be paid.
func (l *lightning) invoice(satoshi int64) string {
	l.t.Helper()
	return must(l.AddInvoice(l.t.Context(), &lnrpc.Invoice{Value: satoshi}))(l.t).PaymentRequest
}

// pay pays an invoice, and fails the test unless the payment is settled.
func (l *lightning) pay(invoice string) *lnrpc.Payment {
	l.t.Helper()
	payment, err := l.tryPay(l.t.Context(), invoice)
	if err != nil {
		l.t.Fatalf("%s pays: %v", l.name, err)
	}
	return payment
}

func (l *lightning) tryPay(ctx context.Context, invoice string) (*lnrpc.Payment, error) {
	stream, err := l.router.SendPaymentV2(ctx, &routerrpc.SendPaymentRequest{
		PaymentRequest: invoice, TimeoutSeconds: int32(patience.Seconds()), FeeLimitSat: 1000, NoInflightUpdates: true,
	})
	if err != nil {
		return nil, err
	}
	payment, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	if payment.Status != lnrpc.Payment_SUCCEEDED {
		return nil, fmt.Errorf("payment is %v: %v%s", payment.Status, payment.FailureReason, attempts(payment))
	}
	return payment, nil
}

// attempts says of what was tried for a payment how it failed, and at which heights:
// a payee refuses one whose time would be over too early, which is told from a wrong
// amount or an unknown invoice by nothing else.
func attempts(payment *lnrpc.Payment) string {
	var b strings.Builder
	for _, a := range payment.Htlcs {
		fmt.Fprintf(&b, "; attempt %d, %v, of %.1f s", a.AttemptId, a.Status, time.Duration(a.ResolveTimeNs-a.AttemptTimeNs).Seconds())
		if a.Route != nil {
			fmt.Fprintf(&b, ", until height %d", a.Route.TotalTimeLock)
		}
		if a.Failure != nil {
			fmt.Fprintf(&b, ": %v at height %d", a.Failure.Code, a.Failure.Height)
		}
	}
	return b.String()
}

// close closes a channel, and returns the id of the transaction, which waits in
// the pool.
func (l *lightning) close(c channel, force bool) string {
	l.t.Helper()
	req := &lnrpc.CloseChannelRequest{ChannelPoint: c.point, Force: force}
	if !force {
		// At the rate that both estimate: they would not agree to another.
		l.idle(c)
	}
	stream := must(l.CloseChannel(l.t.Context(), req))(l.t)
	for {
		update := must(stream.Recv())(l.t)
		if pending := update.GetClosePending(); pending != nil {
			break
		}
	}
	return l.chain.spender(c.txid, c.vout)
}

// idle waits until no payment is on its way through a channel: one that was made is
// known to have been before both sides have written that down.
func (l *lightning) idle(c channel) {
	l.t.Helper()
	eventually(l.t, "no payment is on its way", func() error {
		if open := l.channel(c); open == nil || len(open.PendingHtlcs) > 0 {
			return fmt.Errorf("the channel is %v", open)
		}
		return nil
	})
}

// closed waits until nothing of a channel is left to be done, and mines meanwhile:
// lnd wants more blocks above a close and a sweep than one would think.
func (l *lightning) closed(c channel) {
	l.t.Helper()
	last := time.Now()
	eventually(l.t, l.name+" has nothing left of the channel", func() error {
		pending := must(l.PendingChannels(l.t.Context(), &lnrpc.PendingChannelsRequest{}))(l.t)
		left := ""
		for _, p := range pending.WaitingCloseChannels {
			if p.Channel.ChannelPoint == c.String() {
				left = fmt.Sprintf("waiting for %s", p.ClosingTxid)
			}
		}
		for _, p := range pending.PendingForceClosingChannels {
			if p.Channel.ChannelPoint == c.String() {
				left = fmt.Sprintf("%d in limbo, anchor %v, %d HTLCs", p.LimboBalance, p.Anchor, len(p.PendingHtlcs))
			}
		}
		if left == "" && l.channel(c) == nil {
			return nil
		}
		// A block now and then, so that lnd has time to answer what it sees.
		if len(l.chain.pool()) > 0 || time.Since(last) > time.Second/2 {
			l.chain.mine(1)
			l.chain.synced(l)
			last = time.Now()
		}
		return errors.New(left)
	})
}

// displayed is a hash as it is shown, of its bytes.
func displayed(hash []byte) string {
	b := slices.Clone(hash)
	slices.Reverse(b)
	return hex.EncodeToString(b)
}

// forgets waits until lnd has seen in the chain that a channel of others is closed.
func (l *lightning) forgets(c channel) {
	l.t.Helper()
	eventually(l.t, l.name+" forgets the channel", func() error {
		graph, err := l.DescribeGraph(l.t.Context(), &lnrpc.ChannelGraphRequest{IncludeUnannounced: true})
		if err != nil {
			return err
		}
		for _, e := range graph.Edges {
			if e.ChanPoint == c.String() {
				return errors.New("it still knows it")
			}
		}
		return nil
	})
}
