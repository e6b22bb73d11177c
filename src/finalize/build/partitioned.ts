/**
 * The index of a partitioned table, which cannot be built concurrently as one: an index without entries on the parent, one
 * built concurrently on each partition, attached until the parent's turns valid. The parent's comes first, so that
 * partitions made meanwhile get theirs by themselves. What is attached stays: a build that is interrupted goes on there.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { DDL_LIMITS, backoffMs } from '../../db/transaction.ts';
import { TransientError } from '../../errors.ts';
import { leafTarget, type Target } from '../../table/backfill-target.ts';
import { nameTaken, stillInvalid, untilValid, type BuildInput, type BuildAttempt } from './attempt.ts';
import type { BuildSession } from './session.ts';
import { createParentIndexSql, findIndex, wantedIndex, type IndexDefinition } from '../index-definition.ts';

/** @throws GateError where an index of another definition is in the way, TransientError where locks are not to be had. */
export async function buildPartitioned(
  input: BuildInput,
  session: BuildSession,
  done: BuildAttempt,
): Promise<void> {
  const { target, wanted } = input;
  const found = await findIndex(session.client, target, wanted);
  if (found.kind === 'valid') return;
  if (found.kind === 'other') throw nameTaken(input, found.definition);
  if (found.kind === 'none') {
    await underShortLock(session, target, [createParentIndexSql(target, wanted)]);
    await input.onBegin?.();
    // Valid at once where there is no partition yet.
    done.built = true;
  }
  // Partitions may come and go meanwhile: they are looked up again after each one.
  const refused = new Set<string>();
  for (;;) {
    const parts = await partsOf(session.client, target, indexName(target, wanted));
    const next = parts.find((part) => part.index === null && !refused.has(part.oid));
    if (next === undefined) break;
    await buildPart({ input, session, done, parts }, next);
    // One that was detached in mid-build is no longer listed; one that is still listed without its index would be built for ever.
    refused.add(next.oid);
  }
  if ((await findIndex(session.client, target, wanted)).kind !== 'valid')
    throw stillInvalid(input, 'of its partitions some have no valid index (\\d+ of the index in psql)');
}

/** Code of the TransientError where the locks were not to be had. */
export const ATTACH_LOCKED = 'INDEX_ATTACH_LOCKED';

const indexName = ({ store: { schema } }: Target, { name }: IndexDefinition): string =>
  quoteQualified({ schema, name });

interface Part {
  oid: string;
  schema: string;
  name: string;
  isLeaf: boolean;
  rows: number;
  bytes: number;
  /** Of the index of the table above it, quoted; null where that has none yet. */
  parentIndex: string | null;
  /** Its own that is attached to that one, quoted; null where there is none. */
  index: string | null;
}

/** From the top down, so that a part's parent has its index before it. @param index quoted */
async function partsOf(db: Queryable, target: Target, index: string): Promise<Part[]> {
  const found = await db.query<Part>(
    `WITH indexes AS (
       SELECT t.relid AS index, i.indrelid AS relation FROM pg_partition_tree(to_regclass($2)) t JOIN pg_index i ON i.indexrelid = t.relid)
     SELECT t.relid::oid::text AS oid, n.nspname::text AS schema, c.relname::text AS name, t.isleaf AS "isLeaf",
            greatest(c.reltuples, 0)::float8 AS rows, pg_relation_size(c.oid)::float8 AS bytes,
            (SELECT index::regclass::text FROM indexes WHERE relation = t.parentrelid) AS "parentIndex",
            (SELECT index::regclass::text FROM indexes WHERE relation = t.relid) AS index
       FROM pg_partition_tree($1::regclass) t
       JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE t.level > 0 ORDER BY t.level, n.nspname, c.relname`,
    [target.store.table, index],
  );
  return found.rows;
}

interface PartBuild {
  input: BuildInput;
  session: BuildSession;
  done: BuildAttempt;
  parts: readonly Part[];
}

async function buildPart({ input, session, done, parts }: PartBuild, part: Part): Promise<void> {
  const target = leafTarget(input.target, part);
  // Its lists by its own rows, where they are not configured.
  const wanted = wantedIndex(target, input.settings, part.rows);
  const attach = `ALTER INDEX ${part.parentIndex} ATTACH PARTITION ${indexName(target, wanted)}`;
  if (part.isLeaf) {
    await untilValid(forPart(input, target, wanted, parts, part), session, done);
    await underShortLock(session, target, [attach]);
  } else await underShortLock(session, target, [createParentIndexSql(target, wanted), attach]);
}

/** The same supervision, with the partition's name in front and the share of the whole. */
function forPart(
  input: BuildInput,
  target: Target,
  wanted: IndexDefinition,
  parts: readonly Part[],
  part: Part,
): BuildInput {
  const leaves = parts.filter(({ isLeaf }) => isLeaf);
  const ready = leaves.filter(({ index }) => index !== null);
  const sum = (of: readonly Part[]): number => of.reduce((total, { bytes }) => total + bytes, 0);
  const [before, all] = [sum(ready), Math.max(sum(leaves), 1)];
  return {
    ...input,
    target,
    wanted,
    rows: part.rows,
    onProgress: ({ phase, share, blockers, workers }) =>
      input.onProgress({
        phase: `partition ${ready.length + 1} of ${leaves.length}, ${part.schema}.${part.name}: ${phase}`,
        share: Math.min(1, (before + (share ?? 0) * part.bytes) / all),
        blockers,
        workers,
      }),
  };
}

/**
 * Statements of a moment that queue in front of everybody: creating the parent's index keeps writers waiting, attaching
 * keeps whoever plans a query on the partition waiting. They give way fast and come back.
 */
async function underShortLock(
  { client }: BuildSession,
  target: Target,
  statements: readonly string[],
): Promise<void> {
  const { lockTimeoutMs, tries } = DDL_LIMITS;
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query('BEGIN');
      await client.query(`SET LOCAL lock_timeout = '${lockTimeoutMs}ms'`);
      for (const sql of statements) await client.query(sql);
      await client.query('COMMIT');
      return;
    } catch (error) {
      await client.query('ROLLBACK');
      if (!hasSqlState(error, SQLSTATE.lockTimeout, SQLSTATE.deadlock)) throw error;
      if (attempt >= tries)
        throw new TransientError(
          `The index of ${target.schema}.${target.name} could not be attached: other transactions held the table through ${tries} tries of ${lockTimeoutMs} ms.`,
          {
            code: ATTACH_LOCKED,
            remedy:
              'End the long transactions on the table (pg_stat_activity, pg_locks); it goes on by itself.',
            cause: error,
          },
        );
      await delay(backoffMs(attempt));
    }
  }
}
