"""A miner that knows nothing but the JSON of getblocktemplate.

It builds, solves and submits blocks with transactions of the pool, with
Python's standard library alone, and spoils one thing at a time.
"""

import hashlib
import struct
import threading
import time

from keelson import Checks, Node, RPCError, equal, refused


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def compact_size(n):
    if n < 0xfd:
        return bytes([n])
    return b'\xfd' + struct.pack('<H', n) if n <= 0xffff else b'\xfe' + struct.pack('<I', n)


def with_size(data):
    return compact_size(len(data)) + data


def script_number(n):
    """The push that BIP 34 wants of a height."""
    if n == 0:
        return b'\x00'
    if n <= 16:
        return bytes([0x50 + n])
    return with_size(n.to_bytes(n.bit_length() // 8 + 1, 'little'))


def merkle_root(ids):
    while len(ids) > 1:
        if len(ids) % 2:
            ids = ids + ids[-1:]
        ids = [sha256d(ids[i] + ids[i + 1]) for i in range(0, len(ids), 2)]
    return ids[0]


class Block:
    """A block by a template that pays a script. What it is made of may be changed before it is solved."""

    def __init__(self, template, script, extra_nonce=0):
        self.template = template
        self.version, self.time = template['version'], template['curtime']
        self.bits = bytes.fromhex(template['bits'])
        self.previous = bytes.fromhex(template['previousblockhash'])[::-1]
        self.height, self.value, self.script = template['height'], template['coinbasevalue'], script
        self.extra_nonce = extra_nonce
        self.commitment = bytes.fromhex(template['default_witness_commitment'])
        self.transactions = list(template['transactions'])
        self.nonce = 0

    def coinbase(self, witness):
        """The first transaction, with its witness or, for its id, without."""
        signature = script_number(self.height) + with_size(struct.pack('<Q', self.extra_nonce))
        signature += b''.join(with_size(bytes.fromhex(aux)) for aux in self.template['coinbaseaux'].values() if aux)
        outputs = [struct.pack('<q', self.value) + with_size(self.script)]
        if self.commitment:
            outputs.append(struct.pack('<q', 0) + with_size(self.commitment))
        witness = witness and self.commitment
        return (struct.pack('<i', 2) + (b'\x00\x01' if witness else b'')
                + b'\x01' + bytes(32) + b'\xff\xff\xff\xff' + with_size(signature) + b'\xff\xff\xff\xff'
                + compact_size(len(outputs)) + b''.join(outputs)
                + (b'\x01' + with_size(bytes(32)) if witness else b'') + struct.pack('<I', 0))

    def root(self):
        return merkle_root([sha256d(self.coinbase(witness=False))]
                           + [bytes.fromhex(tx['txid'])[::-1] for tx in self.transactions])

    def header(self):
        return (struct.pack('<i', self.version) + self.previous + self.root()
                + struct.pack('<I', self.time) + self.bits[::-1] + struct.pack('<I', self.nonce))

    def solve(self, enough=True):
        """Finds a nonce whose hash is at most the template's target, or one whose hash is not."""
        target, front = int(self.template['target'], 16), self.header()[:76]
        first, last = (int(self.template['noncerange'][i:i + 8], 16) for i in (0, 8))
        for self.nonce in range(first, last + 1):
            if (int.from_bytes(sha256d(front + struct.pack('<I', self.nonce)), 'little') <= target) == enough:
                return self
        raise AssertionError('no nonce will do')

    def hash(self):
        return sha256d(self.header())[::-1].hex()

    def hex(self):
        return (self.header() + compact_size(1 + len(self.transactions)) + self.coinbase(witness=True)).hex() \
            + ''.join(tx['data'] for tx in self.transactions)


check = Checks('template-miner')
node = Node()
call = node.call

# The node itself signs for the miner, who only mines. The key is the number 1.
WIF = 'cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA'
info = call('getdescriptorinfo', 'wpkh(%s)' % WIF)
address, = call('deriveaddresses', info['descriptor'])
script = bytes.fromhex(call('validateaddress', address)['scriptPubKey'])
mined = []  # the coinbase of each block
clock = [int(time.time())]
call('setmocktime', clock[0])  # it stands still until it is told to go on


def template(**request):
    return call('getblocktemplate', {'rules': ['segwit'], **request})


def later(seconds=6):
    """Lets the node's clock go on: a template is kept for five seconds, whatever the pool gets."""
    clock[0] += seconds
    call('setmocktime', clock[0])


def mine():
    """Mines one block and returns it."""
    block = Block(template(), script).solve()
    equal(call('submitblock', block.hex()), None)
    equal(call('getbestblockhash'), block.hash())
    mined.append(sha256d(block.coinbase(witness=False))[::-1].hex())
    return block


def send(inputs, value, fee):
    """Sends what inputs are worth less a fee back to the address."""
    raw = call('createrawtransaction', inputs, [{address: '%.8f' % ((value - fee) / 1e8)}])
    signed = call('signrawtransactionwithkey', raw, [WIF])
    equal(signed['complete'], True)
    return call('sendrawtransaction', signed['hex'])


def spoilt(reason, change, **solve):
    """Submits a block by a template with one thing changed."""
    block = Block(template(), script)
    change(block)
    block.solve(**solve)
    equal(call('submitblock', block.hex()), reason)
    equal(call('getblockcount'), block.template['height'] - 1)


@check('getblocktemplate wants the segwit rule')
def _():
    refused(-8, 'getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})',
            call, 'getblocktemplate', {'rules': []})


@check('a hundred and three blocks')
def _():
    for height in range(1, 104):
        equal(mine().template['height'], height)


@check('the template is what the chain says')
def _():
    t, tip = template(), call('getblockheader', call('getbestblockhash'))
    equal((t['height'], t['previousblockhash'], t['bits'], t['transactions']), (104, tip['hash'], tip['bits'], []))
    equal((t['coinbasevalue'], t['mintime']), (50 * 10 ** 8, tip['mediantime'] + 1))
    equal((t['sigoplimit'], t['sizelimit'], t['weightlimit']), (80000, 4000000, 4000000))
    equal(t['mutable'], ['time', 'transactions', 'prevblock'])
    equal(t['capabilities'], ['proposal'])
    equal('!segwit' in t['rules'] and 'csv' in t['rules'] and 'taproot' in t['rules'], True)


sent = []


@check('transactions of the pool: parents first, with their fees')
def _():
    parent = send([{'txid': mined[0], 'vout': 0}], 50 * 10 ** 8, 1000)
    child = send([{'txid': parent, 'vout': 0}], 50 * 10 ** 8 - 1000, 50_000)
    other = send([{'txid': mined[1], 'vout': 0}], 50 * 10 ** 8, 5000)
    sent.extend([parent, child, other])
    equal(template()['transactions'], [])  # as it was
    later()
    t = template()
    equal([tx['txid'] for tx in t['transactions']], sent)  # the child pays for its parent
    equal([tx['depends'] for tx in t['transactions']], [[], [1], []])
    equal([tx['fee'] for tx in t['transactions']], [1000, 50_000, 5000])
    equal(t['coinbasevalue'], 50 * 10 ** 8 + 56_000)
    for tx in t['transactions']:
        decoded = call('decoderawtransaction', tx['data'])
        equal((decoded['txid'], decoded['hash'], decoded['weight']), (tx['txid'], tx['hash'], tx['weight']))
        equal(tx['sigops'], 1)


@check('its witness commitment is that of its transactions')
def _():
    t = template()
    root = merkle_root([bytes(32)] + [bytes.fromhex(tx['hash'])[::-1] for tx in t['transactions']])
    equal(t['default_witness_commitment'], '6a24aa21a9ed' + sha256d(root + bytes(32)).hex())


@check('prioritisetransaction moves a transaction to the front, not its fee')
def _():
    call('prioritisetransaction', sent[2], 0, 10 ** 6)
    later()
    t = template()
    equal([tx['txid'] for tx in t['transactions']], [sent[2], sent[0], sent[1]])
    equal(t['transactions'][0]['fee'], 5000)
    call('prioritisetransaction', sent[2], 0, -10 ** 6)
    later()
    equal([tx['txid'] for tx in template()['transactions']], sent)


@check('a proposal needs no proof of work')
def _():
    block = Block(template(), script).solve(enough=False)
    equal(template(mode='proposal', data=block.hex()), None)
    block.value += 1
    equal(template(mode='proposal', data=block.hex()), 'bad-cb-amount')
    block.value, block.previous = block.value - 1, bytes(32)
    equal(template(mode='proposal', data=block.hex()), 'inconclusive-not-best-prevblk')


@check('a hash above the target')
def _():
    spoilt('high-hash', lambda block: None, enough=False)


@check('other bits than the template\'s')
def _():
    spoilt('bad-diffbits', lambda block: setattr(block, 'bits', bytes.fromhex('207ffffe')))


@check('a time before mintime, and two hours from now')
def _():
    spoilt('time-too-old', lambda block: setattr(block, 'time', block.template['mintime'] - 1))
    spoilt('time-too-new', lambda block: setattr(block, 'time', block.time + 7300))


@check('an old version')
def _():
    spoilt('bad-version(0x00000003)', lambda block: setattr(block, 'version', 3))


@check('a coinbase that takes too much')
def _():
    spoilt('bad-cb-amount', lambda block: setattr(block, 'value', block.value + 1))


@check('a coinbase of another height')
def _():
    spoilt('bad-cb-height', lambda block: setattr(block, 'height', block.height + 1))


@check('no witness commitment, and one of other transactions')
def _():
    spoilt('unexpected-witness', lambda block: setattr(block, 'commitment', b''))
    spoilt('bad-witness-merkle-match', lambda block: setattr(block, 'transactions', []))


def recommit(block, transactions):
    """Changes the transactions, and commits to them."""
    block.transactions = transactions
    root = merkle_root([bytes(32)] + [bytes.fromhex(tx['hash'])[::-1] for tx in transactions])
    block.commitment = bytes.fromhex('6a24aa21a9ed') + sha256d(root + bytes(32))


@check('a child without its parent, and before it')
def _():
    missing = 'bad-txns-inputs-missingorspent'
    spoilt(missing, lambda block: recommit(block, block.transactions[1:]))
    spoilt(missing, lambda block: recommit(block, block.transactions[::-1]))


@check('a transaction twice')
def _():
    spoilt('bad-txns-inputs-missingorspent', lambda block: recommit(block, block.transactions + block.transactions[2:]))


@check('a merkle tree that could be two')
def _():
    # Two transactions and the coinbase, and the last one again: the same root.
    spoilt('bad-txns-duplicate', lambda block: recommit(block, block.transactions[:2] + block.transactions[1:2]))


@check('a block without the pool\'s transactions is valid, too')
def _():
    block = Block(template(), script)
    block.value = 50 * 10 ** 8
    recommit(block, [])
    equal(template(mode='proposal', data=block.hex()), None)


@check('the block with the pool\'s transactions')
def _():
    block = mine()
    equal([tx['txid'] for tx in block.transactions], sent)
    equal(call('getrawmempool'), [])
    equal(call('getblock', block.hash())['tx'][1:], sent)
    equal(template()['transactions'], [])
    equal(call('submitblock', block.hex()), 'duplicate')
    paid = call('gettxout', mined[-1], 0)
    equal(paid['value'], 50.00056)


@check('a second block on the same parent')
def _():
    stale = Block(template(), script, extra_nonce=1).solve()
    winner = mine()
    equal(call('submitblock', stale.hex()), 'inconclusive')
    equal(call('getbestblockhash'), winner.hash())
    status = {tip['hash']: tip['status'] for tip in call('getchaintips')}
    equal((status[winner.hash()], status[stale.hash()]), ('active', 'valid-headers'))
    # A block on the second one makes it the chain.
    t = template()
    t.update(previousblockhash=stale.hash(), height=stale.height + 1)
    last = Block(t, script).solve()
    equal(call('submitblock', last.hex()), None)
    equal(call('getbestblockhash'), last.hash())


@check('a block on no block that is known')
def _():
    def orphan(block):
        block.previous = bytes(31) + b'\x01'
    spoilt('prev-blk-not-found', orphan)


@check('long polling ends with the next block')
def _():
    before = template()
    answers = []
    poll = threading.Thread(target=lambda: answers.append(template(longpollid=before['longpollid'])), daemon=True)
    poll.start()
    while poll.is_alive() and 'getblocktemplate' not in [c['method'] for c in call('getrpcinfo')['active_commands']]:
        time.sleep(0.01)
    equal(answers, [])
    block = mine()
    poll.join(60)
    equal([t['previousblockhash'] for t in answers], [block.hash()])


@check('a chain of 25 fills a block, in order')
def _():
    txid, value = mined[2], 50 * 10 ** 8
    chain = []
    for _ in range(25):
        txid = send([{'txid': txid, 'vout': 0}], value, 2000)
        value -= 2000
        chain.append(txid)
    try:
        send([{'txid': txid, 'vout': 0}], value, 2000)
        raise AssertionError('a chain of 26')
    except RPCError as error:
        equal((error.code, error.message), (-26, 'too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]'))
    later()
    block = mine()
    equal([tx['txid'] for tx in block.transactions], chain)
    equal(call('getrawmempool'), [])


@check('stop, with code 0 and nothing on standard error')
def _():
    call('stop')
    node.end()


check.exit()
