package testnet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// ErrFaucet means that the faucet has not enough coins that it can spend at the moment.
var ErrFaucet = errors.New("the faucet has not enough coins")

// MinFunding is the least amount that the faucet pays: less would be dust for some
// kinds of outputs.
const MinFunding wire.Amount = 1000

const (
	feeRate      = 5 // satoshi per virtual byte
	inputSize    = 69
	outputSize   = 44 // of the longest output scripts that there are addresses for
	overhead     = 11
	maxInputs    = 500
	confirmDepth = 1
)

// Faucet is the account that Fund returns change to, and for which node 0 mines; the
// other nodes have an account each, out of which Fund pays as well.
func (n *Network) Faucet() Account { return n.purse.faucets[0] }

// Fund pays an amount to an address, out of the faucet, and returns the id of the
// transaction: it is in the pool of the first node that runs, and in a block when one
// is mined. The errors besides those of calls are ErrArgument and ErrFaucet.
func (n *Network) Fund(ctx context.Context, to string, amount wire.Amount) (wire.Hash, error) {
	pkScript, err := address.Decode(&regtest.Address, to)
	if err != nil {
		return wire.Hash{}, bad("%q is not an address of regtest: %v", to, err)
	}
	if amount < MinFunding || !amount.Valid() {
		return wire.Hash{}, bad("an amount of %v: it must be at least %v", amount, MinFunding)
	}
	var txid wire.Hash
	err = n.inTurn(ctx, func(ctx context.Context) error {
		nd, err := n.first()
		if err != nil {
			return err
		}
		if err := n.book.follow(ctx, nd); err != nil {
			return err
		}
		tx, err := n.book.pay(ctx, nd, wire.TxOut{Value: amount, PkScript: pkScript})
		if err != nil {
			return err
		}
		if err := nd.Call(ctx, &txid, "sendrawtransaction", hex.EncodeToString(tx.Append(nil)), 0); err != nil {
			return err
		}
		n.book.sent(tx)
		return nil
	})
	return txid, err
}

// pay makes and signs a transaction that makes an output, out of coins that nothing in
// the node's pool spends.
func (b *book) pay(ctx context.Context, nd *Node, out wire.TxOut) (*wire.Tx, error) {
	coins, err := b.spendable(ctx, nd)
	if err != nil {
		return nil, err
	}
	tx := &wire.Tx{Version: 2, Outputs: []wire.TxOut{out}}
	var (
		spent []*wire.TxOut
		sum   wire.Amount
		fee   = wire.Amount(feeRate * (overhead + 2*outputSize))
	)
	for _, c := range coins {
		if sum >= out.Value+fee || len(spent) == maxInputs {
			break
		}
		tx.Inputs = append(tx.Inputs, wire.TxIn{PrevOut: c.op, Sequence: wire.SequenceFinal - 2}) // may be replaced (BIP 125)
		spent = append(spent, &wire.TxOut{Value: c.value, PkScript: b.accounts[c.account].PkScript})
		sum += c.value
		fee += feeRate * inputSize
	}
	if sum < out.Value+fee {
		return nil, fmt.Errorf("%w: %v can be spent now; blocks bring more", ErrFaucet, max(sum-fee, 0))
	}
	if change := sum - out.Value - fee; change >= MinFunding {
		tx.Outputs = append(tx.Outputs, wire.TxOut{Value: change, PkScript: b.accounts[0].PkScript})
	}
	all, _ := sign.ParseHashType("ALL")
	t := sign.NewTx(tx, spent)
	if err := errors.Join(t.Sign(&b.keys, all)...); err != nil {
		return nil, fmt.Errorf("sign for the faucet: %w", err)
	}
	return t.Tx(), nil
}

// spendable returns the coins that a transaction can spend now, the oldest ones
// first: those of the chain, and after them those that the faucet has made itself and
// that wait in the pool.
func (b *book) spendable(ctx context.Context, nd *Node) ([]bookCoin, error) {
	coins := b.mature()
	for _, c := range b.own {
		var known *struct{ Confirmations int }
		if err := nd.Call(ctx, &known, "gettxout", c.op.TxID, c.op.Index, true); err != nil {
			return nil, err
		}
		if known != nil && known.Confirmations < confirmDepth {
			coins = append(coins, c)
		}
	}
	if len(coins) == 0 {
		return nil, nil
	}
	outputs := make([]jsonrpc.Object, len(coins))
	for i, c := range coins {
		outputs[i].Add("txid", c.op.TxID)
		outputs[i].Add("vout", c.op.Index)
	}
	var spent []struct{ SpendingTxID *wire.Hash }
	if err := nd.Call(ctx, &spent, "gettxspendingprevout", outputs); err != nil {
		return nil, err
	}
	if len(spent) != len(coins) {
		return nil, fmt.Errorf("node %d: gettxspendingprevout tells of %d outputs of %d", nd.ID, len(spent), len(coins))
	}
	free := coins[:0]
	for i, c := range coins {
		if spent[i].SpendingTxID == nil {
			free = append(free, c)
		}
	}
	return free, nil
}

// book is what the faucet has: the coins of its accounts in a node's active chain, which
// is read block by block. Whoever has the network's turn uses it.
type book struct {
	accounts []Account
	byScript map[string]int // positions in accounts
	keys     sign.Keys
	pages    []page // by height, from 0
	coins    map[wire.OutPoint]bookCoin
	own      []bookCoin // change of transactions that it has sent, newest last
}

// page is a block, with what it has changed.
type page struct {
	hash  wire.Hash
	made  []wire.OutPoint
	spent []bookCoin
}

type bookCoin struct {
	op       wire.OutPoint
	account  int
	value    wire.Amount
	height   uint32
	coinbase bool
}

// maxOwn bounds how much unconfirmed change is remembered.
const maxOwn = 100

func newBook(accounts []Account) *book {
	b := &book{accounts: accounts, byScript: map[string]int{}, coins: map[wire.OutPoint]bookCoin{}}
	for i := range accounts {
		b.byScript[string(accounts[i].PkScript)] = i
		secret := accounts[i].secret
		key, _ := sig.NewPrivateKey(&secret)
		b.keys.Add(key, true)
	}
	return b
}

// follow reads a node's active chain, from the last block that it has in common with
// what was read before.
func (b *book) follow(ctx context.Context, nd *Node) error {
	tip, err := nd.tip(ctx)
	if err != nil {
		return err
	}
	for len(b.pages) > 0 {
		height := uint32(len(b.pages) - 1)
		if height <= tip.Height {
			var hash wire.Hash
			if err := nd.Call(ctx, &hash, "getblockhash", height); err != nil {
				return err
			}
			if hash == b.pages[height].hash {
				break
			}
		}
		b.revert()
	}
	for uint32(len(b.pages)) <= tip.Height {
		var hash wire.Hash
		if err := nd.Call(ctx, &hash, "getblockhash", len(b.pages)); err != nil {
			return err
		}
		var text string
		if err := nd.Call(ctx, &text, "getblock", hash, 0); err != nil {
			return err
		}
		raw, err := hex.DecodeString(text)
		if err != nil {
			return err
		}
		block, err := wire.DecodeBlock(raw)
		if err != nil {
			return err
		}
		b.apply(block)
	}
	return nil
}

// apply writes the next block into the book.
func (b *book) apply(block *wire.Block) {
	height := uint32(len(b.pages))
	p := page{hash: block.Hash()}
	for i, tx := range block.Txs {
		for _, in := range tx.Inputs {
			if c, ok := b.coins[in.PrevOut]; ok {
				delete(b.coins, in.PrevOut)
				p.spent = append(p.spent, c)
			}
		}
		var txid wire.Hash
		for j, out := range tx.Outputs {
			account, ours := b.byScript[string(out.PkScript)]
			if !ours {
				continue
			}
			if txid == (wire.Hash{}) {
				txid = tx.TxID()
			}
			op := wire.OutPoint{TxID: txid, Index: uint32(j)}
			b.coins[op] = bookCoin{op: op, account: account, value: out.Value, height: height, coinbase: i == 0}
			p.made = append(p.made, op)
		}
	}
	b.pages = append(b.pages, p)
}

// revert takes the last block out of the book.
func (b *book) revert() {
	last := len(b.pages) - 1
	p := b.pages[last]
	b.pages = b.pages[:last]
	for _, c := range p.spent {
		b.coins[c.op] = c
	}
	for _, op := range p.made { // also what the block itself has spent again
		delete(b.coins, op)
	}
}

// mature returns the coins that the next block can spend, the oldest ones first.
func (b *book) mature() (coins []bookCoin) {
	next := uint32(len(b.pages))
	for _, c := range b.coins {
		if !c.coinbase || c.height+maturity <= next {
			coins = append(coins, c)
		}
	}
	slices.SortFunc(coins, func(a, b bookCoin) int {
		return cmp.Or(cmp.Compare(a.height, b.height), bytes.Compare(a.op.TxID[:], b.op.TxID[:]), cmp.Compare(a.op.Index, b.op.Index))
	})
	return coins[:min(len(coins), maxCandidates)]
}

// maxCandidates bounds how many coins of the faucet are looked at for a payment.
const maxCandidates = 2000

// sent notes the change of a transaction that the faucet has sent.
func (b *book) sent(tx *wire.Tx) {
	for i, out := range tx.Outputs {
		if account, ours := b.byScript[string(out.PkScript)]; ours {
			b.own = append(b.own, bookCoin{op: wire.OutPoint{TxID: tx.TxID(), Index: uint32(i)}, account: account, value: out.Value, height: math.MaxUint32})
		}
	}
	b.own = b.own[max(0, len(b.own)-maxOwn):]
}
