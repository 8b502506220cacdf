"""What Core Lightning's plugin bcli asks of bitcoin-cli, asked of `keelson cli`.

The calls, their arguments, what is read from the answers, and which exit codes mean what are those of plugins/bcli.c (22.11 to 24.11): standard
output and standard error are one pipe, and the password comes on standard input without a line end.
"""

import concurrent.futures
import hashlib
import hmac
import json
import re
import struct
import subprocess
import time

from keelson import BINARY, Checks, Node, equal

check = Checks('cln')
PASSWORD = 'a password'


class Bcli:
    """The plugin as far as it asks bitcoin-cli, with its --bitcoin-* options."""

    def __init__(self, *options, password=None):
        self.command = [BINARY, 'cli', '-regtest', *options] + (['-stdinrpcpass'] if password else [])
        self.password = password

    def run(self, method, *args, stdin=()):
        """Exit code and all output. Arguments on standard input are for what is too long for a command line."""
        command = self.command + (['-stdin'] if stdin else []) + [method, *args]
        given = '\n'.join(([self.password] if self.password else []) + list(stdin))
        done = subprocess.run(command, input=given.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.returncode, done.stdout.decode()

    def read(self, method, *args):
        """The answer of a call that must succeed. Amounts stay text, since the plugin wants eight places."""
        code, output = self.run(method, *args)
        equal((code, output[:12] if code else ''), (0, ''))
        return json.loads(output, parse_float=str)

    def getrawblockbyheight(self, height):
        """Hash and bytes; None if there is no such block yet."""
        code, output = self.run('getblockhash', str(height))
        if code == 8:
            equal(output, 'error code: -8\nerror message:\nBlock height out of range\n')
            return None
        equal((code, len(output)), (0, 65))
        at = output.rstrip()
        code, output = self.run('getblock', at, '0')
        equal(code, 0)
        return at, bytes.fromhex(output.rstrip())

    def estimatefees(self):
        """The floor and the rates for each number of blocks, in satoshi per kvB."""
        info = self.read('getmempoolinfo')
        floor = max(amount(info['mempoolminfee']), amount(info['minrelaytxfee']))
        rates = {}
        for blocks, style in [('2', 'CONSERVATIVE'), ('6', 'ECONOMICAL'), ('12', 'ECONOMICAL'), ('100', 'ECONOMICAL')]:
            rates[blocks] = max(amount(self.read('estimatesmartfee', blocks, style)['feerate']), floor)
        return floor, rates

    def getutxout(self, txid, n):
        """Satoshi and script; None if it is spent, for which the answer is empty."""
        code, output = self.run('gettxout', txid, str(n))
        if code != 0 or output == '':
            equal((code, output), (0, ''))
            return None
        coin = json.loads(output, parse_float=str)
        return amount(coin['value']), coin['scriptPubKey']['hex']


def amount(text):
    """json_to_bitcoin_amount: a whole number, or one with eight places."""
    match = re.fullmatch(r'(\d+)\.(\d{8})', str(text))
    if not match:
        raise AssertionError('%r is no amount with eight places' % (text,))
    return int(match[1]) * 10 ** 8 + int(match[2])


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def wait(holds):
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError('after a minute it is still not so')
        time.sleep(0.05)


def mine(n=1):
    return node.call('generatetodescriptor', n, 'raw(51)')[-1]


def spend(height, fee, outputs=1):
    """A coinbase that anybody may spend, to outputs that anybody may spend: its id and its bytes in hex."""
    txid = node.call('getblock', node.call('getblockhash', height), 1)['tx'][0]
    raw = struct.pack('<i', 2) + b'\x01' + bytes.fromhex(txid)[::-1] + struct.pack('<IBI', 0, 0, 0xfffffffd)
    raw += b'\xfd' + struct.pack('<H', outputs) if outputs >= 0xfd else bytes([outputs])
    raw += (struct.pack('<q', (50 * 10 ** 8 - fee) // outputs) + b'\x05\x51\x61\x61\x61\x61') * outputs + bytes(4)
    return sha256d(raw)[::-1].hex(), raw.hex()


salt = '0123456789abcdef'
digest = hmac.new(salt.encode(), PASSWORD.encode(), 'sha256').hexdigest()
node = Node('--rpcauth=cln:%s$%s' % (salt, digest))
mine(120)
connection = ['-rpcclienttimeout=60', '-rpcconnect=127.0.0.1', '-rpcport=%d' % node.port]
bcli = Bcli(*connection, '-rpcuser=cln', password=PASSWORD)


@check('the version and transaction relay are what it asks for at start')
def _():
    info = bcli.read('getnetworkinfo')
    equal((type(info['version']), info['version'] >= 220000, info['localrelay']), (int, True, True))
    equal(bcli.run('echo', 'hello world'), (0, '[\n  "hello world"\n]\n'))


@check('it finds the cookie in --bitcoin-datadir, and a wrong password ends it')
def _():
    cookie = Bcli('-datadir=' + node.datadir, '-rpcport=%d' % node.port)
    equal(cookie.read('getblockchaininfo')['blocks'], 120)
    code, output = Bcli(*connection, '-rpcuser=cln', password='another').run('getnetworkinfo')
    equal((code, output), (1, 'error: Authorization failed: Incorrect rpcuser or rpcpassword\n'))


@check('getchaininfo')
def _():
    info = bcli.read('getblockchaininfo')
    equal((info['chain'], info['headers'], info['blocks'], info['initialblockdownload']), ('regtest', 120, 120, False))


@check('getrawblockbyheight, until there are no more')
def _():
    for height in 0, 1, 120:
        at, raw = bcli.getrawblockbyheight(height)
        equal((at, sha256d(raw[:80])[::-1].hex()), (node.call('getblockhash', height), at))
    equal(bcli.getrawblockbyheight(121), None)
    equal(bcli.run('getblockhash', '4294967295')[0], 1)  # no 32 bits with a sign: an error, and no missing block


@check('it follows a reorganisation, block by block')
def _():
    chain = [bcli.getrawblockbyheight(height)[0] for height in range(118, 121)]

    def follow():
        """As lightningd: the next height, and back by one when that does not follow on."""
        came, went = 0, 0
        while (found := bcli.getrawblockbyheight(118 + len(chain))) is not None:
            if found[1][4:36][::-1].hex() == chain[-1]:
                chain.append(found[0])
                came += 1
            else:
                chain.pop()
                went += 1
        return came, went
    old = mine()
    equal((follow(), chain[-1]), ((1, 0), old))
    for at in chain[-2:]:
        node.call('invalidateblock', at)
    branch = [node.call('generateblock', 'raw(52)', [])['hash'] for _ in range(4)]  # another script: no block like those
    equal((follow(), chain[-4:]), ((4, 2), branch))


@check('estimatefees on a quiet network')
def _():
    floor, rates = bcli.estimatefees()
    equal(floor, 1000)
    # It asks for no more than the fall-back, and for no less than is relayed.
    equal([rate for rate in rates.values() if not 1000 <= rate <= 20000], [])
    for blocks, style in [('3', 'CONSERVATIVE'), ('4', 'ECONOMICAL')]:  # as it asked until 22.11
        amount(bcli.read('estimatesmartfee', blocks, style)['feerate'])


@check('sendrawtransaction: new, known, mined, and what is refused with which exit code')
def _():
    txid, raw = spend(1, 10000)
    equal(bcli.run('sendrawtransaction', raw), (0, txid + '\n'))
    equal(bcli.run('sendrawtransaction', raw), (0, txid + '\n'))
    mine()
    equal(bcli.run('sendrawtransaction', raw), (27, 'error code: -27\nerror message:\nTransaction outputs already in utxo set\n'))
    _, twice = spend(1, 20000)
    equal(bcli.run('sendrawtransaction', twice), (25, 'error code: -25\nerror message:\nbad-txns-inputs-missingorspent\n'))
    _, young = spend(node.call('getblockcount'), 10000)
    equal(bcli.run('sendrawtransaction', young), (26, 'error code: -26\nerror message:\nbad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 1\n'))
    _, poor = spend(2, 0)
    equal(bcli.run('sendrawtransaction', poor)[0], 26)
    equal(bcli.run('sendrawtransaction', 'zz'), (22, 'error code: -22\nerror message:\nTX decode failed. Make sure the tx has at least one input.\n'))
    # allowhighfees is a second argument.
    high, raw = spend(3, 10 ** 8)
    equal(bcli.run('sendrawtransaction', raw), (25, 'error code: -25\nerror message:\nFee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)\n'))
    equal(bcli.run('sendrawtransaction', raw, '0'), (0, high + '\n'))


@check('a transaction that is too long for a command line, on standard input')
def _():
    txid, raw = spend(4, 100000, outputs=6000)
    equal(len(raw) > 1 << 17, True)
    equal(bcli.run('sendrawtransaction', stdin=[raw]), (0, txid + '\n'))
    equal(bcli.run('sendrawtransaction', stdin=[raw, '0']), (0, txid + '\n'))


@check('getutxout: there, spent in the pool, spent in a block, never there')
def _():
    parent, raw = spend(5, 50000)
    equal(bcli.run('sendrawtransaction', raw)[0], 0)
    equal(bcli.getutxout(parent, 0), (50 * 10 ** 8 - 50000, '5161616161'))
    source = node.call('getblock', node.call('getblockhash', 5), 1)['tx'][0]
    equal(bcli.getutxout(source, 0), None)
    mine()
    equal(bcli.getutxout(parent, 0), (50 * 10 ** 8 - 50000, '5161616161'))
    equal(bcli.getutxout(source, 0), None)
    equal(bcli.getutxout(parent, 1), None)
    equal(bcli.getutxout('11' * 32, 0), None)


@check('four calls of each priority at once')
def _():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(bcli.getrawblockbyheight, range(1, 17)))
    equal([at for at, _ in found], [node.call('getblockhash', height) for height in range(1, 17)])


@check('a block that was pruned is fetched from a peer')
def _():
    full = Node('--bind=127.0.0.1:0')
    full.call('generatetodescriptor', 400, 'raw(6a4d5802%s)' % ('00' * 600))  # 64 KiB, a file, is less than 100 of them
    pruned = Node('--prune=1', '--fastprune')
    network = full.call('getnetworkinfo')
    pruned.call('addnode', '%s/p2p/%s' % (network['listening'][0], network['peer_id']), 'onetry')
    wait(lambda: pruned.call('getblockcount') == 400)
    pruned.call('pruneblockchain', 100)
    other = Bcli('-rpcport=%d' % pruned.port, '-datadir=' + pruned.datadir)
    code, output = other.run('getblockhash', '10')
    at = output.rstrip()
    equal(other.run('getblock', at, '0'), (1, 'error code: -1\nerror message:\nBlock not available (pruned data)\n'))
    peers = [peer['id'] for peer in other.read('getpeerinfo')]
    equal([type(peer) for peer in peers], [int])
    equal(other.run('getblockfrompeer', at, str(peers[0])), (0, '{\n}\n'))
    wait(lambda: other.run('getblock', at, '0')[0] == 0)
    equal(other.getrawblockbyheight(10), (at, bytes.fromhex(full.call('getblock', at, 0))))
    for each in pruned, full:
        each.call('stop')
        each.end()


@check('a node that starts is waited for: exit code 28, and 1 where there is none')
def _():
    node.call('stop')
    node.end()
    code, output = bcli.run('getnetworkinfo')
    equal((code, output.startswith('error: timeout on transient error: Could not connect to the server 127.0.0.1:')), (1, True))
    node.start()
    while (answer := bcli.run('getnetworkinfo'))[0] != 0:
        if answer[0] == 28:
            equal(answer[1].startswith('error code: -28\nerror message:\n'), True)
        else:
            equal((answer[0], answer[1].startswith('error: timeout on transient error: Could not connect')), (1, True))
    equal(json.loads(answer[1])['version'], 280100)
    node.call('stop')
    node.end()


check.exit()
