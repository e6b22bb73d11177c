/** What a cut-over would do, whether the gate lets it, and doing it. */

import type { Config } from '../config/load.ts';
import type { Pool } from '../db/pool.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { readModeOf, readsVectors, showReadChoice, type ReadChoice } from '../ledger/reads/read-mode.ts';
import type { ReadReport } from '../ledger/reads/read-report.ts';
import type { Run } from '../ledger/run/run.ts';
import { followScope } from '../ledger/run/scope.ts';
import { READ_MODE_SEEN_SECONDS } from '../search/create-search.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';
import { changeReads } from './change-reads.ts';
import { currentUser } from './current-user.ts';
import { cutoverGate, type GateResult } from './cutover-gate.ts';
import { readerReports } from './reader-reports.ts';
import {
  loadLibrarySql,
  plainSearchSql,
  planSearchFunction,
  settingsOfReads,
  type SearchFunction,
} from './search-function.ts';
import { tryReadMode } from './try-read-mode.ts';

export interface CutoverRequest {
  to: ReadChoice;
  /** Why although the gate does not pass. */
  override: string | null;
  /** Why at all; kept in the event log. */
  reason: string;
}

export interface CutoverPlan {
  from: ReadChoice;
  gate: GateResult;
  readers: ReadReport[];
  /** One line each; empty where there is nothing to do. */
  lines: string[];
  notes: string[];
  /** Moves reads, and what reads have in SQL. */
  execute: () => Promise<void>;
  sql: {
    /** Null where it is not made. */
    function: string | null;
    query: string;
  };
}

export async function planCutover(
  pool: Pool,
  { backfill, settings }: Config,
  run: Run,
  { to, override, reason }: CutoverRequest,
): Promise<CutoverPlan> {
  // What is made for reads is the run's, also where the gate is passed by with other options.
  const followed = followScope(run, settings);
  const target = await describeTarget(pool, backfill, followed);
  const from = await readModeOf(pool, backfill);
  const readers = await readerReports(pool, run, to);
  const read = await settingsOfReads(pool, target);
  const trial = await tryReadMode({ pool, target, settings: followed, read }, to);
  const verified = await cutoverGate(pool, target, run, settings);
  const gate = refusedBy(refusedBy(verified, readers.refusal), trial.refusal);
  const inSql = await planSearchFunction(pool, target, followed.metric, read);
  const passedBy = gate.passed ? null : override;
  return {
    from,
    gate,
    readers: readers.reports,
    lines: planLines(run, from, to, inSql, passedBy),
    notes: [...trial.notes, ...(readers.note === null ? [] : [readers.note]), ...notesOf(inSql)],
    sql: {
      function: inSql.obstacle === null ? inSql.name : null,
      query: plainSearchSql(target, followed.metric, read),
    },
    execute: async () => {
      await changeReads(pool, run, {
        to,
        reason,
        override: passedBy,
        detail: { verification: gate.verification?.id ?? null },
        statements: inSql.statements,
        prepare: loadLibrarySql(target),
      });
    },
  };
}

/** The refusal of a cut-over that was to be executed. */
export async function recordRefusal(
  pool: Pool,
  run: Run,
  { from, gate }: CutoverPlan,
  to: ReadChoice,
): Promise<void> {
  await recordEvent(pool, {
    backfill: run.backfill,
    run: run.id,
    level: 'warn',
    kind: 'reads.refused',
    message: `${showReadChoice(from)} → ${showReadChoice(to)}: ${gate.reason}`,
    detail: { by: await currentUser(pool) },
  });
}

/** What stands against it besides the verification. */
const refusedBy = (gate: GateResult, refusal: string | null): GateResult =>
  refusal === null
    ? gate
    : { ...gate, passed: false, reason: gate.passed ? refusal : `${gate.reason}; ${refusal}` };

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
