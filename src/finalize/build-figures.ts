/** What an index build came to: size, WAL, time, and whether its graph fitted. */

import type pg from 'pg';
import { quoteQualified } from '../db/identifiers.ts';
import type { IndexActual } from '../ledger/index-figures.ts';
import { relationBytesSql } from '../table/partitions.ts';
import type { Target } from '../table/target.ts';
import { spilledAfter } from './forecast.ts';
import type { IndexDefinition } from './index-definition.ts';

/** Bytes of WAL so far; null where it cannot be read. */
export async function walPosition(session: pg.Client): Promise<number | null> {
  const found = await session
    .query<{ bytes: number }>(`SELECT (pg_current_wal_insert_lsn() - '0/0')::float8 AS bytes`)
    .catch(() => null);
  return found?.rows[0]?.bytes ?? null;
}

export interface BuildCourse {
  seconds: number;
  notices: readonly string[];
  /** Bytes; null where it could not be read. */
  walBefore: number | null;
}

export async function measureBuild(
  session: pg.Client,
  target: Target,
  wanted: IndexDefinition,
  { seconds, notices, walBefore }: BuildCourse,
): Promise<IndexActual> {
  const size = await session.query<{ bytes: number }>(
    `SELECT ${relationBytesSql('to_regclass($1)')} AS bytes`,
    [quoteQualified({ schema: target.schema, name: wanted.name })],
  );
  const walAfter = walBefore === null ? null : await walPosition(session);
  return {
    sizeBytes: size.rows[0]?.bytes ?? 0,
    walBytes: walBefore === null || walAfter === null ? null : walAfter - walBefore,
    seconds,
    spilledAfter: spilledAfter(notices),
  };
}
