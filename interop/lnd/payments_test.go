package lnd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lightningnetwork/lnd/lnrpc"
)

var payments = flag.Int("payments", 2000, "how many payments TestPayments makes")

// TestPayments makes many payments over one channel while the chain grows and is
// reorganised at its tip. None may fail.
//
// The chain moves with the payments and not with the clock. lnd lets a payee's chain
// have a lead of three blocks (its BlockPadding) on the payer's when it made the
// payment; on the fourth, the payee refuses it as one with wrong details. In the time
// that a payment takes on a machine that is busy, a clock lets more blocks pass.
func TestPayments(t *testing.T) {
	const (
		atATime = 16
		amount  = 1000
		each    = 60 // payments from block to block, several times atATime
	)
	k := startKeelson(t, setup{txindex: true})
	alice, bob := startLnd(k, "alice"), startLnd(k, "bob")
	k.fund(alice)
	c := alice.open(bob, func(r *lnrpc.OpenChannelRequest) { r.LocalFundingAmount = 10_000_000 })

	ctx, stop := context.WithCancel(t.Context())
	var blocks, reorganised int
	var minerErr error
	var miner, payers sync.WaitGroup
	paid := make(chan struct{}, atATime)
	miner.Go(func() {
		for made := 1; ; made++ {
			select {
			case <-paid:
			case <-ctx.Done():
				return
			}
			if made%each == 0 && minerErr == nil {
				blocks, reorganised, minerErr = k.churn(blocks, reorganised)
			}
		}
	})
	var next, failed atomic.Int64
	start := time.Now()
	for range atATime {
		payers.Go(func() {
			for next.Add(1) <= int64(*payments) {
				before := heights(ctx, alice, bob)
				if err := payOnce(ctx, alice, bob, amount); err != nil && failed.Add(1) <= 10 {
					t.Errorf("a payment: %v; %s before, %s after", err, before, heights(ctx, alice, bob))
				}
				paid <- struct{}{}
			}
		})
	}
	payers.Wait()
	took := time.Since(start)
	stop()
	miner.Wait()
	if minerErr != nil {
		t.Errorf("the miner: %v", minerErr)
	}
	if blocks == 0 || reorganised == 0 {
		t.Errorf("%d blocks and %d reorganisations: the chain stood still", blocks, reorganised)
	}
	k.synced(alice, bob)
	eventually(t, "bob has it all", func() error {
		if got, want := bob.channel(c).LocalBalance, int64(*payments*amount); got != want {
			return fmt.Errorf("bob has %d, want %d", got, want)
		}
		return nil
	})
	alice.close(c, false)
	k.mine(1)
	alice.closed(c)
	bob.closed(c)
	if got, want := bob.confirmed(), int64(*payments*amount); got != want {
		t.Errorf("bob has %d in the chain, want %d", got, want)
	}
	t.Logf("%d payments in %.1f s: %.1f per second, with %d blocks and %d reorganisations; %d failed",
		*payments, took.Seconds(), float64(*payments)/took.Seconds(), blocks, reorganised, failed.Load())
}

// heights says where the node and both lnds are.
func heights(ctx context.Context, all ...*lightning) string {
	var node int
	err := all[0].chain.try(&node, "getblockcount")
	said := fmt.Sprintf("the node at %d", node)
	for _, l := range all {
		info, e := l.GetInfo(ctx, &lnrpc.GetInfoRequest{})
		err = errors.Join(err, e)
		said += fmt.Sprintf(", %s at %d", l.name, info.GetBlockHeight())
	}
	if err != nil {
		said += fmt.Sprintf(" (%v)", err)
	}
	return said
}

// payOnce makes one payment.
func payOnce(ctx context.Context, alice, bob *lightning, satoshi int64) error {
	invoice, err := bob.AddInvoice(ctx, &lnrpc.Invoice{Value: satoshi})
	if err != nil {
		return err
	}
	_, err = alice.tryPay(ctx, invoice.PaymentRequest)
	return err
}

// churn mines a block, and each fourth time has two others take the place of the
// last.
func (k *keelson) churn(blocks, reorganised int) (int, int, error) {
	if blocks%5 < 3 {
		return blocks + 1, reorganised, k.try(nil, "generatetoaddress", 1, nobody)
	}
	var tip string
	if err := k.try(&tip, "getbestblockhash"); err != nil {
		return blocks, reorganised, err
	}
	if err := k.try(nil, "invalidateblock", tip); err != nil {
		return blocks, reorganised, err
	}
	// To another script: the same block again would be one that is known to be invalid.
	if err := k.try(nil, "generatetodescriptor", 2, "raw(51)"); err != nil {
		return blocks, reorganised, err
	}
	return blocks + 2, reorganised + 1, nil
}
