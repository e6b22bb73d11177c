import { assertReadable } from '../src/demo/records.ts';
import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { demoEnvironment } from '../src/demo/environment.ts';
import { demoJson, demoLines, keepLines } from '../src/demo/demo-report.ts';
import { demoOnServer } from './lib/demo-on-server.ts';
import { withDemoServer } from './lib/demo-server.ts';
import { resolve } from 'node:path';

export const demo: Command = {
  name: 'demo',
  drains: 'the embedded server and its files are put away',
  summary:
    'A whole run on the embedded server: sample table, enqueue, embed, index, verify, and a side-by-side search. Needs nothing but Node.',
  flags: {
    from: {
      type: 'string',
      value: 'FILE',
      help: 'Your own records: .jsonl, .ndjson, .csv or .tsv (also .gz) with id, title, text or body',
    },
    keep: {
      type: 'boolean',
      help: 'Leave the server up and print the environment for status, search and dashboard',
    },
  },
  options: [],
  async run(invocation) {
    const started = performance.now();
    const { from } = invocation.flags;
    const file = typeof from === 'string' ? resolve(invocation.host.cwd, from) : undefined;
    // Told before a server is started, not behind it.
    if (file !== undefined) await assertReadable(file);
    const keep = invocation.flags['keep'] === true;
    return withDemoServer(invocation, async (server) => {
      const environment = demoEnvironment(server.url, server.models);
      const result = await demoOnServer(invocation, environment, file);
      const seconds = (performance.now() - started) / 1000;
      invocation.emit(demoJson(result, seconds, keep ? { pid: server.pid, environment } : undefined));
      for (const line of demoLines(result, seconds)) invocation.say(line);
      if (keep) {
        server.keep();
        for (const line of keepLines(environment, server.pid)) invocation.say(line);
      }
      return result.verification.passed ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(demo, import.meta);
