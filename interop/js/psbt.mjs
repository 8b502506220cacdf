// bitcoinjs-lib and the node hand a partially signed transaction to each other:
// one makes it, the other one finds the coins, two people sign it, and each puts
// together, judges and finalizes what the other one has.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as bitcoin from 'bitcoinjs-lib';
import { ECPairFactory } from 'ecpair';
import * as secp256k1 from '@bitcoinerlab/secp256k1';
import { Node } from './node.mjs';
import { Checks } from './checks.mjs';

bitcoin.initEccLib(secp256k1);
const { payments, Psbt, Block } = bitcoin;
const network = bitcoin.networks.regtest;
const ECPair = ECPairFactory(secp256k1);

// Keys are functions of their names, so that every run is the same.
const sha256 = (data) => createHash('sha256').update(data).digest();
const key = (name) => ECPair.fromPrivateKey(sha256(`keelson interop psbt ${name}`), { network });
const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(key);
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const xonly = (pair) => pair.publicKey.subarray(1);

const checks = new Checks('psbt');
const check = checks.check.bind(checks);
const node = await Node.start('--txindex'); // of whose transactions it knows the coins of old scripts

// Coins of four kinds, with the descriptors by which the node knows how to spend them.

const keys = [alice, bob, carol].map((pair) => hex(pair.publicKey));
const multisig = payments.p2ms({ m: 2, pubkeys: [alice, bob, carol].map((pair) => pair.publicKey), network });
const kinds = [
  { name: 'P2WPKH', payment: payments.p2wpkh({ pubkey: alice.publicKey, network }), descriptor: `wpkh(${keys[0]})` },
  { name: 'P2WSH multisig', payment: payments.p2wsh({ redeem: multisig, network }), descriptor: `wsh(multi(2,${keys}))` },
  { name: 'P2TR', payment: payments.p2tr({ internalPubkey: xonly(alice), network }), descriptor: `tr(${hex(xonly(alice))})` },
  { name: 'P2PKH', payment: payments.p2pkh({ pubkey: bob.publicKey, network }), descriptor: `pkh(${keys[1]})` },
];
const to = payments.p2wpkh({ pubkey: carol.publicKey, network });
const mine = (count, address) => node.call('generatetoaddress', count, address);
const fee = 20_000n;

for (const kind of kinds) {
  const [hash] = await mine(1, kind.payment.address);
  const coinbase = Block.fromHex(await node.call('getblock', hash, 0)).transactions[0];
  kind.coin = { txid: coinbase.getId(), vout: 0, value: coinbase.outs[0].value };
}
await mine(100, to.address);
const total = kinds.reduce((sum, { coin }) => sum + coin.value, 0n);

// read is a packet that a client or the node has written, as bitcoinjs-lib has it.
const read = (text) => Psbt.fromBase64(text, { network });
const validate = (pubkey, hash, signature) => (pubkey.length === 32
  ? secp256k1.verifySchnorr(hash, pubkey, signature)
  : ECPair.fromPublicKey(pubkey).verify(hash, signature));
// known is what a packet says of its inputs, without an order.
const known = (packet) => packet.data.inputs.map((input) => Object.fromEntries(Object.entries(input).map(([name, value]) => [
  name, Array.isArray(value) ? value.map((part) => JSON.stringify(part, (_, v) => (v instanceof Uint8Array ? hex(v) : v))).sort()
    : JSON.stringify(value, (_, v) => (v instanceof Uint8Array ? hex(v) : typeof v === 'bigint' ? String(v) : v)),
])));

let bare; // only the transaction
await check('createpsbt makes what bitcoinjs-lib makes', async () => {
  const p = new Psbt({ network });
  for (const { coin } of kinds) p.addInput({ hash: coin.txid, index: coin.vout, sequence: 0xfffffffd });
  p.addOutput({ script: to.output, value: total - fee });
  bare = p.toBase64();
  const amount = `${(total - fee) / 100_000_000n}.${String((total - fee) % 100_000_000n).padStart(8, '0')}`;
  assert.equal(await node.call('createpsbt',
    kinds.map(({ coin: { txid, vout } }) => ({ txid, vout, sequence: 0xfffffffd })), [{ [to.address]: amount }]), bare);
});
await check('analyzepsbt wants the coins of one without', async () => {
  const { inputs, next } = await node.call('analyzepsbt', bare);
  assert.equal(next, 'updater');
  assert.deepEqual(inputs, kinds.map(() => ({ has_utxo: false, is_final: false, next: 'updater' })));
});

let updated;
await check('utxoupdatepsbt finds the coins and scripts, and bitcoinjs-lib reads them', async () => {
  updated = await node.call('utxoupdatepsbt', bare, kinds.map(({ descriptor }) => descriptor));
  const { inputs } = read(updated).data;
  kinds.forEach(({ name, payment, coin }, i) => {
    if (name === 'P2PKH') {
      assert.equal(bitcoin.Transaction.fromBuffer(inputs[i].nonWitnessUtxo).getId(), coin.txid);
      assert.equal(inputs[i].witnessUtxo, undefined);
      return;
    }
    assert.equal(hex(inputs[i].witnessUtxo.script), hex(payment.output));
    assert.equal(inputs[i].witnessUtxo.value, coin.value);
  });
  assert.equal(hex(inputs[1].witnessScript), hex(multisig.output));
  assert.deepEqual(inputs[1].bip32Derivation.map(({ pubkey }) => hex(pubkey)).sort(), [...keys].sort());
  assert.equal(hex(inputs[2].tapInternalKey), hex(xonly(alice)));
});

let byAlice;
let byBob;
await check('each signs what is theirs by bitcoinjs-lib', async () => {
  const a = read(updated);
  a.signInput(0, alice).signInput(1, alice);
  a.signInput(2, alice.tweak(bitcoin.crypto.taggedHash('TapTweak', xonly(alice))));
  const b = read(updated);
  b.signInput(1, bob).signInput(3, bob);
  [byAlice, byBob] = [a.toBase64(), b.toBase64()];
});
await check('analyzepsbt says whose signatures are missing', async () => {
  const { inputs, next, fee: paid } = await node.call('analyzepsbt', byAlice);
  assert.equal(next, 'signer');
  assert.equal(paid, Number(fee) / 1e8);
  assert.deepEqual(inputs.map((input) => input.next), ['finalizer', 'signer', 'finalizer', 'signer']);
  const hash160 = ({ publicKey }) => hex(bitcoin.crypto.hash160(publicKey));
  assert.deepEqual(inputs[1].missing.signatures, [bob, carol].map(hash160));
  assert.deepEqual(inputs[3].missing.signatures, [hash160(bob)]);
});
await check('finalizepsbt finalizes what is complete, and bitcoinjs-lib reads the rest', async () => {
  const { psbt, complete, hex: raw } = await node.call('finalizepsbt', byAlice);
  assert.equal(complete, false);
  assert.equal(raw, undefined);
  const { inputs } = read(psbt).data;
  assert.deepEqual(inputs.map((input) => input.finalScriptWitness !== undefined), [true, false, true, false]);
  assert.equal(hex(inputs[1].partialSig[0].pubkey), keys[0]);
});

let combined;
await check('combinepsbt puts together what bitcoinjs-lib does, in either order', async () => {
  combined = await node.call('combinepsbt', [byAlice, byBob]);
  assert.equal(await node.call('combinepsbt', [byBob, byAlice]), combined);
  assert.deepEqual(known(read(combined)), known(read(byAlice).combine(read(byBob))));
  assert.ok(read(combined).validateSignaturesOfAllInputs(validate));
  const { inputs, next } = await node.call('analyzepsbt', combined);
  assert.equal(next, 'finalizer');
  assert.ok(inputs.every((input) => input.has_utxo && !input.is_final && input.next === 'finalizer'));
});
await check('decodepsbt says what bitcoinjs-lib says', async () => {
  const decoded = await node.call('decodepsbt', combined);
  const p = read(combined);
  assert.equal(decoded.fee, Number(fee) / 1e8);
  assert.deepEqual(decoded.tx.vin.map(({ txid, vout, sequence }) => ({ txid, vout, sequence })),
    kinds.map(({ coin: { txid, vout } }) => ({ txid, vout, sequence: 0xfffffffd })));
  assert.equal(decoded.outputs.length, p.txOutputs.length);
  p.data.inputs.forEach(({ partialSig = [], tapKeySig }, i) => {
    assert.deepEqual(decoded.inputs[i].partial_signatures ?? {},
      Object.fromEntries(partialSig.map(({ pubkey, signature }) => [hex(pubkey), hex(signature)])));
    assert.equal(decoded.inputs[i].taproot_key_path_sig, tapKeySig && hex(tapKeySig));
  });
});
await check('what is spoilt is not finalized, and what does not belong together not combined', async () => {
  const spoilt = read(combined);
  spoilt.data.inputs[1].partialSig[0].signature[10] ^= 1;
  const { complete, psbt } = await node.call('finalizepsbt', spoilt.toBase64());
  assert.equal(complete, false);
  assert.equal(read(psbt).data.inputs[1].finalScriptWitness, undefined);
  const other = new Psbt({ network }).addInput({ hash: kinds[0].coin.txid, index: 0 })
    .addOutput({ script: to.output, value: kinds[0].coin.value }).toBase64();
  await assert.rejects(node.call('combinepsbt', [combined, other]), {
    code: -8, message: 'PSBTs not compatible (different transactions)',
  });
  await assert.rejects(node.call('decodepsbt', `${combined}!`), { code: -22, message: 'TX decode failed invalid base64' });
});

let tx;
await check('finalizepsbt makes the transaction that bitcoinjs-lib makes', async () => {
  tx = read(combined).finalizeAllInputs().extractTransaction();
  assert.deepEqual(await node.call('finalizepsbt', combined), { hex: tx.toHex(), complete: true });
  const { psbt, complete } = await node.call('finalizepsbt', combined, false);
  assert.equal(complete, true);
  assert.equal(read(psbt).extractTransaction().toHex(), tx.toHex());
  const { next } = await node.call('analyzepsbt', read(combined).finalizeAllInputs().toBase64());
  assert.equal(next, 'extractor');
});
await check('the transaction is mined', async () => {
  assert.equal(await node.call('sendrawtransaction', tx.toHex()), tx.getId());
  const [hash] = await mine(1, to.address);
  const block = Block.fromHex(await node.call('getblock', hash, 0));
  assert.ok(block.transactions.some((other) => other.toHex() === tx.toHex()), 'the block does not have it');
  assert.deepEqual(await node.call('getrawmempool'), []);
  for (const { coin } of kinds) assert.equal(await node.call('gettxout', coin.txid, coin.vout), null);
});

await node.call('stop');
await check('the node stops with code 0 and says nothing', () => node.end());
