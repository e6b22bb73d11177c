/** What a verb has thrown → a message with its remedy, and an exit code. */

import { BackfillError, ConfigError, GateError, messageOf } from '../errors.ts';
import { explainedByFiles } from '../process/open-files.ts';
import { printable } from '../terminal/terminal.ts';
import { EXIT } from './exit-codes.ts';
import type { Host } from './host.ts';

/** @returns the exit code. */
export function reportError(raised: unknown, json: boolean, { stdout, stderr }: Host): number {
  const error = explainedByFiles(raised);
  const known = error instanceof BackfillError ? error : null;
  const message = printable(messageOf(error));
  const remedy = known?.remedy === undefined ? null : printable(known.remedy);
  const code =
    error instanceof ConfigError ? EXIT.usage : error instanceof GateError ? EXIT.gate : EXIT.failed;
  if (json) {
    stdout.write(`${JSON.stringify({ error: { code: known?.code ?? 'UNEXPECTED', message, remedy } })}\n`);
  }
  stderr.write(
    `error${known === null ? '' : ` ${known.code}`}: ${message}\n${remedy === null ? '' : `${remedy}\n`}`,
  );
  // A fault of ours, not of the operator's: where it came from is worth more than a tidy screen.
  if (known === null && error instanceof Error) stderr.write(`${framesOf(error)}\n`);
  return code;
}

/** Where it came from, without its words: those are told above, as far as they may be. */
const framesOf = ({ stack = '' }: Error): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
