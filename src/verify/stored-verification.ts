/** Verifications in the ledger, and the one that a new one is held against. */

import { optionName } from '../config/option-name.ts';
import type { Settings } from '../config/settings.ts';
import type { Queryable } from '../db/pool.ts';
import type { ReadSettings } from '../ledger/reads/read-settings.ts';
import type { Check } from './check.ts';
import type { SystemScore } from './measures/relevance.ts';
import { lastPassedRecall, lastPassedSystems } from '../ledger/verification/verification.ts';

export interface Baseline {
  /** nDCG@10 by system. */
  ndcg10: Partial<Record<SystemScore['name'], number>> | null;
  recallAt10: number | null;
}

/** Of the last passed verification that has the figure: recall with the same settings, relevance on the same queries and judgements. */
export async function loadBaseline(
  db: Queryable,
  backfill: string,
  { read, querySet }: { read: ReadSettings; querySet: string | null },
): Promise<Baseline> {
  const recallAt10 = await lastPassedRecall(db, backfill, read);
  const systems = await lastPassedSystems<SystemScore>(db, backfill, querySet);
  return {
    recallAt10,
    ndcg10:
      systems === null
        ? null
        : Object.fromEntries(
            systems.flatMap(({ name, ndcg10 }) => (ndcg10 === null ? [] : [[name, ndcg10]])),
          ),
  };
}

export interface Measured {
  recallAt10: number | null;
  systems: readonly SystemScore[] | null;
}

/** Searches of vectors must not have become worse; the legacy search and full text are the operator's own. */
const GUARDED = ['vector', 'hybrid'] as const;

/** No check for a figure that was not measured, or never before. */
export function baselineChecks(before: Baseline, now: Measured, settings: Settings): Check[] {
  const tolerance = settings.verify.tolerance;
  const checks: Check[] = [];
  const compare = (name: string, was: number, is: number, what: string, remedy: string): void => {
    // The stored figure has gone through JSON; what fell by exactly the tolerance is within it.
    const passed = is >= was - tolerance - 1e-12;
    checks.push({
      name,
      passed,
      value: is,
      threshold: was - tolerance,
      detail: `${what}: ${is.toFixed(4)}, ${was.toFixed(4)} when verify passed last; a drop of ${tolerance} is accepted`,
      remedy: passed ? null : `${remedy} Or accept it by ${optionName('verify.tolerance')}.`,
    });
  };
  if (before.recallAt10 !== null && now.recallAt10 !== null)
    compare(
      'recall-baseline',
      before.recallAt10,
      now.recallAt10,
      'recall@10 of the index',
      'Run `pgvector-backfill finalize --rebuild`: many updates wear an index out.',
    );
  for (const name of GUARDED) {
    const was = before.ndcg10?.[name];
    const is = now.systems?.find((system) => system.name === name)?.ndcg10;
    if (was !== undefined && is != null)
      compare(
        `relevance-baseline:${name}`,
        was,
        is,
        `nDCG@10 of ${name}`,
        'Look for what changed since: `pgvector-backfill status` tells of the model; texts and masking rules change vectors too.',
      );
  }
  return checks;
}
