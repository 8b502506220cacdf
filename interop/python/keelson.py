"""A node process of this checkout, on regtest, and a line for each check."""

import atexit
import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BINARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../bin/keelson')


class RPCError(Exception):
    """What the node answers in place of a result."""

    def __init__(self, method, error):
        super().__init__('%s: %d %s' % (method, error['code'], error['message']))
        self.code, self.message = error['code'], error['message']


class Node:
    """A node with a folder and a port of its own, which answers once it is made."""

    def __init__(self, *settings):
        self.datadir = tempfile.mkdtemp(prefix='keelson-interop-')
        with socket.create_server(('127.0.0.1', 0)) as free:
            self.port = free.getsockname()[1]
        self.settings = settings
        self.start()
        atexit.register(self.clear)
        self.wait()

    def start(self):
        """Starts the process, again if it has ended."""
        alone = [] if any(setting.startswith('--bind') for setting in self.settings) else ['--listen=0']
        self.process = subprocess.Popen(
            [BINARY, 'node', '--network=regtest', '--datadir=' + self.datadir, '--rpcport=%d' % self.port, *alone, *self.settings],
            env={k: v for k, v in os.environ.items() if not k.startswith('KEELSON_')},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def wait(self):
        """Waits until the node answers."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self.call('getblockcount')
                return
            except (OSError, RPCError) as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.process.kill()
                    sys.exit('the node does not answer: %s\n%s' % (error, self.process.stderr.read().decode()))
            time.sleep(0.05)

    def call(self, method, *params):
        """Asks the node, on a connection of its own."""
        with open(os.path.join(self.datadir, 'regtest/.cookie'), 'rb') as cookie:
            credentials = base64.b64encode(cookie.read()).decode()
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        try:
            connection.request('POST', '/', json.dumps({'id': 1, 'method': method, 'params': params}),
                               {'Authorization': 'Basic ' + credentials, 'Content-Type': 'application/json'})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if answer['error'] is not None:
            raise RPCError(method, answer['error'])
        return answer['result']

    def end(self):
        """Waits for a node that was told to stop, which must say nothing about it."""
        _, stderr = self.process.communicate(timeout=60)
        equal((self.process.returncode, stderr), (0, b''))

    def clear(self):
        """Leaves nothing behind, whatever came in between."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.datadir)


class Checks:
    """Runs the functions that it decorates, at once, and exits by what came of them."""

    def __init__(self, client):
        self.client, self.failed = client, 0

    def __call__(self, what):
        def run(function):
            try:
                function()
                print('ok   %s: %s' % (self.client, what), flush=True)
            except Exception as error:  # pylint: disable=broad-except
                self.failed += 1
                line = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == os.path.abspath(sys.argv[0])][-1]
                text = ' '.join((str(error) or type(error).__name__).split())
                print('FAIL %s: %s: %s (line %d)' % (self.client, what, text, line), flush=True)
        return run

    def exit(self):
        sys.exit(1 if self.failed else 0)


def equal(got, want):
    if got != want:
        raise AssertionError('%r, want %r' % (got, want))


def refused(code, message, function, *args):
    """Expects an answer with this error."""
    try:
        result = function(*args)
    except RPCError as error:
        equal((error.code, error.message), (code, message))
        return
    raise AssertionError('%r, want error %d %s' % (result, code, message))
