"""python-bitcoinlib signs and spends, through its Proxy."""

import hashlib
import os

import bitcoin
import bitcoin.rpc
from bitcoin.core import (COIN, CMutableTransaction, CMutableTxIn, CMutableTxOut, COutPoint, CTxInWitness, CTxWitness,
                          Hash160, b2lx)
from bitcoin.core.script import (OP_0, OP_CHECKSIG, OP_DUP, OP_EQUALVERIFY, OP_HASH160, SIGHASH_ALL,
                                 SIGVERSION_WITNESS_V0, CScript, CScriptWitness, SignatureHash)
from bitcoin.core.scripteval import SCRIPT_VERIFY_P2SH, VerifyScript
from bitcoin.wallet import CBitcoinAddress, CBitcoinSecret

from keelson import Checks, Node, equal

bitcoin.SelectParams('regtest')
check = Checks('python-bitcoinlib')
node = Node('--txindex')

# The library finds the cookie beside a bitcoin.conf.
conf = os.path.join(node.datadir, 'bitcoin.conf')
with open(conf, 'w', encoding='ascii') as file:
    file.write('rpcport=%d\n' % node.port)
proxy = bitcoin.rpc.Proxy(btc_conf_file=conf)

secret = CBitcoinSecret.from_secret_bytes(hashlib.sha256(b'keelson interop bitcoinlib').digest())
hashed = Hash160(secret.pub)
p2pkh = CScript([OP_DUP, OP_HASH160, hashed, OP_EQUALVERIFY, OP_CHECKSIG])
p2wpkh = CScript([OP_0, hashed])
legacy, segwit = (CBitcoinAddress.from_scriptPubKey(script) for script in (p2pkh, p2wpkh))
FEE = 1000

blocks, coins, sent = [], {}, {}


def refused(kind, code, message, function, *args):
    """Expects the library's exception for an error of the node."""
    try:
        result = function(*args)
    except kind as error:
        if isinstance(error, bitcoin.rpc.JSONRPCError):
            equal((error.error['code'], error.error['message']), (code, message))
        elif not str(error).endswith('%s (%d)' % (message, code)):
            raise
        return
    raise AssertionError('%r, want error %d %s' % (result, code, message))


def spend(coin, value):
    """An unsigned transaction that moves a coin to the other address."""
    return CMutableTransaction([CMutableTxIn(coin)], [CMutableTxOut(value - FEE, p2wpkh)])


def sign_p2pkh(tx):
    digest = SignatureHash(p2pkh, tx, 0, SIGHASH_ALL)
    tx.vin[0].scriptSig = CScript([secret.sign(digest) + bytes([SIGHASH_ALL]), secret.pub])


def sign_p2wpkh(tx, value):
    digest = SignatureHash(p2pkh, tx, 0, SIGHASH_ALL, value, SIGVERSION_WITNESS_V0)
    stack = CScriptWitness([secret.sign(digest) + bytes([SIGHASH_ALL]), secret.pub])
    tx.wit = CTxWitness([CTxInWitness(stack)])


@check('generatetoaddress')
def _():
    for name, address in ('p2pkh', legacy), ('p2wpkh', segwit):
        block_hash, = proxy.generatetoaddress(1, address)
        blocks.append(block_hash)
        coinbase = proxy.getblock(block_hash).vtx[0]
        coins[name] = COutPoint(coinbase.GetTxid(), 0)
        equal(CBitcoinAddress.from_scriptPubKey(coinbase.vout[0].scriptPubKey), address)
    blocks.extend(proxy.generatetoaddress(100, segwit))
    equal(len(blocks), 102)


@check('generate')
def _():
    refused(bitcoin.rpc.JSONRPCError, -1,
            'generate\n\nhas been replaced by the -generate cli option. Refer to -help for more information.\n',
            proxy.generate, 1)


@check('getblockcount, getbestblockhash, getblockhash')
def _():
    equal(proxy.getblockcount(), 102)
    equal(proxy.getbestblockhash(), blocks[-1])
    equal([proxy.getblockhash(height) for height in range(1, 103)], blocks)
    equal(proxy.getblockhash(0), bitcoin.params.GENESIS_BLOCK.GetHash())
    refused(IndexError, -8, 'Block height out of range', proxy.getblockhash, 103)


@check('getblock')
def _():
    for block_hash, previous in zip(blocks, [bitcoin.params.GENESIS_BLOCK.GetHash()] + blocks):
        block = proxy.getblock(block_hash)
        equal((block.GetHash(), block.hashPrevBlock, block.calc_merkle_root()), (block_hash, previous, block.hashMerkleRoot))
        bitcoin.core.CheckBlock(block)
    refused(IndexError, -5, 'Block not found', proxy.getblock, bytes(32))


@check('getblockheader')
def _():
    equal(proxy.getblockheader(blocks[0]), proxy.getblock(blocks[0]).get_header())
    header = proxy.getblockheader(blocks[0], verbose=True)
    equal((header['height'], header['confirmations'], header['nextblockhash']), (1, 102, blocks[1]))


@check('gettxout')
def _():
    out = proxy.gettxout(coins['p2pkh'])
    equal((out['txout'].nValue, out['txout'].scriptPubKey, out['bestblock']), (50 * COIN, p2pkh, blocks[-1]))
    try:
        proxy.gettxout(COutPoint(coins['p2pkh'].hash, 7))
    except IndexError:
        return
    raise AssertionError('there is an output that is not there')


@check('P2PKH: a bad signature is refused')
def _():
    tx = spend(coins['p2pkh'], 50 * COIN)
    sign_p2pkh(tx)
    tx.vout[0].nValue -= 1
    refused(bitcoin.rpc.VerifyRejectedError, -26,
            'mandatory-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)',
            proxy.sendrawtransaction, tx)


@check('P2PKH: signed and sent')
def _():
    tx = spend(coins['p2pkh'], 50 * COIN)
    sign_p2pkh(tx)
    VerifyScript(tx.vin[0].scriptSig, p2pkh, tx, 0, (SCRIPT_VERIFY_P2SH,))
    sent['p2pkh'] = proxy.sendrawtransaction(tx)
    equal(sent['p2pkh'], tx.GetTxid())


@check('P2WPKH: a bad signature is refused')
def _():
    tx = spend(coins['p2wpkh'], 50 * COIN)
    sign_p2wpkh(tx, 50 * COIN - 1)
    refused(bitcoin.rpc.VerifyRejectedError, -26,
            'mandatory-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)',
            proxy.sendrawtransaction, tx)


@check('P2WPKH: signed and sent, and a child of it')
def _():
    tx = spend(coins['p2wpkh'], 50 * COIN)
    sign_p2wpkh(tx, 50 * COIN)
    sent['p2wpkh'] = proxy.sendrawtransaction(tx)
    child = spend(COutPoint(sent['p2wpkh'], 0), tx.vout[0].nValue)
    sign_p2wpkh(child, tx.vout[0].nValue)
    sent['child'] = proxy.sendrawtransaction(child)


@check('a coin that is not there')
def _():
    tx = spend(COutPoint(coins['p2pkh'].hash, 7), 50 * COIN)
    refused(bitcoin.rpc.VerifyError, -25, 'bad-txns-inputs-missingorspent', proxy.sendrawtransaction, tx)


@check('getrawmempool')
def _():
    equal(sorted(proxy.getrawmempool()), sorted(sent.values()))
    equal(proxy.getrawmempool(verbose=True)[b2lx(sent['child'])]['depends'], [b2lx(sent['p2wpkh'])])


@check('getmininginfo')
def _():
    info = proxy.getmininginfo()
    equal((info['blocks'], info['pooledtx'], info['chain']), (102, 3, 'regtest'))


@check('getrawtransaction')
def _():
    tx = proxy.getrawtransaction(sent['p2wpkh'])
    equal((tx.GetTxid(), len(tx.wit.vtxinwit[0].scriptWitness.stack)), (sent['p2wpkh'], 2))
    refused(IndexError, -5, 'No such mempool or blockchain transaction. Use gettransaction for wallet transactions.',
            proxy.getrawtransaction, bytes(32))
    blocks.extend(proxy.generatetoaddress(1, segwit))
    verbose = proxy.getrawtransaction(sent['p2wpkh'], verbose=True)
    equal((verbose['tx'], verbose['blockhash'], verbose['confirmations']), (tx, blocks[-1], 1))
    equal(proxy.getrawtransaction(sent['p2wpkh'], block_hash=blocks[-1]), tx)
    equal(proxy.getrawmempool(), [])
    equal(sorted(tx.GetTxid() for tx in proxy.getblock(blocks[-1]).vtx[1:]), sorted(sent.values()))
    refused(bitcoin.rpc.VerifyAlreadyInChainError, -27, 'Transaction outputs already in utxo set',
            proxy.sendrawtransaction, proxy.getrawtransaction(sent['child']))


@check('submitblock')
def _():
    block = proxy.getblock(blocks[-1])
    equal(proxy.submitblock(block), 'duplicate')
    proxy.call('invalidateblock', b2lx(blocks[-1]))
    equal(proxy.submitblock(block), 'duplicate-invalid')
    equal(sorted(proxy.getrawmempool()), sorted(sent.values()))
    proxy.call('reconsiderblock', b2lx(blocks[-1]))
    equal((proxy.getbestblockhash(), proxy.getrawmempool()), (blocks[-1], []))


@check('validateaddress')
def _():
    for address in legacy, segwit:
        answer = proxy.validateaddress(address)
        equal((answer['isvalid'], answer['address']), (True, address))


@check('getinfo, which bitcoind no longer has')
def _():
    refused(bitcoin.rpc.JSONRPCError, -32601, 'Method not found', proxy.getinfo)


@check('a batch')
def _():
    answers = proxy._batch([{'version': '1.1', 'method': 'getblockhash', 'params': [height], 'id': height}
                            for height in (1, 2, 1000)])
    equal([(a['id'], a['result'], a['error'] and a['error']['code']) for a in answers],
          [(1, b2lx(blocks[0]), None), (2, b2lx(blocks[1]), None), (1000, None, -8)])


@check('a raw proxy, with a wrong password')
def _():
    raw = bitcoin.rpc.RawProxy('http://__cookie__:guess@127.0.0.1:%d' % node.port)
    refused(bitcoin.rpc.JSONRPCError, -342, "non-JSON HTTP response with '401 Unauthorized' from server: ''",
            raw.getblockcount)


@check('stop, with code 0 and nothing on standard error')
def _():
    proxy.call('stop')
    node.end()


check.exit()
