"""What LDK asks of a bitcoind: lightning-block-sync's RPC and REST clients, its gossip verifier, and ldk-node's wallet.

Requests are written as lightning-block-sync/src/http.rs writes them, byte for byte, on one connection that stays open; what is read from answers, and
how, is that of http.rs, convert.rs and gossip.rs there, and of src/chain/bitcoind.rs in ldk-node.
"""

import base64
import concurrent.futures
import hashlib
import hmac
import itertools
import json
import socket
import struct

from keelson import Checks, Node, equal

check = Checks('ldk')


class HTTPError(Exception):
    """A status other than 2xx."""

    def __init__(self, status, contents):
        super().__init__('status %d: %r' % (status, contents))
        self.status, self.contents = status, contents


class RPCError(Exception):
    """An error in place of a result."""

    def __init__(self, code, message):
        super().__init__('RPC error %d: %s' % (code, message))
        self.code, self.message = code, message


class HTTPClient:
    """HttpClient of http.rs: at most 8 KiB of headers, a body of at most two blocks' size, its length given."""

    def __init__(self, port):
        self.port, self.connections = port, 0
        self.connect()

    def connect(self):
        self.stream = socket.create_connection(('127.0.0.1', self.port), timeout=60)
        self.reader = self.stream.makefile('rb')
        self.connections += 1

    def get(self, path):
        return self.send('GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: keep-alive\r\n\r\n' % (path, self.port))

    def post(self, path, auth, content):
        return self.send('POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: %s\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n'
                         'Content-Length: %d\r\n\r\n%s' % (path, self.port, auth, len(content), content))

    def send(self, request):
        """Sends again on a new connection if the old one has gone, once."""
        try:
            self.stream.sendall(request.encode())
            return self.receive()
        except (OSError, EOFError):
            self.connect()
            self.stream.sendall(request.encode())
            return self.receive()

    def line(self):
        line = self.reader.readline(8192)
        if not line:
            raise EOFError('the connection ended')
        return line.decode().removesuffix('\n').removesuffix('\r')

    def receive(self):
        version, code, reason = self.line().split(' ', 2)  # all three must be there
        equal((version, len(code), reason != ''), ('HTTP/1.1', 3, True))
        length = None
        while (line := self.line()) != '':
            name, value = line.split(':', 1)
            equal(name.lower() == 'transfer-encoding', False)
            if name.lower() == 'content-length':
                length = int(value)
        equal(length is not None and 0 < length <= 2 * 4000000 + 32000, True)
        contents = self.reader.read(length)
        equal(len(contents), length)
        if not code.startswith('2'):
            raise HTTPError(int(code), contents)
        return contents


class RPCClient:
    """RpcClient of rpc.rs: ids are texts that count up."""

    def __init__(self, port, user, password):
        self.auth = 'Basic ' + base64.b64encode(('%s:%s' % (user, password)).encode()).decode()
        self.client, self.ids = HTTPClient(port), itertools.count()

    def call(self, method, *params):
        sent = json.dumps({'id': str(next(self.ids)), 'method': method, 'params': params}, separators=(',', ':'))
        try:
            answer = json.loads(self.client.post('/', self.auth, sent))
        except HTTPError as error:
            answer = json.loads(error.contents)
        if answer.get('error') is not None:
            raise RPCError(answer['error']['code'], answer['error']['message'])
        return answer['result']

    def best_block(self):
        return best_block(self.call('getblockchaininfo'))

    def header(self, at):
        return header(self.call('getblockheader', at))

    def block(self, at):
        return bytes.fromhex(self.call('getblock', at, 0))

    def hash_by_height(self, height):
        return self.call('getblockhash', height)

    def unspent(self, txid, n):
        return self.call('gettxout', txid, n, False) is not None

    def minimum(self):
        return per_kwu(self.call('getmempoolinfo')['mempoolminfee'])

    def pool(self):
        return self.call('getrawmempool', False)

    def transaction(self, txid):
        try:
            return self.call('getrawtransaction', txid)
        except RPCError as error:
            equal(error.code, -5)
            return None


class RESTClient:
    """RestClient of rest.rs. What REST does not have, it asks by RPC."""

    def __init__(self, port):
        self.client = HTTPClient(port)

    def resource(self, path):
        return self.client.get('/rest/' + path)

    def json(self, path):
        return json.loads(self.resource(path))

    def best_block(self):
        return best_block(self.json('chaininfo.json'))

    def header(self, at):
        headers = self.json('headers/1/%s.json' % at)
        equal(type(headers), list)
        return header(headers[0])

    def block(self, at):
        return self.resource('block/%s.bin' % at)

    def hash_by_height(self, height):
        at = self.resource('blockhashbyheight/%d.bin' % height)
        equal(len(at), 32)
        return at[::-1].hex()

    def unspent(self, txid, n):
        bitmap = self.json('getutxos/%s-%d.json' % (txid, n))['bitmap']
        equal((type(bitmap), set(bitmap) <= set('0123456789')), (str, True))
        return any(c != '0' for c in bitmap)

    def minimum(self):
        return per_kwu(self.json('mempool/info.json')['mempoolminfee'])

    def pool(self):
        return self.json('mempool/contents.json?verbose=false')

    def transaction(self, txid):
        try:
            return self.json('tx/%s.json' % txid)['hex']
        except HTTPError as error:
            equal(error.status, 404)
            return None


def best_block(info):
    equal((type(info['bestblockhash']), len(info['bestblockhash']), type(info['blocks'])), (str, 64, int))
    return info['bestblockhash'], info['blocks']


def header(fields):
    """The header's bytes, its height and the work up to it; convert.rs wants every field of its type."""
    for name, kind in [('version', int), ('merkleroot', str), ('time', int), ('bits', str), ('nonce', int), ('chainwork', str), ('height', int)]:
        equal((name, type(fields[name])), (name, kind))
    equal((len(fields['bits']), len(fields['chainwork'])), (8, 64))
    raw = struct.pack('<i', fields['version']) + bytes.fromhex(fields.get('previousblockhash', '00' * 32))[::-1]
    raw += bytes.fromhex(fields['merkleroot'])[::-1] + struct.pack('<I', fields['time']) + bytes.fromhex(fields['bits'])[::-1]
    return raw + struct.pack('<I', fields['nonce']), fields['height'], int(fields['chainwork'], 16)


def per_kwu(rate):
    """Coins per kvB as a float, to satoshi per thousand units of weight."""
    equal(type(rate), float)
    return round(rate * 25000000)


def block_hash(raw):
    return hashlib.sha256(hashlib.sha256(raw[:80]).digest()).digest()[::-1].hex()


def validated(source, at):
    """poll.rs: the header that came must have the hash that was asked for."""
    raw, height, work = source.header(at)
    equal(block_hash(raw), at)
    return raw, height, work


class Follower:
    """SpvClient: the blocks that go and come, from the tips alone."""

    def __init__(self, source):
        self.source = source
        at, _ = source.best_block()
        self.tip = at, *validated(source, at)
        self.cache = {}  # what was connected, since REST has no headers of stale blocks

    def poll(self):
        """What was disconnected and connected, by height."""
        at, _ = self.source.best_block()
        if at == self.tip[0]:
            return [], []
        new, old = (at, *validated(self.source, at)), self.tip
        equal(new[3] > old[3], True)  # more work, or it is no better tip
        went, came = [], []
        while new[0] != old[0]:
            if new[2] >= old[2]:
                came.append(new)
                parent = new[1][4:36][::-1].hex()
                above, new = new, (parent, *validated(self.source, parent))
                equal((above[2], above[3] > new[3]), (new[2] + 1, True))
            else:
                went.append(old[2])
                parent = old[1][4:36][::-1].hex()
                old = self.cache.get(parent) or (parent, *validated(self.source, parent))
        for at, raw, _, _ in came:
            equal(self.source.block(at)[:80], raw)
        self.cache.update((block[0], block) for block in came)
        self.tip = (came or [new])[0]
        return went, [height for _, _, height, _ in reversed(came)]


class Reader:
    """Bytes of a block, as rust-bitcoin reads them."""

    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, n):
        self.at += n
        return self.raw[self.at - n:self.at]

    def number(self):
        first = self.take(1)[0]
        return first if first < 0xfd else int.from_bytes(self.take(2 << first - 0xfd), 'little')

    def transaction(self):
        """Id and outputs, of which each is amount and script."""
        begin = self.at
        stripped = self.take(4)
        witness = self.raw[self.at:self.at + 2] == b'\x00\x01'
        if witness:
            self.take(2)
        body, inputs = self.at, self.number()
        for _ in range(inputs):
            self.take(36)
            self.take(self.number())
            self.take(4)
        outputs = [(int.from_bytes(self.take(8), 'little'), self.take(self.number())) for _ in range(self.number())]
        stripped += self.raw[body:self.at]
        for _ in range(inputs if witness else 0):
            for _ in range(self.number()):
                self.take(self.number())
        stripped += self.take(4)
        equal(witness or stripped == self.raw[begin:self.at], True)
        return hashlib.sha256(hashlib.sha256(stripped).digest()).digest()[::-1].hex(), outputs


def transactions(block):
    reader = Reader(block)
    reader.take(80)
    txs = [reader.transaction() for _ in range(reader.number())]
    equal(reader.at, len(block))
    return txs


def utxo(source, channel):
    """gossip.rs: amount and script of the output that a short channel id names; None for a channel that it would not believe."""
    height, index, n = channel >> 40, channel >> 16 & 0xffffff, channel & 0xffff
    _, tip = source.best_block()
    at = source.hash_by_height(height)
    if height + 5 > tip:
        return None
    block = source.block(at)
    equal(block_hash(block), at)
    txs = transactions(block)
    if index >= len(txs) or n >= len(txs[index][1]):
        return None
    txid, outputs = txs[index]
    return outputs[n] if source.unspent(txid, n) else None


def mine(n=1, to='raw(51)'):
    return node.call('generatetodescriptor', n, to)[-1]


def spend(coin, fee, script):
    """A coin that anybody may spend, to a script: its id and its bytes in hex."""
    txid, n, value = coin
    raw = struct.pack('<i', 2) + b'\x01' + bytes.fromhex(txid)[::-1] + struct.pack('<IBI', n, 0, 0xfffffffd)
    raw += b'\x01' + struct.pack('<q', value - fee) + bytes([len(script)]) + script + bytes(4)
    return hashlib.sha256(hashlib.sha256(raw).digest()).digest()[::-1].hex(), raw.hex()


def coinbase(height):
    return node.call('getblock', node.call('getblockhash', height), 1)['tx'][0], 0, 50 * 10 ** 8


salt, password = '0123456789abcdef', 'a password'
digest = hmac.new(salt.encode(), password.encode(), 'sha256').hexdigest()
node = Node('--rest', '--rpcworkqueue=1024', '--rpcauth=ldk:%s$%s' % (salt, digest))
mine(110)
rpc, rest = RPCClient(node.port, 'ldk', password), RESTClient(node.port)
sources = {'RPC': rpc, 'REST': rest}
# A channel's output: a witness script's hash, here one that anybody may spend.
WITNESS = bytes.fromhex('51')
CHANNEL = b'\x00\x20' + hashlib.sha256(WITNESS).digest()
ANYBODY = b'\x51\x61\x61\x61\x61'  # long enough for a transaction that is relayed

for name, source in sources.items():
    @check(name + ': headers from the tip to the first, each with its hash, height and work')
    def _():
        at, tip = source.best_block()
        raw, height, work = validated(source, at)
        equal((height, tip), (node.call('getblockcount'),) * 2)
        while height > 0:
            below, lower, less = validated(source, raw[4:36][::-1].hex())
            equal((lower, work - less), (height - 1, 2))
            raw, height, work = below, lower, less
        equal((raw[4:36], work), (bytes(32), 2))

    @check(name + ': blocks, and what is not there')
    def _():
        for height in 0, 1, 110:
            at = source.hash_by_height(height)
            equal((at, block_hash(source.block(at))), (node.call('getblockhash', height), at))
        missing = [(source.hash_by_height, 10 ** 6, -8, 404), (source.block, '11' * 32, -5, 404), (source.header, '11' * 32, -5, None)]
        for ask, what, code, status in missing:
            try:
                answer = ask(what)
            except RPCError as error:
                equal(error.code, code)
            except HTTPError as error:
                equal(error.status, status)
            except IndexError:  # of a header that is not known, REST tells with an empty list
                equal(status, None)
            else:
                raise AssertionError('%r' % (answer,))

    @check(name + ': its chain follows reorganisations')
    def _():
        follower = Follower(source)
        tip = follower.tip[2]
        equal(follower.poll(), ([], []))
        mine(3)
        equal(follower.poll(), ([], [tip + 1, tip + 2, tip + 3]))
        node.call('invalidateblock', source.hash_by_height(tip + 2))
        for _ in range(4):
            node.call('generateblock', 'raw(52)', [])
        equal(follower.poll(), ([tip + 3, tip + 2], [tip + 2, tip + 3, tip + 4, tip + 5]))

    @check(name + ': a channel is believed when it is deep enough and while its output is unspent')
    def _():
        coin = coinbase(1 if name == 'RPC' else 2)
        funding, raw = spend(coin, 10000, CHANNEL)
        equal(rpc.call('sendrawtransaction', raw), funding)
        mine()
        height = node.call('getblockcount')
        channel = height << 40 | 1 << 16
        mine(4)
        equal(utxo(source, channel), None)
        mine()
        equal(utxo(source, channel), (coin[2] - 10000, CHANNEL))
        equal([utxo(source, channel + other) for other in [1, 1 << 16, 0xffff, 0xffffff - 1 << 16]], [None] * 4)
        # Spent in the pool alone, it is still there.
        stripped = bytes.fromhex(spend((funding, 0, coin[2] - 10000), 10000, ANYBODY)[1])
        closing = stripped[:4] + b'\x00\x01' + stripped[4:-4] + b'\x01' + bytes([len(WITNESS)]) + WITNESS + stripped[-4:]
        closed = rpc.call('sendrawtransaction', closing.hex())
        equal(utxo(source, channel), (coin[2] - 10000, CHANNEL))
        equal(mine() and rpc.call('gettxout', closed, 0, False)['confirmations'], 1)
        equal(utxo(source, channel), None)

    @check(name + ': what waits in the pool, for the wallet')
    def _():
        equal(source.pool(), [])
        txid, raw = spend(coinbase(3 if name == 'RPC' else 4), 10000, ANYBODY)
        equal(rpc.call('sendrawtransaction', raw), txid)
        equal((source.pool(), source.transaction(txid)), ([txid], raw))
        entry = rpc.call('getmempoolentry', txid)
        equal((type(entry['time']), entry['height']), (int, node.call('getblockcount')))
        equal(source.transaction('11' * 32), None)
        mine()
        equal(source.pool(), [])
        try:
            raise AssertionError(rpc.call('getmempoolentry', txid))
        except RPCError as error:
            equal(error.code, -5)

    @check(name + ': the least fee of the pool')
    def _():
        equal(source.minimum(), 250)


@check('fees for every target, without "errors"')
def _():
    targets = [(n, 'ECONOMICAL') for n in (1, 6, 12, 18, 144, 1008)] + [(n, 'CONSERVATIVE') for n in (1, 6, 12)]
    for n, mode in targets:
        answer = rpc.call('estimatesmartfee', n, mode)
        equal((answer.get('errors'), per_kwu(answer['feerate']) >= 250), (None, True))


@check('a broadcast that is refused, or known')
def _():
    coin = coinbase(5)
    txid, raw = spend(coin, 10000, ANYBODY)
    equal([rpc.call('sendrawtransaction', raw) for _ in range(2)], [txid] * 2)
    mine()
    for sent, code, message in [(raw, -27, 'Transaction outputs already in utxo set'), (spend(coin, 20000, ANYBODY)[1], -25, 'bad-txns-inputs-missingorspent'),
                                ('00', -22, 'TX decode failed. Make sure the tx has at least one input.')]:
        try:
            raise AssertionError(rpc.call('sendrawtransaction', sent))
        except RPCError as error:
            equal((error.code, error.message), (code, message))


@check('a hundred channels looked up at once, each on a connection of its own')
def _():
    def look(n):
        source = RPCClient(node.port, 'ldk', password) if n % 2 else RESTClient(node.port)
        return utxo(source, 6 + n % 50 << 40)
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        equal(list(pool.map(look, range(100))), [(50 * 10 ** 8, b'\x51')] * 100)


@check('all of that on one connection each, and on a new one when the node was started again')
def _():
    equal([source.client.connections for source in sources.values()], [1, 1])
    node.call('stop')
    node.end()
    node.start()
    node.wait()
    equal([source.best_block() for source in sources.values()], [(node.call('getbestblockhash'), node.call('getblockcount'))] * 2)
    equal([source.client.connections for source in sources.values()], [2, 2])


node.call('stop')
node.end()
check.exit()
