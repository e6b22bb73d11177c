/** What people judged by clicks: which row is how good for which query, whichever generation has found it. */

import { backfillOf } from '../../config/values/generation-name.ts';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';

/** 0: not relevant, 1: partly, 2: relevant. As in graded judgements of TREC, 1 and more count as relevant. */
export const GRADES = [0, 1, 2] as const;
export type Grade = (typeof GRADES)[number];

export interface JudgedQuery {
  query: string;
  judgements: number;
  /** Judged 1 or 2. */
  relevant: number;
}

/** The last click counts; null takes the judgement back. */
export async function saveJudgement(
  db: Queryable,
  backfill: string,
  { query, key, grade }: { query: string; key: string; grade: Grade | null },
): Promise<void> {
  if (grade === null) {
    await db.query(
      'DELETE FROM pgvector_backfill.judgement WHERE backfill = $1 AND md5(query) = md5($2) AND key = $3',
      [backfillOf(backfill), query, key],
    );
    return;
  }
  await db.query(
    `INSERT INTO pgvector_backfill.judgement (backfill, query, key, grade) VALUES ($1, $2, $3, $4)
     ON CONFLICT (backfill, md5(query), key) DO UPDATE SET grade = excluded.grade, judged_at = now()`,
    [backfillOf(backfill), query, key, grade],
  );
}

/** Key → grade, of one query; null where the database's encoding cannot hold it, so that it cannot be judged either. */
export async function gradesOf(
  db: Queryable,
  backfill: string,
  query: string,
): Promise<Map<string, Grade> | null> {
  const found = await db
    .query<{ key: string; grade: Grade }>(
      'SELECT key, grade FROM pgvector_backfill.judgement WHERE backfill = $1 AND md5(query) = md5($2)',
      [backfillOf(backfill), query],
    )
    .catch((error: unknown) => {
      if (hasSqlState(error, SQLSTATE.untranslatable)) return null;
      throw error;
    });
  return found === null ? null : new Map(found.rows.map(({ key, grade }) => [key, grade]));
}

/** The newest ones first. */
export async function judgedQueries(db: Queryable, backfill: string, max: number): Promise<JudgedQuery[]> {
  const found = await db.query<JudgedQuery>(
    `SELECT query, count(*)::int AS judgements, count(*) FILTER (WHERE grade > 0)::int AS relevant
       FROM pgvector_backfill.judgement WHERE backfill = $1 GROUP BY query ORDER BY max(judged_at) DESC LIMIT $2`,
    [backfillOf(backfill), max],
  );
  return found.rows;
}

/** All of a backfill, in the form of a query set: the text stands for the query's id. */
export async function loadJudged(
  db: Queryable,
  backfill: string,
): Promise<{ queries: { id: string; text: string }[]; judgements: Map<string, Map<string, number>> }> {
  const found = await db.query<{ query: string; key: string; grade: Grade }>(
    'SELECT query, key, grade FROM pgvector_backfill.judgement WHERE backfill = $1 ORDER BY query, key',
    [backfillOf(backfill)],
  );
  const judgements = new Map<string, Map<string, number>>();
  for (const { query, key, grade } of found.rows) {
    const grades = judgements.get(query) ?? new Map<string, number>();
    judgements.set(query, grades.set(key, grade));
  }
  return { queries: [...judgements.keys()].map((text) => ({ id: text, text })), judgements };
}
