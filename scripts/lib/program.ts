/** `pgvector-backfill <verb>`, once signals are heard. */

import { setImmediate as turn } from 'node:timers/promises';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { runToEnd } from '../../src/cli/run-command.ts';
import { tolerateClosedPipes } from '../../src/terminal/terminal.ts';
import { VERBS } from './verbs.ts';

/** @returns the exit code. */
export async function runProgram([verb = '', ...rest]: string[]): Promise<number> {
  tolerateClosedPipes();
  const load = VERBS[verb];
  if (load !== undefined) {
    const command = await load();
    // A signal that came while modules were loaded is heard by a whole turn of the event loop: a verb may end before its first.
    await turn();
    await turn();
    return runToEnd(command, rest);
  }
  const asked = verb === '--help' || verb === 'help';
  const usage = `Usage: pgvector-backfill <verb> [flags]\n\nVerbs: ${Object.keys(VERBS).join(', ')}\nEach has --help.\n`;
  (asked ? process.stdout : process.stderr).write(
    asked || verb === '' ? usage : `error USAGE: there is no verb ${JSON.stringify(verb)}.\n${usage}`,
  );
  return asked ? EXIT.done : EXIT.usage;
}
