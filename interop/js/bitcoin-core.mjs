// The bitcoin-core client calls every method that it and the node know.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import path from 'node:path';
import Client from 'bitcoin-core';
import { ECPairFactory } from 'ecpair';
import { Block, networks, payments } from 'bitcoinjs-lib';
import * as secp256k1 from '@bitcoinerlab/secp256k1';
import { Node } from './node.mjs';
import { Checks } from './checks.mjs';

const checks = new Checks('bitcoin-core');
const node = await Node.start('--txindex', '--blockfilterindex', '--coinstatsindex', '--rest');
const options = {
  host: `http://127.0.0.1:${node.port}`, username: node.username, password: node.password, version: '28.1.0',
};
const client = new Client(options);
const other = await Node.start();

// rpc is the client, with results as plain objects (its own have no prototype),
// and called has the methods that the checks below call, by the names of JSON-RPC.
const called = new Set();
const rpc = new Proxy(client, {
  get(target, name) {
    return async (...params) => {
      called.add(name.toLowerCase());
      return JSON.parse(JSON.stringify(await target[name](...params)));
    };
  },
});
const check = checks.check.bind(checks);
const refused = (promise, code, message) => assert.rejects(promise, { name: 'RpcError', code, message });

const network = networks.regtest;
const ECPair = ECPairFactory(secp256k1);
const key = (name) => ECPair.fromPrivateKey(createHash('sha256').update(`keelson interop ${name}`).digest(), { network });
const [alice, bob] = [key('alice'), key('bob')];
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const { address, output } = payments.p2wpkh({ pubkey: alice.publicKey, network });
const legacy = payments.p2pkh({ pubkey: alice.publicKey, network }).address;
const pubkeys = [hex(alice.publicKey), hex(bob.publicKey)];

let hashes; // of the blocks from height 1
let shared; // the address of both keys
let coinbase, raw, txid;

await check('getNetworkInfo', async () => {
  const info = await rpc.getNetworkInfo();
  assert.equal(info.version, 280100);
  assert.match(info.subversion, /^\/Satoshi:28\.1\.0\/Keelson:/);
  assert.deepEqual(info.warnings, []);
});
const reached = await other.call('getnetworkinfo');
const theOther = `${reached.listening[0]}/p2p/${reached.peer_id}`;
await check('addNode', async () => {
  assert.equal(await rpc.addNode(theOther, 'onetry'), null);
  assert.equal(await rpc.addNode(theOther, 'add'), null);
  await refused(rpc.addNode(theOther, 'add'), -23, 'Error: Node already added');
});
await check('getAddedNodeInfo', async () => {
  const [added] = await rpc.getAddedNodeInfo(theOther);
  assert.deepEqual(added, {
    addednode: theOther, connected: true, addresses: [{ address: theOther, connected: 'outbound' }],
  });
  await refused(rpc.getAddedNodeInfo('127.0.0.1:1'), -24, 'Error: Node has not been added.');
});
await check('getPeerInfo', async () => {
  const [peer, ...more] = await rpc.getPeerInfo();
  assert.equal(more.length, 0);
  assert.equal(peer.addr, theOther);
  assert.equal(peer.connection_type, 'manual');
  assert.deepEqual(peer.servicesnames, ['NETWORK', 'WITNESS', 'NETWORK_LIMITED']);
  assert.equal((await other.call('getpeerinfo'))[0].inbound, true);
});
await check('getConnectionCount', async () => assert.equal(await rpc.getConnectionCount(), 1));
await check('ping', async () => assert.equal(await rpc.ping(), null));
await check('getNetTotals', async () => {
  const { totalbytesrecv, totalbytessent, uploadtarget } = await rpc.getNetTotals();
  assert.ok(totalbytesrecv > 0 && totalbytessent > 0);
  assert.equal(uploadtarget.target, 0);
});
await check('disconnectNode', async () => {
  assert.equal(await rpc.addNode(theOther, 'remove'), null);
  assert.equal(await rpc.disconnectNode(theOther), null);
  while (await rpc.getConnectionCount() > 0) await new Promise(setImmediate);
  await refused(rpc.disconnectNode(theOther), -29, 'Node not found in connected nodes');
});
await check('setBan', async () => {
  assert.equal(await rpc.setBan('192.0.2.77/24', 'add', 60), null);
  await refused(rpc.setBan('192.0.2.1', 'add'), -23, 'Error: IP/Subnet already banned');
  await refused(rpc.setBan('192.0.2.1/33', 'add'), -30, 'Error: Invalid IP/Subnet');
});
await check('listBanned', async () => {
  const [{ address: subnet, ban_duration: seconds }] = await rpc.listBanned();
  assert.deepEqual([subnet, seconds], ['192.0.2.0/24', 60]);
});
await check('clearBanned', async () => {
  assert.equal(await rpc.clearBanned(), null);
  assert.deepEqual(await rpc.listBanned(), []);
});
await check('setNetworkActive', async () => {
  assert.equal(await rpc.setNetworkActive(false), false);
  assert.equal((await rpc.getNetworkInfo()).networkactive, false);
  assert.equal(await rpc.setNetworkActive(true), true);
});
await check('getNodeAddresses', async () => {
  const addresses = await rpc.getNodeAddresses(0);
  assert.ok(addresses.length > 0);
  for (const { address: host, multiaddr } of addresses) {
    assert.equal(host, '127.0.0.1');
    assert.ok(reached.listening.some((at) => multiaddr === `${at}/p2p/${reached.peer_id}`), multiaddr);
  }
});
await check('getAddrManInfo', async () => {
  const { total, tried, new: untried } = (await rpc.getAddrManInfo()).all_networks;
  assert.ok(total > 0 && total === tried + untried);
});
await check('createMultiSig', async () => {
  shared = await rpc.createMultiSig(2, pubkeys, 'bech32');
  const p2wsh = payments.p2wsh({ redeem: payments.p2ms({ m: 2, pubkeys: [alice, bob].map((k) => k.publicKey), network }), network });
  assert.equal(shared.address, p2wsh.address);
  assert.equal(shared.redeemScript, hex(p2wsh.redeem.output));
  await refused(rpc.createMultiSig(3, pubkeys), -8, 'not enough keys supplied (got 2 keys, but need at least 3 to redeem)');
});
await check('getDescriptorInfo', async () => {
  const info = await rpc.getDescriptorInfo(`wpkh(${pubkeys[0]})`);
  assert.equal(info.descriptor, `wpkh(${pubkeys[0]})#${info.checksum}`);
  assert.equal(info.issolvable, true);
  assert.equal(info.hasprivatekeys, false);
  await refused(rpc.getDescriptorInfo(''), -5, "'' is not a valid descriptor function");
});
await check('deriveAddresses', async () => {
  const { descriptor } = await rpc.getDescriptorInfo(`wpkh(${pubkeys[0]})`);
  assert.deepEqual(await rpc.deriveAddresses(descriptor), [address]);
  await refused(rpc.deriveAddresses(`wpkh(${pubkeys[0]})`), -5, 'Missing checksum');
});
await check('generateToAddress', async () => {
  hashes = await rpc.generateToAddress(1, address);
  hashes.push(...await rpc.generateToAddress(1, shared.address));
  hashes.push(...await rpc.generateToAddress(100, address));
  assert.equal(hashes.length, 102);
  await refused(rpc.generateToAddress(1, 'foo'), -5, 'Error: Invalid address');
});
await check('generateToDescriptor', async () => {
  hashes.push(...await rpc.generateToDescriptor(1, `addr(${address})`));
  assert.equal(hashes.length, 103);
});
await check('getBlockCount', async () => assert.equal(await rpc.getBlockCount(), 103));
await check('getBestBlockHash', async () => assert.equal(await rpc.getBestBlockHash(), hashes[102]));
await check('getBlockHash', async () => {
  assert.equal(await rpc.getBlockHash(1), hashes[0]);
  assert.equal(await rpc.getBlockHash({ height: 2 }), hashes[1]);
  await refused(rpc.getBlockHash(104), -8, 'Block height out of range');
  await refused(rpc.getBlockHash({ hight: 2 }), -8, 'Unknown named parameter hight');
});
await check('getBlock', async () => {
  const bytes = await rpc.getBlock({ blockhash: hashes[0], verbosity: 0 });
  const block = Block.fromHex(bytes);
  coinbase = block.transactions[0].getId();
  assert.equal(block.getId(), hashes[0]);
  const [one, two, three] = await Promise.all([1, 2, 3].map((verbosity) => rpc.getBlock(hashes[0], verbosity)));
  assert.deepEqual(one.tx, [coinbase]);
  assert.equal(one.size, bytes.length / 2);
  assert.equal(one.confirmations, 103);
  assert.equal(two.tx[0].hex, block.transactions[0].toHex());
  assert.deepEqual(three, two); // a coinbase spends nothing that verbosity 3 could show
  await refused(rpc.getBlock('00'.repeat(32)), -5, 'Block not found');
});
await check('getBlockHeader', async () => {
  const block = Block.fromHex(await rpc.getBlock(hashes[0], 0));
  assert.equal(await rpc.getBlockHeader(hashes[0], false), block.toHex(true));
  const header = await rpc.getBlockHeader(hashes[0]);
  assert.equal(header.merkleroot, hex(Buffer.from(block.merkleRoot).reverse()));
  assert.equal(header.nextblockhash, hashes[1]);
});
await check('getBlockchainInfo', async () => {
  const info = await rpc.getBlockchainInfo();
  assert.equal(info.chain, 'regtest');
  assert.equal(info.blocks, 103);
  assert.equal(info.bestblockhash, hashes[102]);
  assert.equal(BigInt(`0x${info.chainwork}`), 2n * 104n);
  assert.equal(info.initialblockdownload, false);
});
await check('getBlockStats', async () => {
  const stats = await rpc.getBlockStats(1);
  assert.equal(stats.blockhash, hashes[0]);
  assert.equal(stats.subsidy, 50e8);
  assert.deepEqual(await rpc.getBlockStats(hashes[0], ['height', 'txs']), { height: 1, txs: 1 });
});
await check('getChainStates', async () => {
  const { headers, chainstates } = await rpc.getChainStates();
  assert.equal(headers, 103);
  assert.equal(chainstates.length, 1);
  assert.equal(chainstates[0].bestblockhash, hashes[102]);
  assert.equal(chainstates[0].validated, true);
});
await check('getChainTips', async () => {
  assert.deepEqual(await rpc.getChainTips(), [{ height: 103, hash: hashes[102], branchlen: 0, status: 'active' }]);
});
await check('getChainTxStats', async () => {
  const stats = await rpc.getChainTxStats(10);
  assert.equal(stats.txcount, 104);
  assert.equal(stats.window_tx_count, 10);
});
await check('getDeploymentInfo', async () => {
  const info = await rpc.getDeploymentInfo();
  assert.equal(info.hash, hashes[102]);
  assert.deepEqual(info.deployments.csv, { type: 'buried', active: true, height: 1 });
  assert.equal(info.deployments.taproot.active, true);
});
await check('getDifficulty', async () => assert.equal(Number(await rpc.getDifficulty()), 4.656542373906925e-10));
await check('getZmqNotifications', async () => assert.deepEqual(await rpc.getZmqNotifications(), []));
await check('getMemoryInfo', async () => assert.ok(Number.isInteger((await rpc.getMemoryInfo()).locked.used)));
await check('getRpcInfo', async () => {
  const { active_commands: active } = await rpc.getRpcInfo();
  assert.deepEqual(active.map(({ method }) => method), ['getrpcinfo']);
});
await check('logging', async () => {
  assert.equal((await rpc.logging(['rpc'], [])).rpc, true);
  assert.equal((await rpc.logging([], ['rpc'])).rpc, false);
  await refused(rpc.logging(['foo']), -8, 'unknown logging category foo');
});
await check('upTime', async () => assert.ok(await rpc.upTime() < 600));
await check('help', async () => {
  assert.match(await rpc.help('getblockcount'), /^getblockcount\n\n/);
  assert.equal(await rpc.help('foo'), 'help: unknown command: foo');
});
await check('getNetworkHashPs', async () => assert.ok(await rpc.getNetworkHashPs() > 0));
await check('getMiningInfo', async () => {
  const info = await rpc.getMiningInfo();
  assert.equal(info.blocks, 103);
  assert.equal(info.chain, 'regtest');
});
await check('verifyChain', async () => assert.equal(await rpc.verifyChain(4, 0), true));
await check('preciousBlock', async () => assert.equal(await rpc.preciousBlock(hashes[102]), null));
await check('pruneBlockchain', async () => {
  await refused(rpc.pruneBlockchain(1), -1, 'Cannot prune blocks because node is not in prune mode.');
});
await check('validateAddress', async () => {
  assert.deepEqual(await rpc.validateAddress(address), {
    isvalid: true, address, scriptPubKey: hex(output), isscript: false, iswitness: true,
    witness_version: 0, witness_program: hex(output.subarray(2)),
  });
  assert.deepEqual(await rpc.validateAddress('foo'), {
    isvalid: false, error_locations: [], error: 'Invalid checksum or length of Base58 address (P2PKH or P2SH)',
  });
});
await check('signMessageWithPrivKey', async () => {
  const signature = await rpc.signMessageWithPrivKey(alice.toWIF(), 'ahoy');
  assert.equal(Buffer.from(signature, 'base64').length, 65);
  await refused(rpc.signMessageWithPrivKey('foo', 'ahoy'), -5, 'Invalid private key');
});
await check('verifyMessage', async () => {
  const signature = await rpc.signMessageWithPrivKey(alice.toWIF(), 'ahoy');
  assert.equal(await rpc.verifyMessage(legacy, signature, 'ahoy'), true);
  assert.equal(await rpc.verifyMessage(legacy, signature, 'avast'), false);
  await refused(rpc.verifyMessage(address, signature, 'ahoy'), -3, 'Address does not refer to key');
});
await check('createRawTransaction', async () => {
  raw = await rpc.createRawTransaction([{ txid: coinbase, vout: 0 }], [{ [address]: 49.9999 }, { data: '00' }]);
  await refused(rpc.createRawTransaction([], [{ foo: 1 }]), -5, 'Invalid Bitcoin address: foo');
});
await check('decodeRawTransaction', async () => {
  const tx = await rpc.decodeRawTransaction(raw);
  assert.equal(tx.vin[0].txid, coinbase);
  assert.equal(tx.vout[0].value, 49.9999);
  assert.equal(tx.vout[0].scriptPubKey.address, address);
  assert.equal(tx.vout[1].scriptPubKey.type, 'nulldata');
  await refused(rpc.decodeRawTransaction('00'), -22, 'TX decode failed');
});
await check('decodeScript', async () => {
  const script = await rpc.decodeScript(shared.redeemScript);
  assert.equal(script.type, 'multisig');
  assert.equal(script.segwit.address, shared.address);
});
await check('signRawTransactionWithKey', async () => {
  const wrong = await rpc.signRawTransactionWithKey(raw, [bob.toWIF()]);
  assert.equal(wrong.complete, false);
  assert.equal(wrong.errors[0].error, 'Witness program hash mismatch');
  const signed = await rpc.signRawTransactionWithKey(raw, [alice.toWIF()]);
  assert.equal(signed.complete, true);
  raw = signed.hex;
});
await check('testMempoolAccept', async () => {
  const [verdict] = await rpc.testMempoolAccept([raw]);
  assert.equal(verdict.allowed, true);
  assert.equal(verdict.fees.base, 0.0001);
});
await check('sendRawTransaction', async () => {
  txid = await rpc.sendRawTransaction(raw);
  assert.equal(txid, (await rpc.decodeRawTransaction(raw)).txid);
  await refused(rpc.sendRawTransaction('foo'), -22, 'TX decode failed. Make sure the tx has at least one input.');
});
await check('submitPackage', async () => {
  await refused(rpc.submitPackage([raw, raw]), -25, 'package topology disallowed. not child-with-parents or parents depend on each other.');
});
await check('combineRawTransaction', async () => {
  const { tx: [{ txid: from }] } = await rpc.getBlock(hashes[1], 2);
  const unsigned = await rpc.createRawTransaction([{ txid: from, vout: 0 }], [{ [address]: 49.999 }]);
  const { scriptPubKey, value } = (await rpc.getTxOut(from, 0));
  const prevout = { txid: from, vout: 0, scriptPubKey: scriptPubKey.hex, witnessScript: shared.redeemScript, amount: value };
  const parts = [];
  for (const signer of [alice, bob]) {
    const part = await rpc.signRawTransactionWithKey(unsigned, [signer.toWIF()], [prevout]);
    assert.equal(part.complete, false);
    parts.push(part.hex);
  }
  const combined = await rpc.combineRawTransaction(parts);
  assert.equal((await rpc.testMempoolAccept([combined]))[0].allowed, true);
});
let psbt, mine;
await check('createPsbt', async () => {
  const { tx: [{ txid: from }] } = await rpc.getBlock(hashes[2], 2);
  mine = { inputs: [{ txid: from, vout: 0 }], outputs: [{ [address]: 49.999 }] };
  psbt = await rpc.createPsbt(mine.inputs, mine.outputs);
  assert.match(psbt, /^cHNidP8B/);
});
await check('convertToPsbt', async () => {
  assert.equal(await rpc.convertToPsbt(await rpc.createRawTransaction(mine.inputs, mine.outputs)), psbt);
});
await check('joinPsbts', async () => {
  const other = await rpc.createPsbt([{ txid: '11'.repeat(32), vout: 1 }], [{ [legacy]: 1 }]);
  const { tx } = await rpc.decodePsbt(await rpc.joinPsbts([psbt, other]));
  assert.deepEqual([tx.vin.length, tx.vout.length], [2, 2]);
});
await check('utxoUpdatePsbt', async () => {
  const { inputs } = await rpc.decodePsbt(await rpc.utxoUpdatePsbt(psbt));
  assert.equal(inputs[0].witness_utxo.amount, 50);
});
await check('analyzePsbt', async () => {
  const { inputs, next } = await rpc.analyzePsbt(psbt);
  assert.deepEqual([inputs[0].has_utxo, next], [false, 'updater']);
});
await check('descriptorProcessPsbt', async () => {
  const signed = await rpc.descriptorProcessPsbt(psbt, [`wpkh(${alice.toWIF()})`]);
  assert.equal(signed.complete, true);
  assert.equal((await rpc.testMempoolAccept([signed.hex]))[0].allowed, true);
  psbt = signed.psbt;
});
await check('decodePsbt', async () => {
  const { tx, inputs, fee, psbt_version: version } = await rpc.decodePsbt(psbt);
  assert.deepEqual([tx.vin[0].txid, inputs[0].final_scriptwitness.length, version], [mine.inputs[0].txid, 2, 0]);
  assert.equal(Math.round(fee * 1e8), 100_000);
  await refused(rpc.decodePsbt('foo'), -22, 'TX decode failed invalid base64');
});
await check('combinePsbt', async () => {
  const blank = await rpc.createPsbt(mine.inputs, mine.outputs);
  assert.equal(await rpc.combinePsbt([blank, psbt]), psbt);
});
await check('finalizePsbt', async () => {
  const { hex: final, complete } = await rpc.finalizePsbt(psbt);
  assert.equal(complete, true);
  assert.equal((await rpc.testMempoolAccept([final]))[0].allowed, true);
});
await check('getRawMempool', async () => {
  assert.deepEqual(await rpc.getRawMempool(), [txid]);
  assert.equal((await rpc.getRawMempool(true))[txid].fees.base, 0.0001);
  assert.deepEqual((await rpc.getRawMempool({ mempool_sequence: true })).txids, [txid]);
});
await check('getMempoolInfo', async () => {
  const info = await rpc.getMempoolInfo();
  assert.equal(info.loaded, true);
  assert.equal(info.size, 1);
  assert.equal(info.total_fee, 0.0001);
  assert.equal(info.fullrbf, true);
});
await check('getMempoolEntry', async () => {
  const entry = await rpc.getMempoolEntry(txid);
  assert.equal(entry.height, 103);
  assert.equal(entry.fees.modified, 0.0001);
  await refused(rpc.getMempoolEntry(coinbase), -5, 'Transaction not in mempool');
});
await check('getMempoolAncestors', async () => assert.deepEqual(await rpc.getMempoolAncestors(txid), []));
await check('getMempoolDescendants', async () => assert.deepEqual(await rpc.getMempoolDescendants(txid), []));
await check('getTxSpendingPrevOut', async () => {
  assert.deepEqual(await rpc.getTxSpendingPrevOut([{ txid: coinbase, vout: 0 }, { txid, vout: 0 }]), [
    { txid: coinbase, vout: 0, spendingtxid: txid }, { txid, vout: 0 },
  ]);
});
await check('prioritiseTransaction', async () => {
  assert.equal(await rpc.prioritiseTransaction(txid, 0, 5000), true);
  assert.equal((await rpc.getMempoolEntry(txid)).fees.modified, 0.00015);
});
await check('getPrioritisedTransactions', async () => {
  assert.deepEqual(await rpc.getPrioritisedTransactions(), { [txid]: { fee_delta: 5000, in_mempool: true, modified_fee: 15000 } });
});
await check('saveMempool', async () => assert.match((await rpc.saveMempool()).filename, /mempool\.dat$/));
await check('importMempool', async () => {
  const { filename } = await rpc.saveMempool();
  assert.deepEqual(await rpc.importMempool(filename), {});
  await refused(rpc.importMempool(`${filename}.absent`), -1, 'Unable to import mempool file, see debug.log for details.');
});
await check('estimateSmartFee', async () => {
  assert.deepEqual(await rpc.estimateSmartFee(6), { feerate: 0.00002, blocks: 6 });
});
await check('getTxOut', async () => {
  assert.equal(await rpc.getTxOut(coinbase, 0), null);
  assert.equal((await rpc.getTxOut(coinbase, 0, false)).value, 50);
  assert.equal((await rpc.getTxOut(txid, 0)).confirmations, 0);
});
await check('getTxOutSetInfo', async () => {
  const info = await rpc.getTxOutSetInfo('muhash');
  assert.equal(info.height, 103);
  assert.equal(info.txouts, 103);
  assert.equal(info.total_amount, 103 * 50);
  assert.match(info.muhash, /^[0-9a-f]{64}$/);
});
await check('getTxOutSetInfo at a block', async () => {
  const info = await rpc.getTxOutSetInfo('muhash', 100);
  assert.equal(info.height, 100);
  assert.equal(info.total_amount, 100 * 50);
  assert.equal(info.total_unspendable_amount, 50);
  assert.equal(info.block_info.coinbase, 50);
});
await check('getBlockFilter', async () => {
  const { filter, header } = await rpc.getBlockFilter(hashes[102]);
  assert.match(filter, /^01/);
  assert.match(header, /^[0-9a-f]{64}$/);
});
await check('getBlockFromPeer', () => refused(rpc.getBlockFromPeer(hashes[102], 0), -1, 'Block already downloaded'));
await check('getIndexInfo', async () => {
  const at = { synced: true, best_block_height: 103 };
  assert.deepEqual(await rpc.getIndexInfo(), { txindex: at, coinstatsindex: at, 'basic block filter index': at });
});
await check('scanBlocks', async () => {
  const found = await rpc.scanBlocks('start', [`raw(${hex(output)})`]);
  assert.equal(found.completed, true);
  assert.ok(found.relevant_blocks.includes(hashes[0]));
});
await check('getTxOutProof and verifyTxOutProof', async () => {
  const proof = await rpc.getTxOutProof([coinbase], hashes[0]);
  assert.deepEqual(await rpc.verifyTxOutProof(proof), [coinbase]);
});
await check('dumpTxOutset', async () => {
  const { coins_written: coins, base_height: height } = await rpc.dumpTxOutset('coins.dat', 'latest');
  assert.deepEqual([coins, height], [103, 103]);
});
await check('loadTxOutSet of a block that the network does not vouch for', async () => {
  await refused(rpc.loadTxOutSet('coins.dat'), -32603,
    `Unable to load UTXO snapshot: assumeutxo block hash in snapshot metadata not recognized (hash: ${hashes[102]}). `
    + `The following snapshot heights are available: . (${path.join(node.datadir, 'regtest/coins.dat')})`);
});
await check('REST', async () => {
  assert.equal((await client.getBlockchainInformation()).bestblockhash, hashes[102]);
  assert.equal((await client.getBlockByHash(hashes[102], { extension: 'json' })).hash, hashes[102]);
  const [header] = await client.getBlockHeadersByHash(hashes[102], 1, { extension: 'json' });
  assert.equal(header.height, 103);
});
await check('getBlockTemplate', async () => {
  const template = await rpc.getBlockTemplate({ template_request: { rules: ['segwit'] } });
  assert.equal(template.height, 104);
  assert.deepEqual(template.transactions.map((tx) => tx.txid), [txid]);
  assert.equal(template.coinbasevalue, 50e8 + 10_000);
});
await check('submitBlock', async () => {
  assert.equal(await rpc.submitBlock(await rpc.getBlock(hashes[102], 0)), 'duplicate');
  await refused(rpc.submitBlock('00'), -22, 'Block decode failed');
});
await check('submitHeader', async () => {
  assert.equal(await rpc.submitHeader(await rpc.getBlockHeader(hashes[102], false)), null);
  await refused(rpc.submitHeader('00'.repeat(80)), -25, `Must submit previous header (${'00'.repeat(32)}) first`);
});
await check('getRawTransaction', async () => {
  assert.equal(await rpc.getRawTransaction(txid), raw);
  await rpc.generateToAddress(1, address);
  const tx = await rpc.getRawTransaction(txid, 1);
  assert.equal(tx.hex, raw);
  assert.equal(tx.confirmations, 1);
  assert.equal(tx.in_active_chain, undefined);
  const { vin: [{ prevout }], fee } = await rpc.getRawTransaction(txid, 2);
  assert.equal(prevout.value, 50);
  assert.equal(fee, 0.0001);
  await refused(rpc.getRawTransaction('00'.repeat(32)), -5,
    'No such mempool or blockchain transaction. Use gettransaction for wallet transactions.');
});
await check('a batch', async () => {
  const [count, best, error, block] = await client.command([
    { method: 'getblockcount' },
    { method: 'getbestblockhash', parameters: [] },
    { method: 'getblockhash', parameters: [1000] },
    { method: 'getblock', parameters: { blockhash: hashes[0] } },
  ]);
  assert.equal(count, 104);
  assert.equal(best, await rpc.getBestBlockHash());
  assert.equal(error.code, -8);
  assert.equal(error.message, 'Block height out of range');
  assert.equal(block.hash, hashes[0]);
});
await check('a batch of a thousand', async () => {
  const batch = Array.from({ length: 1000 }, (_, i) => ({ method: 'getblockhash', parameters: [1 + (i % 103)] }));
  assert.deepEqual(await client.command(batch), batch.map(({ parameters: [height] }) => hashes[height - 1]));
});
await check('a method that the node does not have', () => refused(client.getWalletInfo(), -32601, 'Method not found'));
await check('a wrong password', async () => {
  await refused(new Client({ ...options, password: 'guess' }).getBlockCount(), 401, 'Unauthorized');
});
await check('every method that both know was called', async () => {
  const methods = (await rpc.help()).split('\n').map((line) => line.split(' ')[0]).filter((name) => name !== 'stop');
  const known = methods.filter((name) => client.methods[name]?.supported);
  assert.deepEqual(known.filter((name) => !called.has(name)), []);
  assert.ok(known.length >= 65, `only ${known.length}`);
});
await other.call('stop');
await check('the other node stops with code 0 and says nothing', () => other.end());
await check('stop', async () => assert.match(await rpc.stop(), / stopping$/));
await check('the node stops with code 0 and says nothing', () => node.end());
