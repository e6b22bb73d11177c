/** Vectors that somebody else has made are not thrown away in silence. */

import { quoteQualified } from '../../db/identifiers.ts';
import { ledgerState } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import { latestRun } from '../../ledger/run/run.ts';
import { vectorColumn } from '../../table/stored-vectors.ts';
import { estimatedRows } from '../../table/estimated-rows.ts';
import { sampledPagesSql } from '../../table/sample-rows.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

/** Read to find one with a vector. */
const LOOKED_ROWS = 20_000;

/** Before the first run alone: then the column has vectors of ours. Reads a few pages. */
export async function checkPresentVectors(db: Queryable, target: Target): Promise<Finding[]> {
  if (target.dimensions === null || target.store.kind === 'table') return [];
  const { version, missing } = await ledgerState(db);
  const isNew = version === 0 || (missing.length === 0 && (await latestRun(db, target.backfill)) === null);
  if (!isNew) return [];
  const rows = Math.max(1, await estimatedRows(db, target.table));
  const found = await db.query<{ present: boolean }>(
    `SELECT EXISTS (SELECT FROM ${target.table} ${sampledPagesSql()} WHERE ${vectorColumn(target)} IS NOT NULL) AS present`,
    [Math.min(100, (100 * LOOKED_ROWS) / rows)],
  );
  if (found.rows[0]?.present !== true) return [];
  if (version === 0 && (await hasOwnIndex(db, target)))
    return [
      {
        level: 'warn',
        check: 'vectors',
        message: `Column ${target.column} holds vectors with an index of the name that this tool gives, and this database has no ledger that tells of them: \`pgvector-backfill enqueue\` embeds every row again.`,
        remedy:
          'Where the database was restored without schema pgvector_backfill, restore that schema too (pg_restore --schema=pgvector_backfill). Where no dump has it, `pgvector-backfill enqueue --adopt` compares a sample of the vectors and takes them over (docs/adopting.md).',
      },
    ];
  return [
    {
      level: 'warn',
      check: 'vectors',
      message: `Column ${target.column} holds vectors that this tool has not made: \`pgvector-backfill enqueue\` embeds every row again, and workers put its vector in their place.`,
      remedy:
        'If they are of the very model that is configured, `pgvector-backfill enqueue --adopt` compares a sample of them and takes them over (docs/adopting.md).',
    },
  ];
}

async function hasOwnIndex(db: Queryable, { store, indexName }: Target): Promise<boolean> {
  const found = await db.query<{ present: boolean }>('SELECT to_regclass($1) IS NOT NULL AS present', [
    quoteQualified({ schema: store.schema, name: indexName }),
  ]);
  return found.rows[0]?.present === true;
}
