// A test network of one node, as `keelson testnet up` runs it, with a folder and
// ports of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { binary, call, environment } from './node.mjs';

export class Testnet {
  /** up starts the network, and waits until it says that it is ready. */
  static async up() {
    const net = new Testnet();
    const folder = await mkdtemp(path.join(os.tmpdir(), 'keelson-interop-'));
    net.process = spawn(
      binary,
      ['testnet', 'up', '--json', '--nodes=1', '--port=0', '--base-port=0', `--dir=${path.join(folder, 'net')}`],
      { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    process.on('exit', () => { // leave nothing behind, whatever came in between
      net.process.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
    net.stderr = '';
    net.process.stderr.setEncoding('utf8').on('data', (text) => { net.stderr += text; });
    net.ended = once(net.process, 'close');
    const line = once(createInterface({ input: net.process.stdout }), 'line');
    const first = await Promise.race([line, net.ended.then(() => undefined)]);
    if (first === undefined) throw new Error(`the test network ended: ${net.stderr}`);
    Object.assign(net, JSON.parse(first[0])); // see "For programs" in docs/TESTNET.md
    return net;
  }

  /** call asks the control port, which passes on to node 0 what is not its own. */
  call(method, ...params) {
    return call(this.control, { username: this.user, password: this.password }, method, params);
  }

  /** down interrupts the network, which must end in order and without a word. */
  async down() {
    this.process.kill('SIGINT');
    const [code, signal] = await this.ended;
    if (code !== 0 || this.stderr !== '') {
      throw new Error(`the test network ended with ${signal ?? `code ${code}`} and said ${JSON.stringify(this.stderr)}`);
    }
  }
}
