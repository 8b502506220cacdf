package lnd

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/lightningnetwork/lnd/lnrpc"
	"github.com/lightningnetwork/lnd/lnrpc/invoicesrpc"
	"github.com/lightningnetwork/lnd/lnrpc/routerrpc"
)

// held is a payment that has reached the payee, who keeps the preimage back.
type held struct {
	preimage [32]byte
	stream   routerrpc.Router_SendPaymentV2Client
	expiry   uint32 // height from which on the payer may take it back
}

// hold has bob ask for an amount whose preimage he keeps, and alice pay it.
func hold(c channel, alice, bob *lightning, satoshi int64) held {
	t := alice.t
	t.Helper()
	h := held{preimage: sha256.Sum256([]byte(c.String()))}
	hash := sha256.Sum256(h.preimage[:])
	invoice := must(bob.invoices.AddHoldInvoice(t.Context(), &invoicesrpc.AddHoldInvoiceRequest{Hash: hash[:], Value: satoshi}))(t)
	h.stream = must(alice.router.SendPaymentV2(t.Context(), &routerrpc.SendPaymentRequest{
		PaymentRequest: invoice.PaymentRequest, TimeoutSeconds: int32(patience.Seconds()), FeeLimitSat: 1000, NoInflightUpdates: true,
	}))(t)
	eventually(t, "the payment is held", func() error {
		got, err := bob.LookupInvoice(t.Context(), &lnrpc.PaymentHash{RHash: hash[:]})
		if err != nil {
			return err
		}
		if got.State != lnrpc.Invoice_ACCEPTED {
			return fmt.Errorf("the invoice is %v", got.State)
		}
		if open := alice.channel(c); open == nil || len(open.PendingHtlcs) != 1 {
			return fmt.Errorf("alice's channel is %v", open)
		}
		return nil
	})
	h.expiry = alice.channel(c).PendingHtlcs[0].ExpirationHeight
	return h
}

// TestPreimageOnChain: a channel is closed by force with a payment on its way, and
// the payee takes it in the chain. From there the payer reads the preimage, which
// is the receipt.
func TestPreimageOnChain(t *testing.T) {
	k := startKeelson(t, setup{txindex: true})
	alice, bob := startLnd(k, "alice"), startLnd(k, "bob")
	k.fund(alice, bob) // bob's coins are there for fees
	c := alice.open(bob, nil)
	h := hold(c, alice, bob, 20*price)
	commitment := alice.close(c, true)
	hash := k.mine(1)[0]
	k.synced(alice, bob)
	must(bob.invoices.SettleInvoice(t.Context(), &invoicesrpc.SettleInvoiceMsg{Preimage: h.preimage[:]}))(t)
	alice.closed(c)
	bob.closed(c)
	payment := must(h.stream.Recv())(t)
	if payment.Status != lnrpc.Payment_SUCCEEDED || payment.PaymentPreimage != fmt.Sprintf("%x", h.preimage) {
		t.Errorf("the payment is %v with preimage %s", payment.Status, payment.PaymentPreimage)
	}
	claim := k.witness(commitment, k.heightOf(hash), fmt.Sprintf("%x", h.preimage))
	if claim == "" {
		t.Errorf("no input that spends %s shows the preimage", commitment)
	}
	t.Logf("alice closed by %s, bob took the payment with its preimage by %s", commitment, claim)
}

// witness finds the transaction that spends an output of one and has an element in
// its witness.
func (k *keelson) witness(txid string, from int, element string) string {
	k.t.Helper()
	for _, s := range k.spenders(txid, from) {
		for _, in := range s.tx.Vin {
			for _, e := range in.TxInWitness {
				if in.Txid == txid && e == element {
					return s.tx.Txid
				}
			}
		}
	}
	return ""
}

// TestTimeoutOnChain: a payment on its way is never claimed, and the payer takes it
// back in the chain as soon as its lock time allows.
func TestTimeoutOnChain(t *testing.T) {
	k := startKeelson(t, setup{txindex: true})
	alice, bob := startLnd(k, "alice"), startLnd(k, "bob")
	k.fund(alice, bob)
	c := alice.open(bob, nil)
	h := hold(c, alice, bob, 20*price)
	commitment := alice.close(c, true)
	hash := k.mine(1)[0]
	first := k.heightOf(hash)
	bob.interrupt() // who would cancel the invoice shortly before it expires
	for k.height() < int(h.expiry)-1 {
		k.mine(min(20, int(h.expiry)-1-k.height()))
		k.synced(alice)
	}
	for _, s := range k.spenders(commitment, first) {
		if s.tx.Locktime == h.expiry {
			t.Errorf("%s was mined at height %d, before %d", s.tx.Txid, s.height, h.expiry)
		}
	}
	alice.closed(c)
	payment := must(h.stream.Recv())(t)
	if payment.Status != lnrpc.Payment_FAILED {
		t.Errorf("the payment is %v", payment.Status)
	}
	timeout := ""
	for _, s := range k.spenders(commitment, first) {
		if s.tx.Locktime == h.expiry && s.height > int(h.expiry) {
			timeout = s.tx.Txid
		}
	}
	if timeout == "" {
		t.Errorf("nothing with a lock time of %d spends %s", h.expiry, commitment)
	}
	eventually(t, "alice has all of her coins", func() error {
		if got := alice.confirmed(); got < 50*coin-40_000 {
			k.mine(1)
			k.synced(alice)
			return fmt.Errorf("%d", got)
		}
		return nil
	})
	t.Logf("alice closed by %s at %d and took the payment back by %s, locked until %d", commitment, first, timeout, h.expiry)
}
