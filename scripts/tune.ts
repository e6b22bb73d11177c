import { recordEvent } from '../src/ledger/event/event.ts';
import { readThrottle, saveTuned } from '../src/ledger/progress/throttle-state.ts';
import { parseGenerationName } from '../src/config/values/generation-name.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { OPEN_GENERATION_FLAG, withOpenGeneration } from '../src/cli/session.ts';
import { readTuned, tunedChanges } from '../src/throttle/tune-flags.ts';

export const tune: Command = {
  name: 'tune',
  summary:
    'Changes the load of the run while it is under way: every worker takes it up between batches, without a restart. Without flags it shows what is tuned.',
  flags: {
    'merge-rows': { type: 'string', value: 'N', help: 'In the place of mergeRows' },
    concurrency: { type: 'string', value: 'N', help: 'In the place of worker.concurrency, of each worker' },
    'rows-per-second': {
      type: 'string',
      value: 'N|off',
      help: 'In the place of throttle.rowsPerSecond, of all workers together',
    },
    threshold: {
      type: 'string',
      multiple: true,
      value: 'NAME=HOLD[:STOP]',
      help: 'In the place of throttle.NAME, such as replicaLag=5:600 or lockWaiters=off; may be given again, or as a list',
    },
    reset: { type: 'boolean', help: 'Back to the options, before the other flags take effect' },
    ...OPEN_GENERATION_FLAG,
  },
  options: ['database.url', 'table', 'logLevel'],
  async run(invocation) {
    const asked = await invocation.config(['text']);
    readTuned(invocation.flags, asked.settings, {});
    const logger = invocation.logger(asked.settings.logLevel);
    return withOpenGeneration(invocation, asked, 'tune', logger, async (pool, { settings, backfill }) => {
      const run = await requireRun(pool, backfill);
      const { tuned: before } = await readThrottle(pool, backfill);
      const tuned = readTuned(invocation.flags, settings, before);
      const changes = tunedChanges(settings, before, tuned);
      if (JSON.stringify(tuned) !== JSON.stringify(before)) {
        await saveTuned(pool, backfill, tuned);
        const message = changes.map(({ name, shown }) => `${name}: ${shown.join(' → ')}`).join('; ');
        const about = { backfill, run: run.id, level: 'info', kind: 'run.tuned' } as const;
        await recordEvent(pool, { ...about, message, detail: { tuned } });
      }
      invocation.emit({
        ...parseGenerationName(backfill),
        tuned,
        changes: changes.map(({ name, old, new: now }) => ({ name, old, new: now })),
      });
      for (const { name, shown } of changes) invocation.say(`${name}: ${shown.join(' → ')}`);
      if (changes.length === 0) {
        const all = tunedChanges(settings, {}, tuned);
        invocation.say(all.length === 0 ? 'Nothing is tuned.' : 'Nothing changes; tuned are:');
        for (const { name, shown } of all) invocation.say(`${name}: ${shown[1]} (option: ${shown[0]})`);
      }
      return EXIT.done;
    });
  },
};

await runAsProgram(tune, import.meta);
