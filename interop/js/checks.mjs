// A line for each check, and the counts that the run adds up.
export class Checks {
  constructor(client) {
    this.client = client;
    this.failed = 0;
  }

  /** check runs a function, and fails with what it throws. */
  async check(what, run) {
    try {
      await run();
      console.log(`ok   ${this.client}: ${what}`);
    } catch (error) {
      this.failed++;
      process.exitCode = 1;
      const where = error.stack?.match(/\/(?!node\.mjs|checks\.mjs)[\w-]+\.mjs:\d+/)?.[0].slice(1);
      console.log(`FAIL ${this.client}: ${what}: ${error.message.replaceAll('\n', ' ')}${where ? ` (${where})` : ''}`);
    }
  }
}
