import { readModeOf, showReadChoice, showReadMode } from '../src/ledger/reads/read-mode.ts';
import { reasonOf, refuse, tell } from '../src/cli/change.ts';
import type { Command } from '../src/cli/command.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { wantedGeneration } from '../src/ledger/generation/choose.ts';
import { requireRun } from '../src/ledger/run/require-run.ts';
import { withDatabase } from '../src/cli/session.ts';
import { configOfWanted, wantedReads } from '../src/cutover/wanted-reads.ts';
import { parseGenerationName } from '../src/config/values/generation-name.ts';
import { wantedChoice, wantedOverride } from '../src/cutover/cutover-flags.ts';
import { CUTOVER_FLAGS } from './lib/cutover-flags.ts';
import { planCutover, recordRefusal } from '../src/cutover/plan-cutover.ts';

const gateRemedy = (generation: number): string =>
  `Run \`pgvector-backfill verify${generation === 1 ? '' : ` --generation ${generation}`}\` and do what it says, or mend what the reason names; or go on all the same with --override "the reason".`;

export const cutover: Command = {
  name: 'cutover',
  summary:
    'Moves reads over: legacy → shadow → interleave or canary → vector or hybrid; from one generation to another in the same way. Prints what it would do; does it only with --execute. Needs a passed verification.',
  flags: CUTOVER_FLAGS,
  async run(invocation) {
    const wanted = wantedChoice(invocation.flags['to']);
    const override = wantedOverride(invocation.flags['override']);
    const reason = reasonOf(invocation);
    const generationFlag = wantedGeneration(invocation.flags['generation']);
    const configured = await invocation.config();
    const logger = invocation.logger(configured.settings.logLevel);
    const execute = invocation.flags['execute'] === true;
    return withDatabase(configured, 'cutover', logger, async (pool) => {
      const config = await configOfWanted(pool, configured, generationFlag);
      const run = await requireRun(pool, config.backfill);
      const { backfill, generation } = parseGenerationName(config.backfill);
      const to = wantedReads(await readModeOf(pool, backfill), wanted, generation);
      const plan = await planCutover(pool, config, run, { to, override, reason });
      const { from, gate, readers, sql } = plan;
      const words = { of: backfill, from: showReadChoice(from), to: showReadChoice(to) };
      const change = {
        action: 'cutover' as const,
        backfill,
        generation,
        fromGeneration: from.generation,
        from: showReadMode(from),
        to: showReadMode(to),
        executed: false,
        plan: plan.lines,
        notes: plan.notes,
        reason,
        gate,
        readers,
        sql,
      };
      // Where nothing moves there is nothing to guard: what reads have in SQL is only brought in line.
      const moves = words.from !== words.to;
      if (moves && !gate.passed && override === null) {
        if (execute) await recordRefusal(pool, run, plan, to);
        const refused = { ...change, reason: `the gate refuses: ${gate.reason}` };
        return refuse(invocation, refused, { code: 'CUTOVER_GATE', remedy: gateRemedy(generation) });
      }
      if (execute) await plan.execute();
      const code = tell(invocation, { ...change, executed: execute }, words);
      invocation.say(`\nPlain SQL, $1 the vector, $2 the number of rows:\n${sql.query}`);
      return code;
    });
  },
};

await runAsProgram(cutover, import.meta);
