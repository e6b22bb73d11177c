import { openEmbedder } from '../src/embedding/configured.ts';
import { describeTarget } from '../src/table/target.ts';
import type { Check } from '../src/verify/check.ts';
import { verify } from '../src/verify/verify.ts';
import { noticeOnStderr } from './lib/download-line.ts';
import { EXIT, runAsProgram, type Command } from './lib/command.ts';
import { requireRun, withDatabase } from './lib/session.ts';

export function checkLines(checks: readonly Check[]): string[] {
  const shown = (value: Check['value']): string =>
    typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(4) : String(value ?? '-');
  return checks.map(
    ({ name, passed, value, threshold, detail }) =>
      `${passed ? 'pass' : 'FAIL'}  ${name.padEnd(18)} ${shown(value)}${threshold === null ? '' : `  (needs ${shown(threshold)})`}  ${detail}`,
  );
}

export const verifyCommand: Command = {
  name: 'verify',
  summary:
    'The gate: accounting, dimensions, index, freshness, plan, recall@10 against exact search, latency. Exit code 3 where it does not pass.',
  flags: {},
  async run(invocation) {
    const config = await invocation.config();
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'verify', logger, async (pool) => {
      const run = await requireRun(pool, config.backfill);
      const target = await describeTarget(pool, config.backfill, config.settings);
      const { passed, checks } = await verify({
        pool,
        target,
        settings: config.settings,
        run,
        openEmbedder: () => openEmbedder(config.settings, 1, noticeOnStderr),
      });
      invocation.emit({ passed, checks });
      for (const line of checkLines(checks)) invocation.say(line);
      invocation.say(passed ? '\nThe gate passed.' : '\nThe gate did not pass.');
      return passed ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(verifyCommand, import.meta);
