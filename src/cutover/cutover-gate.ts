/** Reads move over only behind a verification that passed, not long ago, of the very index that they would use. */

import type { Settings } from '../config/settings.ts';
import type { Queryable } from '../db/pool.ts';
import { bareDefinition, presentIndex } from '../ledger/run/present-index.ts';
import {
  lastRelevance,
  lastVerification,
  type LastVerification,
} from '../ledger/verification/verification.ts';
import { verifiedWithOtherOptions } from '../ledger/verification/verified-options.ts';
import { isReadyRun, type Run } from '../ledger/run/run.ts';
import { tableFault } from '../ledger/run/run-target.ts';
import { scopeDifference } from '../ledger/run/scope.ts';
import type { Target } from '../table/backfill-target.ts';

export interface GateResult {
  passed: boolean;
  /** Why not; empty where it passed. */
  reason: string;
  /** The last one; null where there is none. */
  verification: { id: string; at: string; passed: boolean } | null;
}

/** Reads only. */
export async function cutoverGate(
  db: Queryable,
  target: Target,
  run: Run,
  settings: Settings,
): Promise<GateResult> {
  const last = await lastVerification(db, run.backfill);
  const reason = (await reasonAgainst(db, target, run, settings, last)) ?? '';
  const verification = last === null ? null : { id: last.id, at: last.at.toISOString(), passed: last.passed };
  return { passed: reason === '', reason, verification };
}

async function reasonAgainst(
  db: Queryable,
  target: Target,
  run: Run,
  settings: Settings,
  last: LastVerification | null,
): Promise<string | null> {
  if (!isReadyRun(run))
    return `run ${run.id} is ${run.state}${run.reason === '' ? '' : ` (${run.reason})`}, not ready`;
  const difference = scopeDifference(run.scope, settings);
  if (difference !== null) return `run ${run.id} was planned for other options: ${difference}`;
  const fault = await tableFault(db, run);
  if (fault !== null) return fault;
  if (last === null) return 'nothing was verified yet';
  if (last.run !== run.id)
    return `the last verification was of run ${last.run}, the present one is ${run.id}`;
  if (!last.passed) return `the last verification did not pass: ${last.failed.join(', ')}`;
  const otherwise = await verifiedWithOtherOptions(db, run);
  if (otherwise !== null) return otherwise;
  const worse = await unansweredRelevance(db, run, last);
  if (worse !== null)
    return `verification ${worse.id} did not pass ${worse.failed.join(', ')}, and none since has measured relevance: \`pgvector-backfill verify\` with --queries and --judgements, or with --judged`;
  if (last.hours > settings.verify.validHours)
    return `the last verification is ${last.hours.toFixed(1)} h old, verify.validHours is ${settings.verify.validHours}`;
  const index = await presentIndex(db, target, run.id);
  if (index === null) return 'there is no index';
  if (!index.valid) return `index ${index.name} is not valid`;
  if (last.oid === null) return 'the last verification did not note which index it was of';
  if (index.oid !== last.oid || bareDefinition(index.definition) !== bareDefinition(last.definition))
    return `index ${index.name} is not the one that was verified: it was built again since`;
  return null;
}

/** A verification without judged queries passes whatever relevance is: it does not take back what one with them has found. */
async function unansweredRelevance(
  db: Queryable,
  run: Run,
  last: LastVerification,
): Promise<Pick<LastVerification, 'id' | 'failed'> | null> {
  const measured = await lastRelevance(db, run, last.id);
  return measured === null || measured.failed.length === 0 ? null : measured;
}
