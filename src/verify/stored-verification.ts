/** Verifications in the ledger, and the one that a new one is held against. */

import { optionName } from '../config/option-name.ts';
import type { Settings } from '../config/settings.ts';
import type { Queryable } from '../db/pool.ts';
import { utf8Json, utf8JsonSql } from '../db/utf8-text.ts';
import type { PresentIndex } from '../ledger/run/present-index.ts';
import type { ReadSettings } from '../ledger/reads/read-settings.ts';
import type { Check } from './checks/check.ts';
import type { SystemScore } from './measures/relevance.ts';

export interface StoredVerification {
  passed: boolean;
  checks: readonly Check[];
  /** Figures without any text. */
  result: object;
  index: Pick<PresentIndex, 'oid' | 'definition'> | null;
}

export async function saveVerification(
  db: Queryable,
  backfill: string,
  run: string,
  { passed, checks, result, index }: StoredVerification,
): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.verification (backfill, run, passed, checks, result, index_oid, index_definition)
     VALUES ($1, $2, $3, ${utf8JsonSql('$4')}, ${utf8JsonSql('$5')}, $6, $7)`,
    [
      backfill,
      run,
      passed,
      utf8Json(checks),
      utf8Json(result),
      index?.oid ?? null,
      index?.definition ?? null,
    ],
  );
}

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
  const recall = await db.query<{ recall: number }>(
    `SELECT (result #>> '{measures,recallAt10}')::float8 AS recall FROM pgvector_backfill.verification
      WHERE backfill = $1 AND passed AND result #>> '{measures,recallAt10}' IS NOT NULL
        AND result -> 'read' = $2::jsonb ORDER BY id DESC LIMIT 1`,
    [backfill, JSON.stringify(read)],
  );
  const relevance = await db.query<{ systems: SystemScore[] }>(
    `SELECT result #> '{relevance,systems}' AS systems FROM pgvector_backfill.verification
      WHERE backfill = $1 AND passed AND result #>> '{relevance,querySet}' = $2
        AND result #>> '{relevance,answers}' = 'as served' ORDER BY id DESC LIMIT 1`,
    [backfill, querySet],
  );
  const systems = relevance.rows[0]?.systems;
  return {
    recallAt10: recall.rows[0]?.recall ?? null,
    ndcg10:
      systems === undefined
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
      'REINDEX INDEX CONCURRENTLY, then VACUUM: many updates wear an index out.',
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
