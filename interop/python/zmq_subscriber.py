"""libzmq, by pyzmq, subscribes to all that a node publishes."""

import os
import socket
import struct
import subprocess
import tempfile

import zmq

from keelson import BINARY, Checks, Node, equal

check = Checks('zmq')
TOPICS = ['hashblock', 'hashtx', 'rawblock', 'rawtx', 'sequence']
context = zmq.Context()

with socket.create_server(('127.0.0.1', 0)) as free:
    tcp = 'tcp://127.0.0.1:%d' % free.getsockname()[1]
folder = tempfile.TemporaryDirectory(prefix='keelson-zmq-')
ipc = 'ipc://%s/s' % folder.name
node = Node(*['--zmqpub%s=%s' % (topic, tcp) for topic in TOPICS], '--zmqpubsequence=' + ipc, '--zmqpubsequencehwm=7')
call = node.call


class Subscriber:
    """A SUB socket for some topics, which holds the numbers of messages against each other."""

    def __init__(self, address, *topics):
        self.socket = context.socket(zmq.SUB)
        self.socket.set(zmq.RCVTIMEO, 60000)
        self.socket.set(zmq.RCVHWM, 0)
        self.socket.set(zmq.HEARTBEAT_IVL, 100)
        self.socket.set(zmq.HEARTBEAT_TIMEOUT, 30000)
        for topic in topics:
            self.socket.subscribe(topic)
        self.socket.connect(address)
        self.counts = {}

    def hear(self):
        """The next message, as topic and body."""
        topic, body, count = self.socket.recv_multipart()
        (count,) = struct.unpack('<I', count)
        topic = topic.decode()
        equal(count, self.counts.get(topic, count))
        self.counts[topic] = count + 1
        if topic == 'sequence':
            label = body[32:33].decode()
            number = struct.unpack('<Q', body[33:])[0] if label in 'AR' else None
            equal(len(body), 33 if number is None else 41)
            return topic, (body[:32].hex(), label, number)
        return topic, body.hex()

    def hears(self, *want):
        for message in want:
            equal(self.hear(), message)

    def ready(self):
        """Mines until the subscription has come through, and hears the end of that."""
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        while not poller.poll(50):
            mine()
        last = mine()
        while self.hear()[1] not in (last, call('getblock', last, 0), (last, 'C', None)):
            pass
        while poller.poll(0):
            self.hear()


def mine(n=1):
    return call('generatetodescriptor', n, 'raw(51)')[-1]


def block(at, label='C'):
    """What is told of a block, for which nobody need be the tip."""
    lines = []
    for tx in call('getblock', at, 2)['tx']:
        lines += [('hashtx', tx['txid']), ('rawtx', tx['hex'])]
    return lines + [('sequence', (at, label, None))]


def tip(at):
    return [('hashblock', at), ('rawblock', call('getblock', at, 0))]


def send(coins, outputs, value, fee):
    """Spends coins that anybody may spend into outputs that anybody may spend."""
    def size(n):
        return bytes([n]) if n < 0xfd else b'\xfd' + struct.pack('<H', n)
    each = (value - fee) // outputs
    raw = struct.pack('<i', 2) + size(len(coins))
    for txid, n in coins:
        raw += bytes.fromhex(txid)[::-1] + struct.pack('<IBI', n, 0, 0xfffffffd)
    raw += size(outputs) + (struct.pack('<q', each) + b'\x05\x51\x61\x61\x61\x61') * outputs + bytes(4)
    return call('sendrawtransaction', raw.hex(), 0), raw.hex(), each


def coinbase(height):
    return call('getblock', call('getblockhash', height), 1)['tx'][0], 0


COIN = 50 * 10 ** 8
mine(110)
everything = Subscriber(tcp, b'')
everything.ready()


@check('getzmqnotifications')
def _():
    equal(call('getzmqnotifications'),
          [{'type': 'pub' + topic, 'address': tcp, 'hwm': 7 if topic == 'sequence' else 1000} for topic in TOPICS]
          + [{'type': 'pubsequence', 'address': ipc, 'hwm': 7}])


@check('a block is told of with its transactions')
def _():
    at = mine()
    everything.hears(*block(at), *tip(at))


@check('a transaction is told of when it comes, is replaced, and is mined')
def _():
    number = call('getrawmempool', False, True)['mempool_sequence']
    first, first_hex, _ = send([coinbase(1)], 1, COIN, 1000)
    second, second_hex, _ = send([coinbase(1)], 1, COIN, 5000)
    everything.hears(('hashtx', first), ('rawtx', first_hex), ('sequence', (first, 'A', number)),
                     ('sequence', (first, 'R', number + 1)),
                     ('hashtx', second), ('rawtx', second_hex), ('sequence', (second, 'A', number + 2)))
    equal(call('getrawmempool', False, True), {'txids': [second], 'mempool_sequence': number + 3})
    at = mine()
    equal(call('getblock', at)['tx'][1], second)
    everything.hears(*block(at), *tip(at))
    equal(call('getrawmempool', False, True)['mempool_sequence'], number + 4)


@check('a reorganisation: what left, what comes back, and one new tip')
def _():
    number = call('getrawmempool', False, True)['mempool_sequence']
    txid, raw, _ = send([coinbase(2)], 1, COIN, 1000)
    everything.hears(('hashtx', txid), ('rawtx', raw), ('sequence', (txid, 'A', number)))
    old = mine()
    everything.hears(*block(old), *tip(old))
    call('invalidateblock', old)
    everything.hears(*block(old, 'D'), ('hashtx', txid), ('rawtx', raw), ('sequence', (txid, 'A', number + 2)))
    branch = []
    for _ in range(2):
        branch.append(call('generateblock', 'raw(51)', [])['hash'])
        everything.hears(*block(branch[-1]), *tip(branch[-1]))
    call('invalidateblock', branch[0])
    everything.hears(*block(branch[1], 'D'), *block(branch[0], 'D'))
    call('reconsiderblock', old)
    everything.hears(*block(old), *tip(old))
    # The longer branch takes the place of the chain at once.
    call('reconsiderblock', branch[0])
    everything.hears(*block(old, 'D'), ('hashtx', txid), ('rawtx', raw), ('sequence', (txid, 'A', number + 4)),
                     *block(branch[0]), *block(branch[1]), *tip(branch[1]))
    equal(call('getrawmempool', False, True), {'txids': [txid], 'mempool_sequence': number + 5})
    at = mine()
    everything.hears(*block(at), *tip(at))


@check('a pool is rebuilt from getrawmempool and what is told from there on')
def _():
    listener = Subscriber(ipc, b'sequence')
    listener.ready()
    outputs, _, value = send([coinbase(3)], 60, COIN, 20000)
    mine()
    for i in range(20):
        send([(outputs, i)], 1, value, 500)
    seen = call('getrawmempool', False, True)
    pool, number = set(seen['txids']), seen['mempool_sequence']
    for i in range(20, 40):
        send([(outputs, i)], 1, value, 500)
    for i in range(10):
        send([(outputs, i)], 1, value, 2000)
    tops = mine(), [send([(outputs, i)], 1, value, 500) for i in range(40, 50)]
    last = mine()
    for i in range(50, 55):
        send([(outputs, i)], 1, value, 500)
    call('invalidateblock', last)
    final = call('getrawmempool', False, True)
    blocks = 0
    while number < final['mempool_sequence']:
        topic, (thing, label, n) = listener.hear()
        equal(topic, 'sequence')
        if label in 'AR':
            if n < number:
                continue
            # Those that were mined took numbers, and left with their block.
            number = n + 1
            (pool.add if label == 'A' else pool.remove)(thing)
        elif label == 'C' and blocks < 2:
            mined = set(call('getblock', thing)['tx']) & pool
            pool -= mined
            number += len(mined)
            blocks += 1
    equal(blocks, 2)
    equal(pool, set(final['txids']))
    assert tops
    call('reconsiderblock', last)
    mine()


@check('nothing of a large block is lost')
def _():
    everything.socket.close()
    listener = Subscriber(tcp, b'rawtx', b'hashblock')
    listener.ready()
    n = 1500
    outputs, _, value = send([coinbase(4)], n, COIN, 200000)
    first = mine()
    for i in range(n):
        send([(outputs, i)], 1, value, 400)
    at = mine()
    told = []
    while told[-1:] != [at]:
        told.append(listener.hear()[1])
    equal(len(told), 1 + (1 + 1) + 1 + n + (1 + n) + 1)
    equal(told[3], first)
    equal(told[-n - 2:-1], [tx['hex'] for tx in call('getblock', at, 2)['tx']])
    # Who no longer subscribes hears nothing more of it.
    listener.socket.unsubscribe(b'rawtx')
    while True:
        at = mine()
        if listener.hear() == ('hashblock', at):
            break
    equal([listener.hear() for at in [mine(), mine()]], [('hashblock', call('getblockhash', call('getblockcount') - 1)), ('hashblock', call('getbestblockhash'))])


@check('an address that is taken is one line of an error')
def _():
    with tempfile.TemporaryDirectory() as other:
        for address in tcp, ipc:
            done = subprocess.run([BINARY, 'node', '--network=regtest', '--datadir=' + other, '--rpcport=0', '--listen=0', '--zmqpubrawtx=' + address],
                                  env={k: v for k, v in os.environ.items() if not k.startswith('KEELSON_')},
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
            line = done.stderr.decode()
            equal(done.returncode, 1)
            assert 'zmqpubrawtx: cannot listen on %s: somebody listens there already' % address in line and line.count('\n') == 1, line


@check('stop, with code 0 and nothing on standard error')
def _():
    call('stop')
    node.end()
    equal(os.listdir(folder.name), [])


check.exit()
