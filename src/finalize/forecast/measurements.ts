/** What an index build came to: size, WAL, time, and whether its graph fitted. */

import type pg from 'pg';
import { quoteQualified } from '../../db/identifiers.ts';
import type { IndexMeasurements } from '../../ledger/run/index-measurements.ts';
import { relationBytesSql } from '../../table/partitions.ts';
import { walPosition } from '../../table/table-sizes.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { BuildTimings } from '../build/timings.ts';
import { spilledAfter } from './index-size.ts';
import type { IndexDefinition } from '../index-definition.ts';

export interface Measured {
  timings: BuildTimings;
  notices: readonly string[];
  /** Bytes; null where it could not be read. */
  walBefore: number | null;
  /** maintenance_work_mem that the build had, bytes. */
  memoryBytes: number;
}

export async function measureBuild(
  session: pg.Client,
  target: Target,
  wanted: IndexDefinition,
  { timings, notices, walBefore, memoryBytes }: Measured,
): Promise<IndexMeasurements> {
  const walAfter = walBefore === null ? null : await walPosition(session);
  return {
    sizeBytes: await indexBytes(session, target, wanted),
    walBytes: walBefore === null || walAfter === null ? null : walAfter - walBefore,
    ...timings.measured,
    memoryBytes,
    spilledAfter: spilledAfter(notices),
  };
}

/**
 * Of an index that another process has built: what that wrote, and what the server told its session, nobody knows.
 * @param watched its timings, where this process has waited for it
 */
export async function measureObservedBuild(
  session: pg.Client,
  target: Target,
  wanted: IndexDefinition,
  watched: BuildTimings['measured'] | null,
): Promise<IndexMeasurements> {
  const sizeBytes = await indexBytes(session, target, wanted);
  return {
    sizeBytes,
    walBytes: null,
    ...(watched ?? { seconds: null }),
    memoryBytes: null,
    spilledAfter: null,
  };
}

async function indexBytes(session: pg.Client, target: Target, { name }: IndexDefinition): Promise<number> {
  const size = await session.query<{ bytes: number }>(
    `SELECT ${relationBytesSql('to_regclass($1)')} AS bytes`,
    [quoteQualified({ schema: target.store.schema, name })],
  );
  return size.rows[0]?.bytes ?? 0;
}
