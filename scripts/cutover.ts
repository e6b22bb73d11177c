import { changeReads } from '../src/cutover/change-reads.ts';
import { cutoverGate, type GateResult } from '../src/cutover/cutover-gate.ts';
import {
  loadLibrarySql,
  plainSearchSql,
  planSearchFunction,
  settingsOfReads,
  type SearchFunction,
} from '../src/cutover/search-function.ts';
import { readerReports } from '../src/cutover/reader-reports.ts';
import { tryMode } from '../src/cutover/try-read-mode.ts';
import { ConfigError } from '../src/errors.ts';
import { recordEvent } from '../src/ledger/event/event.ts';
import {
  parseReadChoice,
  readModeOf,
  readsVectors,
  showReadChoice,
  type ReadChoice,
} from '../src/ledger/reads/read-mode.ts';
import type { ReadReport } from '../src/ledger/reads/read-report.ts';
import type { Run } from '../src/ledger/run/run.ts';
import { followScope } from '../src/ledger/run/scope.ts';
import { actorOf } from '../src/cutover/current-user.ts';
import { READ_MODE_SEEN_SECONDS } from '../src/search/create-search.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command, Invocation } from '../src/cli/command.ts';
import { reasonOf, refuse, tell, type Change } from '../src/cli/change.ts';
import { requireRun, withDatabase } from '../src/cli/session.ts';

export const cutover: Command = {
  name: 'cutover',
  summary:
    'Moves reads over: legacy → shadow → canary → vector or hybrid. Prints what it would do; does it only with --execute. Needs a passed verification.',
  flags: {
    to: { type: 'string', value: 'MODE', help: 'shadow, canary:PERCENT, vector or hybrid' },
    reason: { type: 'string', value: 'TEXT', help: 'Why; kept in the event log' },
    override: {
      type: 'string',
      value: 'TEXT',
      help: 'Although the gate does not pass, for this reason; kept in the event log',
    },
    execute: { type: 'boolean', help: 'Do it; without this nothing is changed' },
  },
  async run(invocation) {
    const to = wantedChoice(invocation);
    const override = wantedOverride(invocation);
    const config = await invocation.config();
    const { settings, backfill } = config;
    const execute = invocation.flags['execute'] === true;
    return withDatabase(config, 'cutover', invocation.logger(settings.logLevel), async (pool) => {
      const run = await requireRun(pool, backfill);
      // What is made for reads is the run's, also where the gate is passed by with other options.
      const followed = followScope(run, settings);
      const target = await describeTarget(pool, backfill, followed);
      const from = await readModeOf(pool, backfill);
      const readers = await readerReports(pool, run, to);
      const read = await settingsOfReads(pool, target);
      const trial = await tryMode({ pool, target, settings: followed, read }, to);
      const verified = await cutoverGate(pool, target, run, settings);
      const gate = refusedBy(refusedBy(verified, readers.refusal), trial.refusal);
      const inSql = await planSearchFunction(pool, target, followed.metric, read);
      const change: Change & {
        gate: GateResult;
        readers: ReadReport[];
        sql: { function: string | null; query: string };
      } = {
        action: 'cutover',
        backfill,
        from: showReadChoice(from),
        to: showReadChoice(to),
        executed: false,
        plan: planLines(run, from, to, inSql, gate.passed ? null : override),
        notes: [...trial.notes, ...(readers.note === null ? [] : [readers.note]), ...notesOf(inSql)],
        reason: reasonOf(invocation),
        gate,
        readers: readers.reports,
        sql: {
          function: inSql.obstacle === null ? inSql.name : null,
          query: plainSearchSql(target, followed.metric, read),
        },
      };
      // Where nothing moves there is nothing to guard: what reads have in SQL is only brought in line.
      const moves = change.from !== change.to;
      if (moves && !gate.passed && override === null) {
        const reason = `the gate refuses: ${gate.reason}`;
        if (execute)
          await recordEvent(pool, {
            backfill,
            run: run.id,
            level: 'warn',
            kind: 'reads.refused',
            message: `${change.from} → ${change.to}: ${gate.reason}`,
            detail: { by: await actorOf(pool) },
          });
        return refuse(invocation, { ...change, reason }, { code: 'CUTOVER_GATE', remedy: GATE_REMEDY });
      }
      if (execute)
        await changeReads(pool, run, {
          to,
          reason: change.reason,
          override: gate.passed ? null : override,
          detail: { verification: gate.verification?.id ?? null },
          statements: inSql.statements,
          prepare: loadLibrarySql(target),
        });
      const code = tell(invocation, { ...change, executed: execute });
      invocation.say(`\nPlain SQL, $1 the vector, $2 the number of rows:\n${change.sql.query}`);
      return code;
    });
  },
};

/** What stands against it besides the verification. */
const refusedBy = (gate: GateResult, refusal: string | null): GateResult =>
  refusal === null
    ? gate
    : { ...gate, passed: false, reason: gate.passed ? refusal : `${gate.reason}; ${refusal}` };

const GATE_REMEDY =
  'Run `pgvector-backfill verify` and do what it says, or mend what the reason names; or go on all the same with --override "the reason".';

function wantedChoice({ flags }: Invocation): ReadChoice {
  const to = flags['to'];
  const choice = typeof to === 'string' ? parseReadChoice(to) : null;
  if (choice?.mode === 'legacy')
    throw new ConfigError('--to legacy is a rollback.', {
      code: 'USAGE',
      remedy: 'Use `pgvector-backfill rollback --execute`, which asks for no verification.',
    });
  if (choice !== null) return choice;
  throw new ConfigError(
    `--to must be shadow, canary:PERCENT (1 to 100), vector or hybrid${to === undefined ? '' : ` (got ${String(to)})`}.`,
    { code: 'USAGE', remedy: 'Begin with --to shadow, then --to canary:10.' },
  );
}

function wantedOverride(invocation: Invocation): string | null {
  if (invocation.flags['override'] === undefined) return null;
  const override = reasonOf(invocation, 'override');
  if (override !== '') return override;
  throw new ConfigError('--override needs a reason.', {
    code: 'USAGE',
    remedy: 'Say why the gate is passed by: --override "the reason".',
  });
}

function planLines(
  run: Run,
  from: ReadChoice,
  to: ReadChoice,
  inSql: SearchFunction,
  override: string | null,
): string[] {
  const lines = inSql.statements.map((sql) => `${sql};`);
  if (showReadChoice(from) === showReadChoice(to)) return lines;
  if (override !== null) lines.push(`pass by the gate, for this reason: ${override}`);
  lines.push(
    `read mode ${showReadChoice(from)} → ${showReadChoice(to)}; applications see it within ${READ_MODE_SEEN_SECONDS} s`,
  );
  if (readsVectors(to) && run.state !== 'cut_over') lines.push(`run ${run.id}: ${run.state} → cut_over`);
  if (!readsVectors(to) && run.state === 'cut_over') lines.push(`run ${run.id}: cut_over → ready`);
  return lines;
}

const notesOf = ({ name, obstacle }: SearchFunction): string[] => [
  ...(obstacle === null ? [] : [`the function ${name} is not made: ${obstacle}`]),
  'Back at any time: pgvector-backfill rollback --execute',
];

await runAsProgram(cutover, import.meta);
