/** Verifications: what `verify` has found each time, and of which index. */

import type { Queryable } from '../../db/pool.ts';
import { utf8Json, utf8JsonSql } from '../../db/utf8-text.ts';
import type { ReadSettings } from '../reads/read-settings.ts';
import type { PresentIndex } from '../run/present-index.ts';

export interface StoredVerification {
  passed: boolean;
  checks: readonly object[];
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

/** recall@10 of the last passed one that was of searches with these settings; null where none was. */
export async function lastPassedRecall(
  db: Queryable,
  backfill: string,
  read: ReadSettings,
): Promise<number | null> {
  const found = await db.query<{ recall: number }>(
    `SELECT (result #>> '{measures,recallAt10}')::float8 AS recall FROM pgvector_backfill.verification
      WHERE backfill = $1 AND passed AND result #>> '{measures,recallAt10}' IS NOT NULL
        AND result -> 'read' = $2::jsonb ORDER BY id DESC LIMIT 1`,
    [backfill, JSON.stringify(read)],
  );
  return found.rows[0]?.recall ?? null;
}

/** Scores of the systems from the last passed one on these queries and judgements, answered as served; null where none was. */
export async function lastPassedSystems<Score>(
  db: Queryable,
  backfill: string,
  querySet: string | null,
): Promise<Score[] | null> {
  const found = await db.query<{ systems: Score[] }>(
    `SELECT result #> '{relevance,systems}' AS systems FROM pgvector_backfill.verification
      WHERE backfill = $1 AND passed AND result #>> '{relevance,querySet}' = $2
        AND result #>> '{relevance,answers}' = 'as served' ORDER BY id DESC LIMIT 1`,
    [backfill, querySet],
  );
  return found.rows[0]?.systems ?? null;
}

export interface LastVerification {
  id: string;
  run: string | null;
  at: Date;
  /** Since then. */
  hours: number;
  passed: boolean;
  /** Names of the checks that did not pass. */
  failed: string[];
  /** Of the index that it was of. */
  oid: string | null;
  definition: string | null;
}

/** Null before the first one. */
export async function lastVerification(db: Queryable, backfill: string): Promise<LastVerification | null> {
  const found = await db.query<LastVerification>(
    `SELECT id::text AS id, run::text AS run, at, extract(epoch FROM now() - at)::float8 / 3600 AS hours, passed,
            ARRAY(SELECT c ->> 'name' FROM jsonb_array_elements(checks) c WHERE c ->> 'passed' = 'false') AS failed,
            index_oid::text AS oid, index_definition AS definition
       FROM pgvector_backfill.verification WHERE backfill = $1 ORDER BY verification.id DESC LIMIT 1`,
    [backfill],
  );
  return found.rows[0] ?? null;
}

/** Of those of the run up to `upTo`, the last one with judged queries, and its checks of relevance that did not pass. */
export async function lastRelevance(
  db: Queryable,
  { id, backfill }: { id: string; backfill: string },
  upTo: string,
): Promise<Pick<LastVerification, 'id' | 'failed'> | null> {
  const found = await db.query<Pick<LastVerification, 'id' | 'failed'>>(
    `SELECT id::text AS id,
            ARRAY(SELECT c ->> 'name' FROM jsonb_array_elements(checks) c
                   WHERE c ->> 'passed' = 'false' AND c ->> 'name' LIKE 'relevance%') AS failed
       FROM pgvector_backfill.verification
      WHERE backfill = $1 AND run = $2 AND id <= $3 AND result #>> '{relevance,systems}' IS NOT NULL
      ORDER BY verification.id DESC LIMIT 1`,
    [backfill, id, upTo],
  );
  return found.rows[0] ?? null;
}
