#!/usr/bin/env node
/** `pgvector-backfill <verb>`: the same verbs as the npm scripts. */

import { EXIT, runToEnd } from './lib/command.ts';
import { tolerateClosedPipes } from './lib/terminal.ts';
import { VERBS } from './lib/verbs.ts';

tolerateClosedPipes();

const [verb = '', ...rest] = process.argv.slice(2);
const load = VERBS[verb];
if (load !== undefined) process.exitCode = await runToEnd(await load(), rest, 'bin');
else {
  const asked = verb === '--help' || verb === 'help';
  const usage = `Usage: pgvector-backfill <verb> [flags]\n\nVerbs: ${Object.keys(VERBS).join(', ')}\nEach has --help.\n`;
  (asked ? process.stdout : process.stderr).write(
    asked || verb === '' ? usage : `error USAGE: there is no verb ${JSON.stringify(verb)}.\n${usage}`,
  );
  process.exitCode = asked ? EXIT.done : EXIT.usage;
}
