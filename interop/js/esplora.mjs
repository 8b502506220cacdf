// @bitcoinerlab/explorer and @mempool/mempool.js read the Esplora interface of a
// test network and broadcast through it. What they are told is compared with
// JSON-RPC, and with blocks and transactions that bitcoinjs-lib has read.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { EsploraExplorer } from '@bitcoinerlab/explorer';
import * as secp256k1 from '@bitcoinerlab/secp256k1';
import mempoolJS from '@mempool/mempool.js';
import * as bitcoin from 'bitcoinjs-lib';
import { ECPairFactory } from 'ecpair';
import { Checks } from './checks.mjs';
import { Testnet } from './testnet.mjs';

bitcoin.initEccLib(secp256k1);
const { payments, Psbt, Transaction, Block } = bitcoin;
const network = bitcoin.networks.regtest;
const ECPair = ECPairFactory(secp256k1);

const checks = new Checks('esplora');
const check = checks.check.bind(checks);
const net = await Testnet.up();

// One client passes the network's port, the other asks the node's explorer itself.
const explorer = new EsploraExplorer({ url: net.esplora });
await explorer.connect();
const { bitcoin: { addresses, blocks, fees, mempool, transactions } } = mempoolJS({
  hostname: new URL(net.nodes[0].explorer).host, protocol: 'http', network: 'regtest', config: { proxy: false, timeout: 60_000 },
});

// Scripts, and what they are called.

const sha256 = (data) => createHash('sha256').update(data).digest();
const key = (name) => ECPair.fromPrivateKey(sha256(`keelson interop ${name}`), { network });
const owner = ECPair.fromWIF(net.accounts[0].wif, network);
const [dave, erin] = ['dave', 'erin'].map(key);
const p2wpkh = (pair) => payments.p2wpkh({ pubkey: pair.publicKey, network });
const ours = p2wpkh(owner);
const many = p2wpkh(dave); // has long lists
const taproot = payments.p2tr({ internalPubkey: erin.publicKey.subarray(1), network });
const data = payments.embed({ data: [Buffer.from('keelson')] });

// Electrum's scripthash, which this client turns round.
const electrumHash = (output) => sha256(output).reverse().toString('hex');

// Spends.

const fee = 10_000n;

/** spend signs a transaction of the owner of P2WPKH coins. */
function spend(pair, coins, outputs) {
  const psbt = new Psbt({ network });
  for (const { txid, vout, value } of coins) {
    psbt.addInput({ hash: txid, index: vout, witnessUtxo: { script: p2wpkh(pair).output, value: BigInt(value) } });
  }
  for (const [payment, value] of outputs) psbt.addOutput({ script: payment.output, value });
  return psbt.signAllInputs(pair).finalizeAllInputs().extractTransaction(true); // whatever it pays
}

/** payFrom pays all of a coin of the owner. */
const payFrom = (coin, to) => spend(owner, [coin], [[to, BigInt(coin.value) - fee]]);

const mine = async (count = 1) => (await net.call('testnet_mine', count)).blocks;
const rawBlock = async (hash) => Block.fromHex(await net.call('getblock', hash, 0));
const unconfirmed = { confirmed: false };

/** statusIn is what a transaction of a block has for a status. */
async function statusIn(hash) {
  const { height, time } = await net.call('getblockheader', hash);
  return { confirmed: true, block_height: height, block_hash: hash, block_time: time };
}

/** get asks for what neither client asks. */
async function get(path) {
  const response = await fetch(net.esplora + path);
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

/** refused checks that both clients are told the same about a transaction, as bitcoind and electrs say it. */
async function refused(hex, code, message) {
  const text = `sendrawtransaction RPC error: ${JSON.stringify({ code, message })}`;
  await assert.rejects(explorer.push(hex), (error) => {
    assert.ok(error.message.startsWith(`Failed request: ${text}. Status code: 400 (Bad Request).`), error.message);
    return true;
  });
  await answers(transactions.postTx({ txhex: hex }), 400, text);
}

/** answers checks the status and text that mempool.js throws. */
async function answers(promise, status, text) {
  await assert.rejects(promise, ({ response }) => {
    assert.equal(response?.data, text);
    assert.equal(response.status, status);
    return true;
  });
}

/** pages collects the lists that follow one another until one is empty. */
async function pages(next) {
  const sizes = [];
  const txs = [];
  for (let after; ; after = txs.at(-1).txid) {
    const page = await next(after);
    if (page.length === 0) return { sizes, txs };
    sizes.push(page.length);
    txs.push(...page);
    assert.ok(sizes.length < 20, 'the pages have no end');
  }
}

// Blocks.

await check('the clients find the tip', async () => {
  assert.equal(explorer.isClosed(), false);
  assert.equal(await explorer.isConnected(), true);
  assert.equal(await explorer.fetchBlockHeight(), 200);
  const [hash] = await mine();
  assert.equal(await explorer.fetchBlockHeight(), 201);
  assert.equal(await blocks.getBlocksTipHeight(), 201);
  assert.equal(await blocks.getBlocksTipHash(), hash);
  assert.equal(await net.call('getbestblockhash'), hash);
});

await check('blocks by height', async () => {
  for (const height of [0, 1, 199, 201]) {
    const hash = await net.call('getblockhash', height);
    const { time } = await net.call('getblockheader', hash);
    assert.deepEqual(
      await explorer.fetchBlockStatus(height),
      { blockHeight: height, blockHash: hash, blockTime: time, irreversible: height <= 199 },
    );
    assert.equal(await blocks.getBlockHeight({ height }), hash);
  }
  assert.equal(await explorer.fetchBlockStatus(202), undefined);
  await answers(blocks.getBlockHeight({ height: 202 }), 404, 'Block not found');
});

await check('where a block stands', async () => {
  const [hash, next] = await Promise.all([150, 151].map((height) => net.call('getblockhash', height)));
  assert.deepEqual(await blocks.getBlockStatus({ hash }), { in_best_chain: true, height: 150, next_best: next });
  assert.deepEqual(await blocks.getBlockStatus({ hash: '00'.repeat(32) }), { in_best_chain: false });
  await answers(blocks.getBlockStatus({ hash: 'zz' }), 400, 'Invalid hex string');
});

await check('lists of blocks, ten at a time', async () => {
  const list = await get('/blocks');
  assert.deepEqual(list.map(({ height }) => height), [201, 200, 199, 198, 197, 196, 195, 194, 193, 192]);
  assert.deepEqual((await get('/blocks/5')).map(({ height }) => height), [5, 4, 3, 2, 1, 0]);
  for (const block of [...list, ...await get('/blocks/3')]) {
    const header = await net.call('getblock', block.id);
    assert.deepEqual(block, {
      id: header.hash, height: header.height, version: header.version, timestamp: header.time, tx_count: header.nTx,
      size: header.size, weight: header.weight, merkle_root: header.merkleroot, previousblockhash: header.previousblockhash ?? null,
      mediantime: header.mediantime, nonce: header.nonce, bits: parseInt(header.bits, 16), difficulty: block.difficulty,
    });
    assert.ok(Math.abs(block.difficulty / header.difficulty - 1) < 1e-12);
    assert.deepEqual(await get(`/block/${block.id}`), block);
  }
});

// A block with 61 transactions: one makes 60 small coins, each of which is paid to the same script again.

const coins = await addresses.getAddressTxsUtxo({ address: ours.address });
const each = 100_000n;
const fan = spend(owner, [coins[0]], [
  ...Array.from({ length: 60 }, () => [many, each]),
  [data, 0n],
  [taproot, 1_000_000n],
  [ours, BigInt(coins[0].value) - 60n * each - 1_000_000n - fee],
]);
let fanBlock;

await check('the coins of an address', async () => {
  assert.equal(coins.length, 5);
  for (const coin of coins) {
    const out = await net.call('gettxout', coin.txid, coin.vout);
    assert.equal(out.scriptPubKey.address, ours.address);
    assert.equal(coin.value, Math.round(out.value * 1e8));
    assert.deepEqual(coin.status, await statusIn(await net.call('getblockhash', coin.status.block_height)));
  }
});

await check('a signed transaction is broadcast and waits', async () => {
  assert.equal(await explorer.push(fan.toHex()), fan.getId());
  assert.deepEqual(await net.call('getrawmempool'), [fan.getId()]);
  assert.equal(await transactions.postTx({ txhex: fan.toHex() }), fan.getId(), 'again');
  const { weight, vsize } = await net.call('getmempoolentry', fan.getId());
  const tx = await transactions.getTx({ txid: fan.getId() });
  assert.deepEqual(tx.status, unconfirmed);
  assert.equal(tx.fee, Number(fee));
  assert.equal(tx.weight, weight);
  assert.deepEqual(await transactions.getTxStatus({ txid: fan.getId() }), unconfirmed);
  assert.deepEqual(await mempool.getMempoolTxids(), [fan.getId()]);
  assert.deepEqual(await mempool.getMempoolRecent(), [{
    txid: fan.getId(), fee: Number(fee), vsize, value: coins[0].value, // electrs adds up the inputs
  }]);
  const rate = Number(fee) / (weight / 4);
  const { fee_histogram: [[least, size]], ...pool } = await mempool.getMempool();
  assert.deepEqual(pool, { count: 1, vsize, total_fee: Number(fee) });
  assert.ok(Math.abs(least - rate) < 0.01 && size === vsize, `${least} ${size}`);
  assert.deepEqual(await explorer.fetchAddress(ours.address), {
    balance: 250e8, txCount: 5, unconfirmedBalance: -(60 * 100_000 + 1_000_000 + 10_000), unconfirmedTxCount: 1,
  });
  await answers(transactions.getTxMerkleProof({ txid: fan.getId() }), 404, 'Transaction not found or is unconfirmed');
});

await check('it is confirmed', async () => {
  [fanBlock] = await mine();
  const status = await statusIn(fanBlock);
  assert.deepEqual(await transactions.getTxStatus({ txid: fan.getId() }), status);
  assert.deepEqual((await transactions.getTx({ txid: fan.getId() })).status, status);
  assert.deepEqual(await mempool.getMempool(), { count: 0, vsize: 0, total_fee: 0, fee_histogram: [] });
  assert.deepEqual(await explorer.fetchAddress(many.address), {
    balance: 6_000_000, txCount: 1, unconfirmedBalance: 0, unconfirmedTxCount: 0,
  });
});

await check('a transaction with all of its parts', async () => {
  const txid = fan.getId();
  assert.equal(await explorer.fetchTx(txid), fan.toHex());
  assert.equal(await transactions.getTxHex({ txid }), fan.toHex());
  const tx = await transactions.getTx({ txid });
  assert.deepEqual([tx.txid, tx.version, tx.locktime, tx.size, tx.weight], [txid, 2, 0, fan.byteLength(), fan.weight()]);
  const hex = (bytes) => Buffer.from(bytes).toString('hex');
  assert.deepEqual(tx.vin, [{
    txid: coins[0].txid, vout: coins[0].vout,
    prevout: {
      scriptpubkey: hex(ours.output), scriptpubkey_asm: `OP_0 OP_PUSHBYTES_20 ${hex(ours.hash)}`,
      scriptpubkey_type: 'v0_p2wpkh', scriptpubkey_address: ours.address, value: coins[0].value,
    },
    scriptsig: '', scriptsig_asm: '', witness: fan.ins[0].witness.map(hex), is_coinbase: false, sequence: 0xffffffff,
  }]);
  assert.equal(tx.vout.length, 63);
  assert.deepEqual(tx.vout[60], {
    scriptpubkey: hex(data.output), scriptpubkey_asm: `OP_RETURN OP_PUSHBYTES_7 ${hex(Buffer.from('keelson'))}`,
    scriptpubkey_type: 'op_return', value: 0,
  });
  assert.deepEqual(tx.vout[61], {
    scriptpubkey: hex(taproot.output), scriptpubkey_asm: `OP_PUSHNUM_1 OP_PUSHBYTES_32 ${hex(taproot.pubkey)}`,
    scriptpubkey_type: 'v1_p2tr', scriptpubkey_address: taproot.address, value: 1_000_000,
  });
  const { transactions: [{ ins: [coinbase] }] } = await rawBlock(fanBlock);
  const [paid] = (await blocks.getBlockTxs({ hash: fanBlock, start_index: 0 }));
  assert.deepEqual([paid.vin[0].is_coinbase, paid.vin[0].prevout, paid.vin[0].scriptsig, paid.fee], [true, null, hex(coinbase.script), 0]);
  await answers(transactions.getTx({ txid: '11'.repeat(32) }), 404, 'Transaction not found');
  await answers(transactions.getTx({ txid: '11' }), 400, 'Invalid hex string');
});

// 60 in the pool.

const small = Array.from({ length: 60 }, (_, vout) => spend(dave, [{ txid: fan.getId(), vout, value: each }], [[many, each - 1_000n]]));
const ids = small.map((tx) => tx.getId());
let smallBlock;

await check('a pool with 60 payments', async () => {
  for (const tx of small) assert.equal(await transactions.postTx({ txhex: tx.toHex() }), tx.getId());
  assert.deepEqual((await mempool.getMempoolTxids()).sort(), [...ids].sort());
  assert.equal((await mempool.getMempool()).count, 60);
  assert.deepEqual((await mempool.getMempoolRecent()).map(({ txid }) => txid), ids.slice(-10).reverse());
});

await check('50 of them are listed for an address, the last one first', async () => {
  const { address } = many;
  const last = [...ids].reverse();
  const waiting = await addresses.getAddressTxsMempool({ address });
  assert.deepEqual(waiting.map(({ txid }) => txid), last.slice(0, 50));
  const txs = await addresses.getAddressTxs({ address });
  assert.deepEqual(txs, [...waiting, await transactions.getTx({ txid: fan.getId() })]);
  assert.deepEqual((await addresses.getAddress({ address })).mempool_stats, {
    funded_txo_count: 60, funded_txo_sum: 60 * 99_000, spent_txo_count: 60, spent_txo_sum: 60 * 100_000, tx_count: 60,
  });
  const unspent = await addresses.getAddressTxsUtxo({ address });
  assert.deepEqual(unspent, ids.map((txid) => ({ txid, vout: 0, status: unconfirmed, value: 99_000 })));
});

await check('what spends outputs, in the pool and in the chain', async () => {
  const expect = (status) => [
    ...ids.map((txid) => ({ spent: true, txid, vin: 0, status })), ...Array(3).fill({ spent: false }),
  ];
  assert.deepEqual(await transactions.getTxOutspends({ txid: fan.getId() }), expect(unconfirmed));
  [smallBlock] = await mine();
  const list = expect(await statusIn(smallBlock));
  assert.deepEqual(await transactions.getTxOutspends({ txid: fan.getId() }), list);
  for (const vout of [0, 59, 60]) assert.deepEqual(await transactions.getTxOutspend({ txid: fan.getId(), vout }), list[vout]);
});

await check('the transactions of a block, 25 at a time', async () => {
  const hash = smallBlock;
  const block = await rawBlock(hash);
  const txids = block.transactions.map((tx) => tx.getId());
  assert.equal(txids.length, 61);
  assert.deepEqual(await blocks.getBlockTxids({ hash }), txids);
  assert.equal(await blocks.getBlockTxid({ hash, index: 60 }), txids[60]);
  await answers(blocks.getBlockTxid({ hash, index: 61 }), 404, 'tx index out of range');
  assert.equal(await blocks.getBlockHeader({ hash }), block.toHex(true));
  const lists = await Promise.all([0, 25, 50].map((start) => blocks.getBlockTxs({ hash, start_index: start })));
  assert.deepEqual(lists.map((list) => list.length), [25, 25, 11]);
  assert.deepEqual(lists.flat().map(({ txid }) => txid), txids);
  for (const [i, tx] of lists.flat().entries()) assert.equal(tx.weight, block.transactions[i].weight());
  await answers(blocks.getBlockTxs({ hash, start_index: 26 }), 400, 'start index must be a multipication of 25');
  await answers(blocks.getBlockTxs({ hash, start_index: 61 }), 404, 'start index out of range');
});

await check('a merkle proof leads to the root, and the block of a proof is the one', async () => {
  const block = await rawBlock(smallBlock);
  const { height } = await net.call('getblockheader', smallBlock);
  for (const index of [1, 31, 60]) {
    const tx = block.transactions[index];
    const proof = await transactions.getTxMerkleProof({ txid: tx.getId() });
    assert.equal(proof.pos, index);
    assert.equal(proof.block_height, height);
    let node = Buffer.from(tx.getHash());
    let place = index;
    for (const other of proof.merkle) {
      const sibling = Buffer.from(other, 'hex').reverse();
      node = sha256(sha256(Buffer.concat(place & 1 ? [sibling, node] : [node, sibling])));
      place >>= 1;
    }
    assert.deepEqual(node, Buffer.from(block.merkleRoot));
    const merkleBlock = await transactions.getTxMerkleBlockProof({ txid: tx.getId() });
    assert.equal(merkleBlock.slice(0, 160), block.toHex(true));
    assert.equal(Buffer.from(merkleBlock, 'hex').readUInt32LE(80), 61);
    assert.ok(merkleBlock.includes(Buffer.from(tx.getHash()).toString('hex')));
  }
});

await check('a history of more than one page', async () => {
  const { address } = many;
  const block = await rawBlock(smallBlock);
  const order = [...block.transactions.slice(1).map((tx) => tx.getId()).reverse(), fan.getId()];
  await delay(3_100); // this client keeps the height of the tip for three seconds
  const { height } = await net.call('getblockheader', smallBlock);
  const history = order.map((txId) => {
    const at = txId === fan.getId() ? height - 1 : height;
    return { txId, blockHeight: at, irreversible: false };
  }).reverse();
  assert.deepEqual(await explorer.fetchTxHistory({ address }), history);
  assert.deepEqual(await explorer.fetchTxHistory({ scriptHash: electrumHash(many.output) }), history);

  const paged = await pages((after) => addresses.getAddressTxs({ address, after_txid: after }));
  assert.deepEqual(paged.sizes, [25, 25, 11]);
  assert.deepEqual(paged.txs.map(({ txid }) => txid), order);
  assert.deepEqual(await addresses.getAddressTxsChain({ address }), paged.txs.slice(0, 25));
  const chain = await pages((after) => get(`/address/${address}/txs/chain${after ? `/${after}` : ''}`));
  assert.deepEqual(chain, paged);
  const scripthash = sha256(many.output).toString('hex');
  assert.deepEqual(await pages((after) => get(`/scripthash/${scripthash}/txs/chain${after ? `/${after}` : ''}`)), paged);
});

await check('a script by its hash', async () => {
  const scriptHash = electrumHash(many.output);
  const sums = { balance: 60 * 99_000, txCount: 61, unconfirmedBalance: 0, unconfirmedTxCount: 0 };
  assert.deepEqual(await explorer.fetchScriptHash(scriptHash), sums);
  assert.deepEqual(await explorer.fetchAddress(many.address), sums);
  assert.deepEqual(await explorer.fetchScriptHash(electrumHash(taproot.output)), { ...sums, balance: 1_000_000, txCount: 1 });
  assert.deepEqual(await explorer.fetchScriptHash(electrumHash(data.output)), { ...sums, balance: 0, txCount: 1 });
  assert.deepEqual(await explorer.fetchScriptHash('00'.repeat(32)), { ...sums, balance: 0, txCount: 0 });
  await answers(addresses.getAddress({ address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' }), 400, 'Address on invalid network');
  await assert.rejects(explorer.fetchScriptHash('00'), /Failed request: Invalid scripthash\. Status code: 400 /);
});

await check('pages go on from the pool into the chain', async () => {
  const { address } = taproot;
  const [, first, second] = coins;
  const [a, b] = [first, second].map((coin) => payFrom(coin, taproot));
  for (const tx of [a, b]) await explorer.push(tx.toHex());
  const txids = (list) => list.map(({ txid }) => txid);
  assert.deepEqual(txids(await addresses.getAddressTxs({ address })), [b.getId(), a.getId(), fan.getId()]);
  assert.deepEqual(txids(await addresses.getAddressTxs({ address, after_txid: b.getId() })), [a.getId(), fan.getId()]);
  assert.deepEqual(txids(await addresses.getAddressTxs({ address, after_txid: a.getId() })), [fan.getId()]);
  assert.deepEqual(await addresses.getAddressTxs({ address, after_txid: fan.getId() }), []);
  await answers(addresses.getAddressTxs({ address, after_txid: '22'.repeat(32) }), 422, 'after_txid not found');
  await answers(addresses.getAddressTxs({ address, after_txid: 'zz' }), 400, 'Invalid hex string');
  await mine();
});

// What is refused.

await check('a broadcast that is no transaction', async () => {
  const message = 'TX decode failed. Make sure the tx has at least one input.';
  await refused('zz', -22, message);
  await refused(fan.toHex().slice(0, -2), -22, message);
});

await check('a broadcast that is signed wrongly', async () => {
  const tx = payFrom(coins[3], many);
  tx.ins[0].witness[0][10] ^= 1;
  await refused(tx.toHex(), -26, 'mandatory-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)');
});

await check('a broadcast of what is spent or never was', async () => {
  await refused(payFrom(coins[0], many).toHex(), -25, 'bad-txns-inputs-missingorspent');
  await refused(payFrom({ ...coins[3], txid: '33'.repeat(32) }, many).toHex(), -25, 'bad-txns-inputs-missingorspent');
  await refused(fan.toHex(), -27, 'Transaction outputs already in utxo set');
});

await check('a broadcast that pays too little, or too much', async () => {
  await refused(spend(owner, [coins[3]], [[many, BigInt(coins[3].value)]]).toHex(), -26, 'min relay fee not met, 0 < 110');
  await refused(
    spend(owner, [coins[3]], [[many, BigInt(coins[3].value) - 100_000_000n]]).toHex(),
    -25, 'Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)',
  );
});

await check('estimates of fees, from the present pool as long as nothing else is known', async () => {
  const estimates = await get('/fee-estimates');
  assert.ok(estimates['1'] >= 1 && estimates['1008'] >= 1, JSON.stringify(estimates));
  assert.deepEqual(await explorer.fetchFeeEstimates(), estimates);
});

await check('what only mempool.space has is told apart', async () => {
  const hash = await net.call('getbestblockhash');
  await answers(blocks.getBlock({ hash }), 404, `endpoint does not exist "/v1/block/${hash}"`);
  await answers(blocks.getBlocks({ start_height: 5 }), 404, 'endpoint does not exist "/v1/blocks/5"');
  await answers(fees.getFeesRecommended(), 404, 'endpoint does not exist "/v1/fees/recommended"');
});

// A reorganisation.

await check('a reorganisation takes a payment back, and a block confirms it again', async () => {
  const payment = payFrom(coins[3], taproot);
  const txid = payment.getId();
  const before = await explorer.fetchScriptHash(electrumHash(taproot.output));
  await explorer.push(payment.toHex());
  const [lost] = await mine();
  const status = await statusIn(lost);
  const { height } = await net.call('getblockheader', lost);
  const coin = (of) => ({ txid, vout: 0, status: of, value: coins[3].value - Number(fee) });
  const look = async () => ({
    status: await transactions.getTxStatus({ txid }),
    spent: (await transactions.getTxOutspend({ txid: coins[3].txid, vout: coins[3].vout })).status,
    coin: (await addresses.getAddressTxsUtxo({ address: taproot.address })).find((c) => c.txid === txid),
    chain: (await addresses.getAddressTxsChain({ address: taproot.address })).some((tx) => tx.txid === txid),
    pool: (await addresses.getAddressTxsMempool({ address: taproot.address })).some((tx) => tx.txid === txid),
  });
  assert.deepEqual(await look(), { status, spent: status, coin: coin(status), chain: true, pool: false });

  const { fork, old, new: won } = await net.call('testnet_reorg', 1, 2);
  assert.deepEqual([fork, old, won.length], [height - 1, [lost], 2]);
  assert.equal(await explorer.fetchBlockHeight(), height + 1);
  assert.deepEqual(await look(), { status: unconfirmed, spent: unconfirmed, coin: coin(unconfirmed), chain: false, pool: true });
  assert.deepEqual(await mempool.getMempoolTxids(), [txid]);
  assert.deepEqual(await explorer.fetchScriptHash(electrumHash(taproot.output)), {
    ...before, unconfirmedBalance: coin().value, unconfirmedTxCount: 1,
  });
  assert.equal(await blocks.getBlockHeight({ height }), won[0]);
  assert.deepEqual(await blocks.getBlockStatus({ hash: lost }), { in_best_chain: false });
  assert.ok((await blocks.getBlockTxids({ hash: lost })).includes(txid), 'the block is still to be read');
  const { block_time: blockTime } = await statusIn(won[0]);
  assert.deepEqual(await explorer.fetchBlockStatus(height), { blockHeight: height, blockHash: won[0], blockTime, irreversible: false });
  await answers(transactions.getTxMerkleProof({ txid }), 404, 'Transaction not found or is unconfirmed');

  const [again] = await mine();
  const confirmed = await statusIn(again);
  assert.deepEqual(await look(), { status: confirmed, spent: confirmed, coin: coin(confirmed), chain: true, pool: false });
});

await check('the network ends in order', async () => {
  explorer.close();
  assert.equal(explorer.isClosed(), true);
  await net.down();
});
