package rpc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// submit gives a package to the pool.
func (p *pooled) submitPackage(txs ...*wire.Tx) jsonrpc.Value {
	p.t.Helper()
	return p.call("submitpackage", rawList(txs...))
}

func rawList(txs ...*wire.Tx) (list []any) {
	for _, tx := range txs {
		list = append(list, raw(tx))
	}
	return list
}

// packageMessage checks what is said of a package, and of some of its transactions.
func (p *pooled) packageMessage(v jsonrpc.Value, want string, errs map[*wire.Tx]string) {
	p.t.Helper()
	if got := v.Get("package_msg").Text; got != want {
		p.t.Errorf("package_msg %q, want %q: %s", got, want, encoded(&v))
	}
	for tx, want := range errs {
		if got := v.Get("tx-results").Get(tx.WTxID().String()).Get("error").Text; got != want {
			p.t.Errorf("error %q, want %q", got, want)
		}
	}
}

// A child pays for its parent (rpc_packages, mempool_limit).
func TestSubmitPackage(t *testing.T) {
	p := startPooled(t, 8, nil, nil)
	free := p.truc(3, 0, 0, p.coins[0])
	child := p.truc(3, 5_000, 0, p.out(free, 0))
	p.sendFails(-26, fmt.Sprintf("min relay fee not met, 0 < %d", virtualSize(free)), free)
	v := p.submitPackage(free, child)
	size := virtualSize(free) + virtualSize(child)
	member := func(tx *wire.Tx, fee wire.Amount) string {
		return fmt.Sprintf(`"%v":{"txid":"%v","vsize":%d,"fees":{"base":%v,"effective-feerate":%v,"effective-includes":["%v","%v"]}}`,
			tx.WTxID(), tx.TxID(), virtualSize(tx), fee, wire.Amount(5_000*1000/size), free.WTxID(), child.WTxID())
	}
	want := fmt.Sprintf(`{"package_msg":"success","tx-results":{%s,%s},"replaced-transactions":[]}`, member(free, 0), member(child, 5_000))
	if got := encoded(&v); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	p.holds(free, child)
	if e := p.call("getmempoolentry", child.TxID()); e.Get("ancestorcount").Text != "2" || e.Get("unbroadcast").Text != "true" {
		t.Errorf("the child: %s", encoded(&e))
	}
	// Once more: all are there.
	v = p.submitPackage(free, child)
	p.packageMessage(v, "success", nil)
	if fees := v.Get("tx-results").Get(free.WTxID().String()).Get("fees"); encoded(fees) != `{"base":0.00000000}` {
		t.Errorf("of one that was there: %s", encoded(fees))
	}
	// Another witness of what is there is not looked at.
	other := free.Clone()
	other.Inputs[0].Witness = [][]byte{{1}}
	v = p.submitPackage(other, child)
	p.packageMessage(v, "success", nil)
	if got := v.Get("tx-results").Get(other.WTxID().String()); got.Get("other-wtxid").Text != free.WTxID().String() {
		t.Errorf("with another witness: %s", encoded(got))
	}
	// Those that pay for themselves enter alone.
	rich, poor := p.pay(10_000, p.coins[1]), p.pay(200, p.coins[2])
	both := p.pay(10_000, p.out(rich, 0), p.out(poor, 0))
	v = p.submitPackage(rich, poor, both)
	p.packageMessage(v, "success", nil)
	if got := v.Get("tx-results").Get(rich.WTxID().String()).Get("fees").Get("effective-includes"); got.Len() != 1 {
		t.Errorf("effective-includes of a parent that pays for itself: %s", encoded(got))
	}
	if got := v.Get("tx-results").Get(both.WTxID().String()).Get("fees").Get("effective-includes"); got.Len() != 1 {
		t.Errorf("effective-includes of the child: %s", encoded(got))
	}
	p.holds(free, child, rich, poor, both)
	p.mine(free, child, rich, poor, both)
	p.checked(0)
}

func TestSubmitPackageRefusals(t *testing.T) {
	p := startPooled(t, 8, nil, nil)
	free := p.truc(3, 0, 0, p.coins[0])
	below := fmt.Sprintf("min relay fee not met, 0 < %d", virtualSize(free))

	t.Run("too little together", func(t *testing.T) {
		child := p.truc(3, 1, 0, p.out(free, 0))
		p.packageMessage(p.submitPackage(free, child), "transaction failed", map[*wire.Tx]string{
			free: below, child: fmt.Sprintf("min relay fee not met, 1 < %d", virtualSize(free)+virtualSize(child)),
		})
		p.checked(0)
	})
	t.Run("a bad child", func(t *testing.T) {
		child := p.truc(3, 5_000, 0, p.out(free, 0))
		child.Inputs[0].Witness = nil
		p.packageMessage(p.submitPackage(free, child), "transaction failed", map[*wire.Tx]string{
			free: below, child: "mandatory-script-verify-flag-failed (Witness program hash mismatch)",
		})
		p.checked(0)
	})
	t.Run("a parent that is beyond help", func(t *testing.T) { // not TRUC, below what is relayed
		parent := p.pay(109, p.coins[4])
		child := p.pay(5_000, p.out(parent, 0))
		p.packageMessage(p.submitPackage(parent, child), "transaction failed", map[*wire.Tx]string{
			parent: fmt.Sprintf("min relay fee not met, 109 < %d", virtualSize(parent)), child: "bad-txns-inputs-missingorspent",
		})
		p.checked(0)
	})
	t.Run("a good parent stays", func(t *testing.T) {
		parent := p.pay(1_000, p.coins[1])
		child := p.pay(10, p.out(parent, 0))
		p.packageMessage(p.submitPackage(parent, child), "transaction failed", map[*wire.Tx]string{
			child: fmt.Sprintf("min relay fee not met, 10 < %d", virtualSize(child)),
		})
		p.holds(parent)
		p.mine(parent)
	})
	t.Run("a parent is missing", func(t *testing.T) {
		absent := p.pay(1_000, p.coins[2])
		child := p.pay(5_000, p.out(free, 0), p.out(absent, 0))
		v := p.submitPackage(free, child)
		if got := encoded(&v); got != `{"package_msg":"package-not-child-with-unconfirmed-parents","tx-results":{},"replaced-transactions":[]}` {
			t.Error(got)
		}
	})
	t.Run("pays too much", func(t *testing.T) {
		child := p.truc(3, 20_000_000, 0, p.out(free, 0))
		p.packageMessage(p.submitPackage(free, child), "transaction failed", map[*wire.Tx]string{free: below, child: "max feerate exceeded"})
		v := p.call("submitpackage", rawList(free, child), 0)
		p.packageMessage(v, "success", nil)
		p.mine(free, child)
	})
	t.Run("arguments", func(t *testing.T) {
		parent := p.pay(0, p.coins[3])
		child := p.pay(1_000, p.out(parent, 0))
		grandchild := p.pay(1_000, p.out(child, 0))
		two := p.chain.Spend([]consensus.OutCoin{p.out(parent, 0), p.out(child, 0)}, p.chain.Out(chaingen.P2WPKH, 1, 1_000))
		burn := p.chain.Spend([]consensus.OutCoin{p.out(parent, 0)}, wire.TxOut{Value: 1, PkScript: []byte{0x6a, 1, 1}})
		const topology = "package topology disallowed. not child-with-parents or parents depend on each other."
		const number = "Array must contain between 2 and 25 transactions."
		for _, c := range []struct {
			code jsonrpc.Code
			want string
			args []any
		}{
			{-8, number, []any{[]any{}}},
			{-8, number, []any{rawList(parent)}},
			{-8, number, []any{rawList(make([]*wire.Tx, 0)...)}},
			{-25, topology, []any{rawList(child, parent)}},
			{-25, topology, []any{rawList(parent, child, grandchild)}},
			{-25, topology, []any{rawList(parent, child, two)}}, // a parent that spends from another
			{-25, "Unspendable output exceeds maximum configured by user (maxburnamount)", []any{rawList(parent, burn)}},
			{-22, "TX decode failed: ff00baar Make sure the tx has at least one input.", []any{[]any{raw(parent), "ff00baar"}}},
			{-3, "JSON value of type number is not of expected type string", []any{[]any{raw(parent), 1}}},
			{-8, "Fee rates larger than or equal to 1BTC/kvB are not accepted", []any{rawList(parent, child), 1}},
			{-3, "Amount out of range", []any{rawList(parent, child), 0, -1}},
		} {
			p.fails(c.code, c.want, "submitpackage", c.args...)
		}
	})
	p.checked(0)
}

// Packages of TRUC transactions (mempool_truc, rpc_packages).
func TestTRUCPackages(t *testing.T) {
	p := startPooled(t, 6, nil, nil)
	name := func(tx *wire.Tx) string { return fmt.Sprintf("tx %v (wtxid=%v)", tx.TxID(), tx.WTxID()) }
	parent := p.truc(3, 0, 0, p.coins[0])
	child := p.truc(3, 5_000, 0, p.out(parent, 0))
	grandchild := p.truc(3, 5_000, 0, p.out(child, 0))
	large := p.truc(3, 50_000, 1_030, p.out(parent, 0))
	mixed := p.truc(2, 5_000, 0, p.out(parent, 0))
	plain := p.truc(2, 1_000, 0, p.coins[1])
	truc := p.truc(3, 5_000, 0, p.out(plain, 0))
	other := p.truc(3, 0, 0, p.coins[2])
	two := p.truc(3, 5_000, 0, p.out(parent, 0), p.out(other, 0))
	for _, c := range []struct {
		txs  []*wire.Tx
		want string
	}{
		{[]*wire.Tx{parent, large}, fmt.Sprintf("version=3 child %s is too big: %d > 1000 virtual bytes", name(large), virtualSize(large))},
		{[]*wire.Tx{parent, mixed}, fmt.Sprintf("non-version=3 %s cannot spend from version=3 %s", name(mixed), name(parent))},
		{[]*wire.Tx{parent, other, two}, fmt.Sprintf("%s would have too many ancestors", name(two))},
	} {
		p.packageMessage(p.submitPackage(c.txs...), "TRUC-violation, "+c.want, nil)
		p.checked(0)
	}
	// A chain of three is judged by testmempoolaccept alone.
	paying := p.truc(3, 1_000, 0, p.coins[3])
	next := p.truc(3, 1_000, 0, p.out(paying, 0))
	third := p.truc(3, 1_000, 0, p.out(next, 0))
	v := p.call("testmempoolaccept", rawList(paying, next, third))
	if got, want := v.At(0).Get("package-error").Text, fmt.Sprintf("TRUC-violation, %s would have too many ancestors", name(third)); got != want {
		t.Errorf("a chain: %q, want %q", got, want)
	}
	p.packageMessage(p.submitPackage(parent, child), "success", nil)
	p.sendFails(-26, fmt.Sprintf("TRUC-violation, %s would have too many ancestors", name(grandchild)), grandchild)
	// A parent that is not one pays for itself, and enters alone.
	p.packageMessage(p.submitPackage(plain, truc), "transaction failed", map[*wire.Tx]string{
		truc: fmt.Sprintf("TRUC-violation, version=3 %s cannot spend from non-version=3 %s", name(truc), name(plain)),
	})
	p.holds(parent, child, plain)
}

// decimals writes an amount below one coin without zeros at the end.
func decimals(n int) string { return strings.TrimRight(fmt.Sprintf("0.%08d", n), "0") }

// A package takes the place of what pays less (mempool_package_rbf).
func TestPackageReplacement(t *testing.T) {
	p := startPooled(t, 12, nil, nil)
	coin := p.coins[0]
	old := p.pay(1_000, coin)
	oldChild := p.pay(1_000, p.out(old, 0))
	p.send(old, oldChild)

	// The parent alone pays less than what it would replace.
	cheap := p.pay(200, coin)
	poor := p.pay(1_000, p.out(cheap, 0))
	v := p.submitPackage(cheap, poor)
	p.packageMessage(v, fmt.Sprintf("package RBF failed: insufficient anti-DoS fees, rejecting replacement %v, less fees than conflicting txs; 0.000012 < 0.00002", poor.TxID()), nil)
	if got := v.Get("tx-results").Get(cheap.WTxID().String()).Get("error").Text; !strings.HasPrefix(got, "insufficient fee, rejecting replacement") {
		t.Errorf("the parent by itself: %s", got)
	}
	size := virtualSize(cheap) + virtualSize(poor)
	almost := p.pay(1_800+wire.Amount(size)-1, p.out(cheap, 0))
	p.packageMessage(p.submitPackage(cheap, almost), fmt.Sprintf(
		"package RBF failed: insufficient anti-DoS fees, rejecting replacement %v, not enough additional fees to relay; %s < %s", almost.TxID(), decimals(size-1), decimals(size)), nil)
	p.holds(old, oldChild)

	good := p.pay(1_800+wire.Amount(size), p.out(cheap, 0))
	v = p.submitPackage(cheap, good)
	p.packageMessage(v, "success", nil)
	replaced := v.Get("replaced-transactions")
	if replaced.Len() != 2 || !strings.Contains(encoded(replaced), old.TxID().String()) || !strings.Contains(encoded(replaced), oldChild.TxID().String()) {
		t.Errorf("replaced: %s", encoded(replaced))
	}
	p.holds(cheap, good)

	// The child has to pay more than its parent.
	even := p.pay(400, coin) // below what it replaces, above its child
	p.packageMessage(p.submitPackage(even, p.pay(100_000, p.out(even, 0))), "success", nil)
	p.checked(2)
	parent := p.pay(100_450, coin)
	child := p.pay(300, p.out(parent, 0))
	p.packageMessage(p.submitPackage(parent, child), fmt.Sprintf(
		"package RBF failed: package feerate is less than or equal to parent feerate, package feerate %v <= parent feerate is %v",
		policy.RateOf(100_750, virtualSize(parent)+virtualSize(child)), policy.RateOf(100_450, virtualSize(parent))), nil)
	p.checked(2)

	// Nor with an ancestor in the pool.
	inPool := p.pay(1_000, p.coins[1])
	p.send(inPool, p.pay(1_000, p.coins[2]))
	lone := p.pay(0, p.coins[2])
	with := p.pay(50_000, p.out(lone, 0), p.out(inPool, 0))
	p.packageMessage(p.submitPackage(lone, with), "package-not-child-with-unconfirmed-parents", nil)
	below := p.pay(300, p.out(inPool, 0), p.coins[2])
	p.packageMessage(p.submitPackage(below, p.pay(50_000, p.out(below, 0))), "package RBF failed: new transaction cannot have mempool ancestors", nil)

	// Of three it is refused, and so is what conflicts with a larger group.
	a, b := p.pay(200, p.coins[4]), p.pay(200, p.coins[5])
	three := p.pay(100_000, p.out(a, 0), p.out(b, 0))
	p.send(p.pay(500, p.coins[4]), p.pay(500, p.coins[5]))
	p.packageMessage(p.submitPackage(a, b, three), "package RBF failed: package must be 1-parent-1-child", nil)

	chain := []*wire.Tx{p.pay(500, p.coins[6])}
	for range 2 {
		chain = append(chain, p.pay(500, p.out(chain[len(chain)-1], 0)))
	}
	p.send(chain...)
	c := p.pay(200, p.coins[6])
	p.packageMessage(p.submitPackage(c, p.pay(100_000, p.out(c, 0))),
		fmt.Sprintf("package RBF failed: %v has 2 descendants, max 1 allowed", chain[0].TxID()), nil)

	// Fees alone do not do it: a large package of a lower fee rate.
	small := p.pay(2_000, p.coins[7])
	p.send(small)
	heavy := p.truc(2, 3_100, 3_000, p.coins[7])
	payer := p.pay(6_000, p.out(heavy, 0))
	p.packageMessage(p.submitPackage(heavy, payer), "package RBF failed: insufficient feerate: does not improve feerate diagram", nil)
	if !p.pool.Has(small.TxID()) {
		t.Error("what was not replaced is gone")
	}
	if got := p.text("checkmempool"); got != "null" {
		t.Error(got)
	}
}

// Dust is for a child that comes with it and spends it (mempool_ephemeral_dust).
func TestEphemeralDust(t *testing.T) {
	p := startPooled(t, 8, nil, standardOnly)
	// parent pays a fee and has dust at its end.
	parent := func(i int, fee wire.Amount, dust ...wire.Amount) *wire.Tx {
		left := p.coins[i].Coin.Out.Value - fee
		for _, value := range dust {
			left -= value
		}
		outs := []wire.TxOut{p.chain.Out(chaingen.P2WPKH, 1, left)}
		for _, value := range dust {
			outs = append(outs, p.chain.Out(chaingen.P2WPKH, 3, value))
		}
		tx := p.chain.Spend(p.coins[i:i+1], outs...)
		tx.Version = 3
		p.chain.Sign(tx, p.coins[i:i+1])
		return tx
	}
	// child spends outputs of tx, and pays a fee from the first.
	child := func(tx *wire.Tx, fee wire.Amount, outputs ...int) *wire.Tx {
		var coins []consensus.OutCoin
		var sum wire.Amount
		for _, i := range outputs {
			coins = append(coins, p.out(tx, i))
			sum += p.out(tx, i).Coin.Out.Value
		}
		c := p.chain.Spend(coins, p.chain.Out(chaingen.P2WPKH, 2, sum-fee))
		c.Version = 3
		p.chain.Sign(c, coins)
		return c
	}
	unspent := func(tx *wire.Tx) string {
		return fmt.Sprintf("missing-ephemeral-spends, tx %v (wtxid=%v) did not spend parent's ephemeral dust", tx.TxID(), tx.WTxID())
	}
	const paid = "dust, tx with dust output must be 0-fee"

	dusty := parent(0, 0, 0)
	sweep := child(dusty, 5_000, 0, 1)
	p.sendFails(-26, fmt.Sprintf("min relay fee not met, 0 < %d", virtualSize(dusty)), dusty)
	careless := child(dusty, 5_000, 0)
	p.packageMessage(p.submitPackage(dusty, careless), "transaction failed", map[*wire.Tx]string{careless: unspent(careless)})
	p.checked(0)
	p.packageMessage(p.submitPackage(dusty, sweep), "success", nil)
	p.holds(dusty, sweep)
	// What takes the child's place has to spend the dust as well.
	again := child(dusty, 50_000, 0)
	p.sendFails(-26, unspent(again), again)
	p.send(child(dusty, 50_000, 0, 1))
	p.checked(2)

	// Neither with a fee, nor twice, nor when somebody says that there is a fee.
	fee := parent(1, 1, 0)
	p.packageMessage(p.submitPackage(fee, child(fee, 5_000, 0, 1)), "transaction failed", map[*wire.Tx]string{fee: paid})
	two := parent(1, 0, 0, 0)
	p.packageMessage(p.submitPackage(two, child(two, 5_000, 0, 1, 2)), "transaction failed", map[*wire.Tx]string{two: "dust"})
	said := parent(1, 0, 293)
	p.call("prioritisetransaction", said.TxID(), 0, 1)
	p.sendFails(-26, paid, said)
	p.call("prioritisetransaction", said.TxID(), 0, -1)
	p.packageMessage(p.submitPackage(said, child(said, 5_000, 1, 0)), "success", nil)
	// 294 is no dust, and may pay.
	p.send(parent(2, 1_000, 294))
	// A miner takes both or none.
	p.checked(5)
	p.mine(dusty, sweep)
	if p.pool.Has(dusty.TxID()) || p.pool.Has(sweep.TxID()) {
		t.Error("they are mined")
	}
	// Once in a block the dust is a coin like others.
	late := parent(3, 0, 0)
	p.mine(late)
	alone := child(late, 5_000, 0)
	p.send(alone)
}
