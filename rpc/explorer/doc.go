// Package explorer shows a node to a browser: the chain, single blocks,
// transactions and addresses, the pool, the peers, and the reorganisations that
// were seen, live. It also carries the REST interface of rpc/esplora, below /api.
//
// Everything that a page needs comes from the node itself: one style sheet, one
// script and one icon, all embedded. Pages are whole without the script; with it
// they listen to /events, and fetch themselves anew and replace what has changed.
// What strangers have written (coinbases, OP_RETURN, what peers call themselves) is
// text that html/template escapes and printed clears of controls; a
// Content-Security-Policy that allows no inline script or style stands behind that.
//
// The server is for reading. It asks for no password, so it listens on loopback
// unless it is told an address, and there answers requests alone that name an
// address or localhost, so that no page of the web can read it through its user's
// browser. Connections, pages that are made at the same time, streams, lists and
// what is remembered are bounded: see config.go.
//
// # Pages
//
//	/                  tip, latest blocks, pool by fee rate, hash rate, difficulty, reorganisations, faucet
//	/blocks            ?from=HEIGHT
//	/block/HASH        ?start=N; /block/HEIGHT leads there
//	/tx/TXID
//	/address/ADDRESS   ?after=TXID
//	/pool              ?start=N
//	/peers
//	/reorgs            as they were seen since the node started
//	/search            ?q=TEXT leads to a block, a transaction or an address
//	/events            server-sent events: hello, block, tx, reorg (see events.go for their fields)
//	/api/...           rpc/esplora
//
// # What scripts and tests can hold on to
//
// These names in the pages stay:
//
//	body[data-page]                      home, blocks, block, tx, address, pool, peers, reorgs or error
//	body[data-tip-height][data-tip-hash] the tip that the page was made at, kept up to date by the script
//	body[data-now]                       the node's clock then, seconds since 1970
//	#network                             the network's name
//	#search, #q                          the form and the field to search in
//	#live[data-state]                    still, live (the stream is open) or lost
//	[data-live]                          parts that are replaced, with the events that concern them
//	[data-key].fresh                     an entry that came while the page was open
//	#tip[data-height][data-hash]         on /: the tip
//	#pool-count[data-count]              on /: transactions that wait
//	#strip .tile[data-height][data-hash] on /: the latest blocks; .tip is the highest, .stale one that left
//	#arrivals tr[data-txid]              on /: the transactions that came last
//	#pool .bands tr                      on / and /pool: fee rates
//	#hashrate svg, #difficulty svg       on /: the plots
//	#faucet                              on /: the form of the faucet, with #faucet-address and #faucet-amount
//	#reorgs[data-count]                  on / and /reorgs
//	.fork#reorg-ID[data-depth][data-length][data-fork-height]
//	                                     a reorganisation; .forkpic .new and .old are its blocks
//	#blocks tr[data-height][data-hash]   on /blocks
//	#block[data-hash][data-height][data-active][data-confirmations]
//	                                     on /block
//	#tx[data-txid][data-confirmations]   on /tx, where 0 means that it waits
//	.tx#tx-TXID                          a transaction with .inputs and .outputs, on any page
//	#in-N, #out-N                        on /tx: details of an input or output
//	#coinbase-text                       on /block and /tx: what the coinbase says
//	#address[data-address], #balance[data-satoshi], #unconfirmed[data-satoshi]
//	                                     on /address
//	#pool-page[data-count], #pool-txs tr[data-txid]
//	                                     on /pool
//	#peers[data-count] tr[data-peer]     on /peers
//	#error                               on a page that says what is wrong
//
// The package is not for what blocks and transactions mean (see rpc/esplora for
// that view of them) nor for changing anything: coins come from whoever serves the
// faucet's path.
package explorer
