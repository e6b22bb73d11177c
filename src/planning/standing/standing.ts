/**
 * What stands in the database of backfills that were planned before: after a restore, an upgrade or a failover some of it may be
 * missing, or be of another day than the rest. What `enqueue` mends is no blocker of it.
 */

import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { hidesRows } from '../../db/row-security.ts';
import { messageOf } from '../../errors.ts';
import { describeTarget } from '../../ledger/backfill/describe-target.ts';
import {
  presentGenerations,
  type Generation,
  type GenerationRun,
} from '../../ledger/generation/generation.ts';
import { configOfGeneration } from '../../ledger/generation/settings.ts';
import { isReadyRun } from '../../ledger/run/run.ts';
import { followScope } from '../../ledger/run/scope.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from '../checks/finding.ts';
import { checkArmed } from './capture.ts';
import { checkDatabaseCollation } from './collation.ts';
import { checkExtensionFiles } from './extension-files.ts';
import { checkIndexAnswers } from './index-answers.ts';
import { checkLedgerAhead } from './ledger-ahead.ts';
import { checkSequences } from './sequences.ts';
import { checkStatistics } from './statistics.ts';

/** Of the server and the ledger, behind a look that all of it is there and ours. */
export const checkStanding = async (pool: Pool): Promise<Finding[]> => [
  ...(await checkExtensionFiles(pool)),
  ...(await checkDatabaseCollation(pool)),
  ...(await checkSequences(pool)),
];

/** Of each generation that has a run, by the options that it was planned with. @param settings of the configuration */
export async function checkGenerations(pool: Pool, backfill: string, settings: Settings): Promise<Finding[]> {
  const present = await presentGenerations(pool, backfill);
  const findings: Finding[] = [];
  for (const each of present) {
    if (each.run === null) continue;
    try {
      findings.push(...(await checkGeneration(pool, each, each.run, present.length, settings)));
    } catch (error) {
      // Of rows that are hidden the table's own checks tell.
      if (hidesRows(error)) continue;
      findings.push({
        level: 'warn',
        check: 'generation',
        message: `Generation ${each.generation} cannot be looked at: ${messageOf(error)}`,
      });
    }
  }
  return findings;
}

async function checkGeneration(
  pool: Pool,
  generation: Generation,
  run: GenerationRun,
  generations: number,
  configured: Settings,
): Promise<Finding[]> {
  const config = { backfill: generation.name, settings: configured, file: null };
  const own = generations === 1 ? config : configOfGeneration(config, generation);
  const settings = followScope({ id: run.id, scope: run.scope ?? {} }, own.settings);
  const target = await describeTarget(pool, generation.name, settings);
  const missing = await missingStores(pool, target, run);
  if (missing.length > 0) return missing;
  const isReady = isReadyRun(run);
  return [
    ...(await checkArmed(pool, target)),
    ...(await checkStatistics(pool, target)),
    ...(isReady ? await checkIndexAnswers(pool, target, settings, run.id) : []),
    ...(isReady && run.state !== 'completed' ? await checkLedgerAhead(pool, target) : []),
  ];
}

/** Of a run that is completed the staging table has been dropped. */
async function missingStores(pool: Pool, target: Target, { id, state }: GenerationRun): Promise<Finding[]> {
  const found = await pool.query<{ stage: boolean }>('SELECT to_regclass($1) IS NOT NULL AS stage', [
    target.stage,
  ]);
  const lost = [
    ...(target.dimensions === null
      ? [
          target.store.kind === 'table'
            ? `the table of vectors ${target.store.table}`
            : `column ${target.store.column} of ${target.schema}.${target.name}`,
        ]
      : []),
    ...(found.rows[0]?.stage === true || state === 'completed'
      ? []
      : [`the staging table ${target.stage}, which tells of which text each vector is`]),
  ];
  return lost.map((what) => ({
    level: 'warn',
    check: 'vectors-gone',
    message: `Run ${id} has lost ${what}.`,
    remedy:
      'Restore it from the dump that the ledger is of (pg_restore --table); else `pgvector-backfill enqueue` makes it, and workers embed every row again.',
  }));
}
