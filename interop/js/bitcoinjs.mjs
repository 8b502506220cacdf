// bitcoinjs-lib funds, signs and spends every usual kind of output, and what
// it spoils is refused by the pool and in blocks, in Bitcoin Core's words.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as bitcoin from 'bitcoinjs-lib';
import { ECPairFactory } from 'ecpair';
import * as secp256k1 from '@bitcoinerlab/secp256k1';
import { Node } from './node.mjs';
import { Checks } from './checks.mjs';

bitcoin.initEccLib(secp256k1);
const { payments, opcodes, script, Psbt, Transaction, Block } = bitcoin;
const network = bitcoin.networks.regtest;
const ECPair = ECPairFactory(secp256k1);

// Keys are functions of their names, so that every run is the same.
const sha256 = (data) => createHash('sha256').update(data).digest();
const key = (name) => ECPair.fromPrivateKey(sha256(`keelson interop ${name}`), { network });
const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(key);
const xonly = (pair) => pair.publicKey.subarray(1);

const FALSE_TOP = 'mandatory-script-verify-flag-failed (Script evaluated without error but finished with a false/empty top stack element)';
const NULLFAIL = 'mandatory-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)';
const SCHNORR = 'mandatory-script-verify-flag-failed (Invalid Schnorr signature)';
const EQUALVERIFY = 'mandatory-script-verify-flag-failed (Script failed an OP_EQUALVERIFY operation)';
const LOCKTIME = 'mandatory-script-verify-flag-failed (Locktime requirement not satisfied)';
const MISMATCH = 'mandatory-script-verify-flag-failed (Witness program hash mismatch)';

const checks = new Checks('bitcoinjs-lib');
const check = checks.check.bind(checks);
const node = await Node.start();

// The scripts that coins are locked to.

const p2wpkh = payments.p2wpkh({ pubkey: alice.publicKey, network });
const p2trKey = payments.p2tr({ internalPubkey: xonly(alice), network });

const leaf = (pair) => ({ output: script.compile([xonly(pair), opcodes.OP_CHECKSIG]) });
const tree = [leaf(bob), leaf(carol)];
const p2trScript = payments.p2tr({
  internalPubkey: xonly(alice), scriptTree: tree, redeem: { ...leaf(bob), redeemVersion: 0xc0 }, network,
});

const multisig = payments.p2wsh({
  redeem: payments.p2ms({ m: 2, pubkeys: [alice, bob, carol].map((pair) => pair.publicKey), network }), network,
});

// An HTLC is Bob's with the preimage, and Alice's again once the lock is over:
// a height (OP_CHECKLOCKTIMEVERIFY) or an age (OP_CHECKSEQUENCEVERIFY).
const preimage = sha256('keelson interop preimage');
const refundHeight = 150;
const refundAge = 120;
const htlc = (lock, opcode) => payments.p2wsh({
  redeem: {
    output: script.compile([
      opcodes.OP_IF,
      opcodes.OP_SHA256, sha256(preimage), opcodes.OP_EQUALVERIFY, bob.publicKey,
      opcodes.OP_ELSE,
      script.number.encode(lock), opcode, opcodes.OP_DROP, alice.publicKey,
      opcodes.OP_ENDIF,
      opcodes.OP_CHECKSIG,
    ]),
    network,
  },
  network,
});
const htlcHeight = htlc(refundHeight, opcodes.OP_CHECKLOCKTIMEVERIFY);
const htlcAge = htlc(refundAge, opcodes.OP_CHECKSEQUENCEVERIFY);

// Coins come from blocks that pay the scripts, one each.

const tip = () => node.call('getblockcount');
const mine = (count, address = p2wpkh.address) => node.call('generatetoaddress', count, address);

/** fund mines a block that pays a script, and returns its coin. */
async function fund(payment) {
  const [hash] = await mine(1, payment.address);
  const block = Block.fromHex(await node.call('getblock', hash, 0));
  const coinbase = block.transactions[0];
  assert.deepEqual(Buffer.from(coinbase.outs[0].script), Buffer.from(payment.output));
  return { txid: coinbase.getId(), vout: 0, value: coinbase.outs[0].value, script: payment.output };
}

// Spends.

const fee = 10_000n;

/** spend makes an unsigned transaction that sends a coin to Carol. */
function spend(coin, { sequence = 0xfffffffd, lockTime = 0 } = {}) {
  const tx = new Transaction();
  tx.version = 2;
  tx.locktime = lockTime;
  tx.addInput(Buffer.from(coin.txid, 'hex').reverse(), coin.vout, sequence);
  tx.addOutput(payments.p2wpkh({ pubkey: carol.publicKey, network }).output, coin.value - fee);
  return tx;
}

/** psbt signs a spend through bitcoinjs-lib's PSBT. */
function psbt(coin, input, signers) {
  const p = new Psbt({ network }).addInput({
    hash: coin.txid, index: coin.vout, sequence: 0xfffffffd,
    witnessUtxo: { script: coin.script, value: coin.value }, ...input,
  });
  p.addOutput({ script: payments.p2wpkh({ pubkey: carol.publicKey, network }).output, value: coin.value - fee });
  for (const signer of signers) p.signInput(0, signer);
  return p.finalizeAllInputs().extractTransaction();
}

/** branch signs a spend of an HTLC by one of its branches. */
function branch(payment, coin, signer, choice, options) {
  const tx = spend(coin, options);
  const hash = tx.hashForWitnessV0(0, payment.redeem.output, coin.value, Transaction.SIGHASH_ALL);
  const signature = script.signature.encode(signer.sign(hash), Transaction.SIGHASH_ALL);
  tx.setWitness(0, [signature, ...choice, payment.redeem.output]);
  return tx;
}
const claim = (payment, coin, signer = bob, secret = preimage) => branch(payment, coin, signer, [secret, Buffer.of(1)]);
const refund = (payment, coin, options) => branch(payment, coin, alice, [Buffer.alloc(0)], options);

/** changed is a copy of a transaction with one element of the witness changed. */
function changed(tx, index, change) {
  const copy = tx.clone();
  copy.ins[0].witness = copy.ins[0].witness.map((element) => Buffer.from(element));
  const { witness } = copy.ins[0];
  witness[index] = change(witness[index]);
  return copy;
}

/** flipped changes the last bit of the amount, which spoils every signature. */
function flipped(tx) {
  const copy = tx.clone();
  copy.outs[0].value -= 1n;
  return copy;
}

// What the node says of a transaction.

/** refusedByPool checks both methods of the pool. detail is what Core says behind the reason. */
async function refusedByPool(tx, reason, { code = -26, detail = '' } = {}) {
  const [verdict] = await node.call('testmempoolaccept', [tx.toHex()]);
  assert.deepEqual(verdict, { txid: tx.getId(), wtxid: wtxid(tx), allowed: false, 'reject-reason': reason });
  await assert.rejects(node.call('sendrawtransaction', tx.toHex()), { code, message: reason + detail });
  assert.ok(!(await node.call('getrawmempool')).includes(tx.getId()));
}

/** refusedInBlock checks generateblock, and submitblock with a block made here. */
async function refusedInBlock(tx, reason, detail = '') {
  const height = await tip();
  await assert.rejects(node.call('generateblock', p2wpkh.address, [tx.toHex()]), {
    code: -25, message: `testBlockValidity failed: ${reason}${detail}`,
  });
  const block = await makeBlock([tx]);
  assert.equal(await node.call('submitblock', block.toHex()), reason);
  assert.equal(await node.call('submitblock', block.toHex()), 'duplicate-invalid');
  assert.equal(await tip(), height);
}

/** accepted sends a transaction through the pool into a block. */
async function accepted(tx) {
  const txid = tx.getId();
  const [verdict] = await node.call('testmempoolaccept', [tx.toHex()]);
  assert.equal(verdict['reject-reason'], undefined);
  assert.equal(verdict.allowed, true);
  assert.equal(verdict.vsize, tx.virtualSize());
  assert.equal(verdict.fees.base, Number(fee) / 1e8);
  assert.equal(await node.call('sendrawtransaction', tx.toHex()), txid);
  assert.ok((await node.call('getrawmempool')).includes(txid));
  const [hash] = await mine(1);
  const block = Block.fromHex(await node.call('getblock', hash, 0));
  assert.ok(block.transactions.some((other) => other.toHex() === tx.toHex()), 'the block does not have it');
  assert.ok(block.checkTxRoots() && block.checkProofOfWork());
  assert.ok(!(await node.call('getrawmempool')).includes(txid));
  await assert.rejects(node.call('sendrawtransaction', tx.toHex()), {
    code: -27, message: 'Transaction outputs already in utxo set',
  });
}

const wtxid = (tx) => Buffer.from(tx.getHash(true)).reverse().toString('hex');

/** makeBlock builds a block on the tip, with proof of work. */
async function makeBlock(transactions) {
  const height = (await tip()) + 1;
  const parent = await node.call('getblockheader', await node.call('getbestblockhash'));
  const coinbase = new Transaction();
  coinbase.version = 2;
  coinbase.addInput(Buffer.alloc(32), 0xffffffff, 0xffffffff, script.compile([script.number.encode(height), opcodes.OP_0]));
  coinbase.setWitness(0, [Buffer.alloc(32)]);
  coinbase.addOutput(p2wpkh.output, 5_000_000_000n);
  const block = new Block();
  block.version = 0x20000000;
  block.prevHash = Buffer.from(parent.hash, 'hex').reverse();
  block.timestamp = Math.max(parent.mediantime + 1, Math.floor(Date.now() / 1000));
  block.bits = parseInt(parent.bits, 16);
  block.transactions = [coinbase, ...transactions];
  const commitment = Block.calculateMerkleRoot(block.transactions, true);
  coinbase.addOutput(script.compile([opcodes.OP_RETURN, Buffer.concat([Buffer.from('aa21a9ed', 'hex'), commitment])]), 0n);
  block.merkleRoot = Block.calculateMerkleRoot(block.transactions);
  for (block.nonce = 0; !block.checkProofOfWork();) block.nonce++;
  return block;
}

// The checks.

const coins = {};
const funded = {
  p2wpkh, p2trKey, p2trScript, multisig, claim: htlcHeight, height: htlcHeight, age: htlcAge,
};
for (const [name, payment] of Object.entries(funded)) {
  await check(`generatetoaddress pays ${payment.address} (${name})`, async () => { coins[name] = await fund(payment); });
}
await mine(98); // all but the last coin can be spent in the next block

await check('a coinbase is spent too early', async () => {
  const tx = claim(htlcAge, coins.age);
  const [reason, detail] = ['bad-txns-premature-spend-of-coinbase', ', tried to spend coinbase at depth 99'];
  await refusedByPool(tx, reason, { detail });
  await refusedInBlock(tx, reason, detail);
});
await mine(1);

// P2WPKH.

const pays = psbt(coins.p2wpkh, {}, [alice]);
await check('P2WPKH: a signature of other amounts', async () => {
  await refusedByPool(flipped(pays), NULLFAIL);
  await refusedInBlock(flipped(pays), FALSE_TOP);
});
await check('P2WPKH: the key of another', async () => {
  const tx = changed(pays, 1, () => bob.publicKey);
  await refusedByPool(tx, EQUALVERIFY);
  await refusedInBlock(tx, EQUALVERIFY);
});
await check('P2WPKH: a high S is refused by the pool alone', async () => {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const tx = changed(pays, 0, (encoded) => {
    const { signature, hashType } = script.signature.decode(encoded);
    const s = order - BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
    return script.signature.encode(
      Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]), hashType);
  });
  await refusedByPool(tx, 'non-mandatory-script-verify-flag (Non-canonical signature: S value is unnecessarily high)');
  const { hex } = await node.call('generateblock', p2wpkh.address, [tx.toHex()], false);
  assert.equal(Block.fromHex(hex).transactions[1].toHex(), tx.toHex());
});
await check('a coin that is not there', async () => {
  const tx = spend({ ...coins.p2wpkh, vout: 7 });
  const [verdict] = await node.call('testmempoolaccept', [tx.toHex()]);
  assert.equal(verdict['reject-reason'], 'missing-inputs');
  const missing = 'bad-txns-inputs-missingorspent';
  await assert.rejects(node.call('sendrawtransaction', tx.toHex()), { code: -25, message: missing });
  await refusedInBlock(tx, missing, ', CheckTxInputs: inputs missing/spent');
});
await check('more is spent than there is', async () => {
  const tx = spend(coins.p2wpkh);
  tx.outs[0].value = coins.p2wpkh.value + 1n;
  const detail = ', value in (50.00) < value out (50.00000001)';
  await refusedByPool(tx, 'bad-txns-in-belowout', { detail });
  await refusedInBlock(tx, 'bad-txns-in-belowout', detail);
});
await check('no fee, and too much of one', async () => {
  const sign = (amount) => {
    const p = new Psbt({ network }).addInput({
      hash: coins.p2wpkh.txid, index: 0, witnessUtxo: { script: p2wpkh.output, value: coins.p2wpkh.value },
    });
    p.addOutput({ script: p2wpkh.output, value: coins.p2wpkh.value - amount });
    p.setMaximumFeeRate(10_000_000);
    return p.signInput(0, alice).finalizeAllInputs().extractTransaction();
  };
  const free = sign(0n);
  await refusedByPool(free, 'min relay fee not met', { detail: `, 0 < ${free.virtualSize()}` });
  const dear = sign(100_000_000n);
  const [verdict] = await node.call('testmempoolaccept', [dear.toHex()]);
  assert.equal(verdict['reject-reason'], 'max-fee-exceeded');
  await assert.rejects(node.call('sendrawtransaction', dear.toHex()), {
    code: -25, message: 'Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)',
  });
});
await check('P2WPKH: spent', () => accepted(pays));

// P2TR.

const tapTweak = bitcoin.crypto.taggedHash('TapTweak', xonly(alice));
const byKey = psbt(coins.p2trKey, { tapInternalKey: xonly(alice) }, [alice.tweak(tapTweak)]);
await check('P2TR key path: a signature of other amounts', async () => {
  await refusedByPool(flipped(byKey), SCHNORR);
  await refusedInBlock(flipped(byKey), SCHNORR);
});
await check('P2TR key path: a signature of 63 bytes', async () => {
  const tx = changed(byKey, 0, (signature) => signature.subarray(1));
  const reason = 'mandatory-script-verify-flag-failed (Invalid Schnorr signature size)';
  await refusedByPool(tx, reason);
  await refusedInBlock(tx, reason);
});
await check('P2TR key path: spent', () => accepted(byKey));

const tapLeaf = {
  leafVersion: 0xc0, script: p2trScript.redeem.output, controlBlock: p2trScript.witness.at(-1),
};
const byScript = psbt(coins.p2trScript, { tapLeafScript: [tapLeaf] }, [bob]);
await check('P2TR script path: a signature of other amounts', async () => {
  await refusedByPool(flipped(byScript), SCHNORR);
  await refusedInBlock(flipped(byScript), SCHNORR);
});
await check('P2TR script path: a script of another tree', async () => {
  const tx = changed(byScript, 1, () => leaf(alice).output);
  await refusedByPool(tx, MISMATCH);
  await refusedInBlock(tx, MISMATCH);
});
await check('P2TR script path: a control block cut short', async () => {
  const tx = changed(byScript, 2, (control) => control.subarray(0, -1));
  const reason = 'mandatory-script-verify-flag-failed (Invalid Taproot control block size)';
  await refusedByPool(tx, reason);
  await refusedInBlock(tx, reason);
});
await check('P2TR script path: spent', () => accepted(byScript));

// P2WSH multisig.

const byTwo = psbt(coins.multisig, { witnessScript: multisig.redeem.output }, [alice, carol]);
await check('P2WSH multisig: signatures in the wrong order', async () => {
  const { witness } = byTwo.ins[0];
  const tx = changed(changed(byTwo, 1, () => witness[2]), 2, () => witness[1]);
  await refusedByPool(tx, NULLFAIL);
  await refusedInBlock(tx, FALSE_TOP);
});
await check('P2WSH multisig: one signature twice', async () => {
  const tx = changed(byTwo, 2, () => byTwo.ins[0].witness[1]);
  await refusedByPool(tx, NULLFAIL);
  await refusedInBlock(tx, FALSE_TOP);
});
await check('P2WSH multisig: a dummy that is not empty', async () => {
  const tx = changed(byTwo, 0, () => Buffer.of(1));
  const reason = 'mandatory-script-verify-flag-failed (Dummy CHECKMULTISIG argument must be zero)';
  await refusedByPool(tx, reason);
  await refusedInBlock(tx, reason);
});
await check('P2WSH multisig: spent', () => accepted(byTwo));

// The HTLC, with the preimage.

await check('HTLC: the wrong preimage', async () => {
  const tx = claim(htlcHeight, coins.claim, bob, sha256('a guess'));
  await refusedByPool(tx, EQUALVERIFY);
  await refusedInBlock(tx, EQUALVERIFY);
});
await check('HTLC: the preimage with the signature of another', async () => {
  const tx = claim(htlcHeight, coins.claim, carol);
  await refusedByPool(tx, NULLFAIL);
  await refusedInBlock(tx, FALSE_TOP);
});
await check('HTLC: a true that is not 1 is refused by the pool alone', async () => {
  const tx = branch(htlcHeight, coins.claim, bob, [preimage, Buffer.of(2)]);
  await refusedByPool(tx, 'non-mandatory-script-verify-flag (OP_IF/NOTIF argument must be minimal)');
  const { hex } = await node.call('generateblock', p2wpkh.address, [tx.toHex()], false);
  assert.equal(Block.fromHex(hex).transactions[1].toHex(), tx.toHex());
});
await check('HTLC: claimed with the preimage', () => accepted(claim(htlcHeight, coins.claim)));

// The HTLC whose lock is an age: it lies in block 7, and block 7+120 is the
// first that may refund it.

const mineTo = async (height) => mine(height - await tip());
const aged = { sequence: refundAge };
const tooYoung = async () => {
  const tx = refund(htlcAge, coins.age, aged);
  await refusedByPool(tx, 'non-BIP68-final');
  await refusedInBlock(tx, 'bad-txns-nonfinal');
};
await check('HTLC with an age: refunded much too early', tooYoung);
await mineTo(7 + refundAge - 2);
await check('HTLC with an age: refunded one block too early', tooYoung);
await check('HTLC with an age: a sequence number that says less than the script', async () => {
  const tx = refund(htlcAge, coins.age, { sequence: refundAge - 1 });
  await refusedByPool(tx, LOCKTIME);
  await refusedInBlock(tx, LOCKTIME);
});
await mine(1);
await check('HTLC with an age: refunded by another', async () => {
  const tx = branch(htlcAge, coins.age, bob, [Buffer.alloc(0)], aged);
  await refusedByPool(tx, NULLFAIL);
  await refusedInBlock(tx, FALSE_TOP);
});
await check('HTLC with an age: refunded', () => accepted(refund(htlcAge, coins.age, aged)));

// The HTLC whose lock is a height: block 151 is the first that may refund it.

const late = { lockTime: refundHeight };
const tooEarly = async () => {
  const tx = refund(htlcHeight, coins.height, late);
  await refusedByPool(tx, 'non-final');
  await refusedInBlock(tx, 'bad-txns-nonfinal', ', non-final transaction');
};
await check('HTLC with a height: refunded much too early', tooEarly);
await mineTo(refundHeight - 1);
await check('HTLC with a height: refunded one block too early', tooEarly);
await check('HTLC with a height: a lock time that says less than the script', async () => {
  const tx = refund(htlcHeight, coins.height, { lockTime: refundHeight - 1 });
  await refusedByPool(tx, LOCKTIME);
  await refusedInBlock(tx, LOCKTIME);
});
await check('HTLC with a height: a lock time that is switched off', async () => {
  const tx = refund(htlcHeight, coins.height, { ...late, sequence: 0xffffffff });
  await refusedByPool(tx, LOCKTIME);
  await refusedInBlock(tx, LOCKTIME);
});
await mine(1);
const refunded = refund(htlcHeight, coins.height, late);
await check('HTLC with a height: refunded', () => accepted(refunded));

// The pool by itself: chains, replacement and reorganisation.

/** pay signs a P2WPKH spend of Carol's that pays a fee, to herself or to another script. */
function pay(coin, amount, to) {
  const tx = spend(coin);
  tx.outs[0].value = coin.value - amount;
  if (to) tx.outs[0].script = to;
  const hash = tx.hashForWitnessV0(0, payments.p2pkh({ pubkey: carol.publicKey }).output, coin.value, Transaction.SIGHASH_ALL);
  tx.setWitness(0, [script.signature.encode(carol.sign(hash), Transaction.SIGHASH_ALL), carol.publicKey]);
  return tx;
}
const coinOf = (tx) => ({ txid: tx.getId(), vout: 0, value: tx.outs[0].value });
const parent = pay(coinOf(refunded), 1_000n);
const child = pay(coinOf(parent), 2_000n);

await check('a child of a transaction of the pool', async () => {
  for (const tx of [parent, child]) await node.call('sendrawtransaction', tx.toHex());
  const entry = await node.call('getmempoolentry', child.getId());
  assert.deepEqual(entry.depends, [parent.getId()]);
  assert.equal(entry.ancestorcount, 2);
  assert.equal(entry.fees.ancestor, 0.00003);
  assert.deepEqual(await node.call('getmempoolancestors', child.getId()), [parent.getId()]);
  assert.deepEqual(await node.call('getmempooldescendants', parent.getId()), [child.getId()]);
});
await check('a replacement pays for what it replaces', async () => {
  const cheap = pay(coinOf(refunded), 2_500n);
  const [verdict] = await node.call('testmempoolaccept', [cheap.toHex()]);
  assert.equal(verdict['reject-reason'], 'insufficient fee');
  await assert.rejects(node.call('sendrawtransaction', cheap.toHex()), (error) => {
    assert.equal(error.code, -26);
    return error.message.startsWith(`insufficient fee, rejecting replacement ${cheap.getId()}, less fees than conflicting txs; `);
  });
  const dear = pay(coinOf(refunded), 9_000n);
  await node.call('sendrawtransaction', dear.toHex());
  assert.deepEqual(await node.call('getrawmempool'), [dear.getId()]);
});
await check('a block that is invalidated gives its transactions back', async () => {
  const [txid] = await node.call('getrawmempool');
  const [hash] = await mine(1);
  assert.deepEqual(await node.call('getrawmempool'), []);
  await node.call('invalidateblock', hash);
  assert.deepEqual(await node.call('getrawmempool'), [txid]);
  await node.call('reconsiderblock', hash);
  assert.equal(await node.call('getbestblockhash'), hash);
  assert.deepEqual(await node.call('getrawmempool'), []);
});

/** verdicts asks for all transactions at once. */
const verdicts = (...txs) => node.call('testmempoolaccept', txs.map((tx) => tx.toHex()));
const named = (tx, rest) => ({ txid: tx.getId(), wtxid: wtxid(tx), ...rest });
const refusedAs = (tx, reason) => named(tx, { allowed: false, 'reject-reason': reason });

const last = Block.fromHex(await node.call('getblock', await node.call('getbestblockhash'), 0)).transactions.at(-1);
const first = pay(coinOf(last), 1_000n, multisig.output);
const shared = { txid: first.getId(), vout: 0, value: first.outs[0].value, script: multisig.output };
const second = psbt(shared, { witnessScript: multisig.redeem.output }, [alice, bob]);

await check('a parent and its child are tried together', async () => {
  const both = await verdicts(first, second);
  assert.deepEqual(both.map(({ txid, allowed, vsize }) => [txid, allowed, vsize]),
    [first, second].map((tx) => [tx.getId(), true, tx.virtualSize()]));
  assert.deepEqual(await verdicts(second), [refusedAs(second, 'missing-inputs')]);
  assert.deepEqual(await verdicts(second, first), [second, first].map((tx) => named(tx, { 'package-error': 'package-not-sorted' })));
  const conflict = pay(coinOf(last), 3_000n);
  assert.deepEqual(await verdicts(first, conflict),
    [first, conflict].map((tx) => named(tx, { 'package-error': 'conflict-in-package' })));
  const bad = flipped(second);
  const answers = await verdicts(first, bad);
  assert.deepEqual(answers.at(-1), refusedAs(bad, NULLFAIL));
  assert.deepEqual(await node.call('getrawmempool'), []);
});
await check('a transaction of the pool again, and with another witness', async () => {
  for (const tx of [first, second]) await node.call('sendrawtransaction', tx.toHex());
  assert.equal(await node.call('sendrawtransaction', second.toHex()), second.getId());
  assert.deepEqual(await verdicts(second), [refusedAs(second, 'txn-already-in-mempool')]);
  const other = psbt(shared, { witnessScript: multisig.redeem.output }, [alice, carol]);
  assert.equal(other.getId(), second.getId());
  assert.notEqual(wtxid(other), wtxid(second));
  assert.deepEqual(await verdicts(other), [refusedAs(other, 'txn-same-nonwitness-data-in-mempool')]);
  assert.equal(await node.call('sendrawtransaction', other.toHex()), second.getId());
  assert.equal((await node.call('getmempoolentry', second.getId())).wtxid, wtxid(second));
});
await check('a child that spends what it replaces', async () => {
  const loop = spend({ txid: last.getId(), vout: 0, value: last.outs[0].value });
  loop.addInput(Buffer.from(first.getId(), 'hex').reverse(), 0, 0xfffffffd);
  loop.outs[0].value = last.outs[0].value;
  const hash = loop.hashForWitnessV0(0, payments.p2pkh({ pubkey: carol.publicKey }).output, last.outs[0].value, Transaction.SIGHASH_ALL);
  loop.setWitness(0, [script.signature.encode(carol.sign(hash), Transaction.SIGHASH_ALL), carol.publicKey]);
  loop.setWitness(1, second.ins[0].witness);
  await refusedByPool(loop, 'bad-txns-spends-conflicting-tx',
    { detail: `, ${loop.getId()} spends conflicting transaction ${first.getId()}` });
});
await check('a transaction of the chain', async () => {
  await mine(1);
  assert.deepEqual(await verdicts(second), [refusedAs(second, 'txn-already-known')]);
});
await check('coins that are burnt need leave', async () => {
  const coin = { txid: second.getId(), vout: 0, value: second.outs[0].value };
  const burn = pay(coin, 2_000n, script.compile([opcodes.OP_RETURN, Buffer.from('ash')]));
  await assert.rejects(node.call('sendrawtransaction', burn.toHex()), {
    code: -25, message: 'Unspendable output exceeds maximum configured by user (maxburnamount)',
  });
  assert.equal(await node.call('sendrawtransaction', burn.toHex(), 0.1, 50), burn.getId());
});
await check('decoding says what bitcoinjs-lib says', async () => {
  for (const tx of [pays, byKey, byScript, byTwo, refunded, first, second]) {
    const decoded = await node.call('decoderawtransaction', tx.toHex());
    assert.equal(decoded.txid, tx.getId());
    assert.equal(decoded.hash, wtxid(tx));
    assert.equal(decoded.size, tx.byteLength());
    assert.equal(decoded.weight, tx.weight());
    assert.equal(decoded.vsize, tx.virtualSize());
    assert.equal(decoded.locktime, tx.locktime);
    assert.deepEqual(decoded.vin.map((input) => input.txinwitness ?? []),
      tx.ins.map(({ witness }) => witness.map((element) => Buffer.from(element).toString('hex'))));
    assert.deepEqual(decoded.vout.map(({ scriptPubKey }) => scriptPubKey.address),
      tx.outs.map((out) => bitcoin.address.fromOutputScript(out.script, network)));
    assert.deepEqual(decoded.vout.map(({ scriptPubKey }) => scriptPubKey.asm),
      tx.outs.map((out) => script.toASM(out.script).replace(/^OP_(\d+) /, '$1 ')));
  }
});

const state = () => Promise.all(['getbestblockhash', 'getblockchaininfo', 'getrawmempool', 'gettxoutsetinfo'].map((m) => node.call(m)));
await check('a restart has the same chain, coins and pool', async () => {
  const [before, pool] = [await state(), await node.call('getrawmempool')];
  assert.equal(pool.length, 1);
  await node.call('stop');
  await node.end();
  await node.run();
  while (!(await node.call('getmempoolinfo')).loaded) await new Promise(setImmediate);
  const after = await state();
  for (const [, info, , coinSet] of [before, after]) {
    delete info.size_on_disk;
    delete coinSet.disk_size;
  }
  assert.deepEqual(after, before);
});

await node.call('stop');
await check('the node stops with code 0 and says nothing', () => node.end());
