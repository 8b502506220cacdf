// A node process of this checkout, on regtest, with a folder and a port of
// its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const binary = path.resolve(import.meta.dirname, '../../bin/keelson');

/** An error that the node answered with, with its code. */
export class RpcError extends Error {
  constructor(method, { code, message }) {
    super(message);
    this.method = method;
    this.code = code;
  }
}

/** environment is ours without the settings that a node would take from it. */
export const environment = () => Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('KEELSON_')),
);

/** call asks a server with JSON-RPC, and returns the result or throws an RpcError. */
export async function call(url, { username, password }, method, params) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ id: 1, method, params }),
  });
  const text = await response.text();
  if (text === '') throw new Error(`${method}: HTTP status ${response.status}`);
  const { result, error } = JSON.parse(text);
  if (error) throw new RpcError(method, error);
  return result;
}

export class Node {
  /** start runs a node with further settings. */
  static async start(...settings) {
    const node = new Node();
    node.settings = settings;
    node.datadir = await mkdtemp(path.join(os.tmpdir(), 'keelson-interop-'));
    process.on('exit', () => { // leave nothing behind, whatever came in between
      node.process?.kill('SIGKILL');
      rmSync(node.datadir, { recursive: true, force: true });
    });
    await node.run();
    return node;
  }

  /** run starts the process, again if it has ended, and waits until it answers. */
  async run() {
    this.port = await freePort();
    this.stderr = '';
    this.process = spawn(
      binary,
      ['node', '--network', 'regtest', '--datadir', this.datadir, '--rpcport', String(this.port), '--bind=127.0.0.1:0', ...this.settings],
      { env: environment(), stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.process.stderr.setEncoding('utf8').on('data', (text) => { this.stderr += text; });
    this.ended = once(this.process, 'close');
    for (const deadline = Date.now() + 60_000; ; await delay(50)) {
      if (this.process.exitCode !== null) throw new Error(`the node ended: ${this.stderr}`);
      try {
        [this.username, this.password] = (await readFile(path.join(this.datadir, 'regtest/.cookie'), 'utf8')).split(':');
        await this.call('getblockcount');
        return;
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`the node does not answer: ${error.message}\n${this.stderr}`);
      }
    }
  }

  /** call asks the node, and returns the result or throws an RpcError. */
  call(method, ...params) {
    return call(`http://127.0.0.1:${this.port}/`, this, method, params);
  }

  /** end waits for a node that was told to stop, which must say nothing about it. */
  async end() {
    const [code, signal] = await this.ended;
    if (code !== 0 || this.stderr !== '') {
      throw new Error(`the node ended with ${signal ?? `code ${code}`} and said ${JSON.stringify(this.stderr)}`);
    }
  }
}

// freePort returns a loopback port that nobody listens on at the moment.
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
