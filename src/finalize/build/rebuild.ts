/**
 * A valid index is built again beside itself and takes its place: REINDEX INDEX CONCURRENTLY, of a partitioned table leaf by leaf.
 * Searches go by the old one until then. Each has another oid afterwards, so that whoever comes again goes on where it was left.
 */

import { quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { REBUILD_PHASE } from '../../ledger/progress/index-state.ts';
import { findIndex } from '../index-definition.ts';
import {
  MAX_BUILDS,
  afterFailedBuild,
  nameTaken,
  stillWorn,
  withBlockers,
  type BuildAttempt,
  type BuildInput,
} from './attempt.ts';
import { monitored } from './monitor.ts';
import type { BuildSession } from './session.ts';

export const REBUILD = '`pgvector-backfill finalize --rebuild`';

export interface IndexPart {
  oid: string;
  /** Quoted, with its schema. */
  name: string;
  bytes: number;
}

/** The index itself, or those of the leaves of a partitioned table. @param index quoted, with its schema */
export async function indexParts(db: Queryable, index: string): Promise<IndexPart[]> {
  const found = await db.query<IndexPart>(
    `SELECT c.oid::text AS oid, format('%I.%I', n.nspname, c.relname) AS name, pg_relation_size(c.oid)::float8 AS bytes
       FROM (SELECT relid FROM pg_partition_tree(to_regclass($1)) UNION SELECT to_regclass($1)) part
       JOIN pg_class c ON c.oid = part.relid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'i' ORDER BY 2`,
    [index],
  );
  return found.rows;
}

/** @throws GateError where the name is taken by another index or the builds do not end, ConfigError where the server cannot build it. */
export async function rebuildIndexes(
  input: BuildInput,
  session: BuildSession,
  done: BuildAttempt,
): Promise<void> {
  const { target, wanted, rebuild = [] } = input;
  const { client } = session;
  const found = await findIndex(client, target, wanted);
  if (found.kind === 'other') throw nameTaken(input, found.definition);
  const index = quoteQualified({ schema: target.store.schema, name: wanted.name });
  const parts = await indexParts(client, index);
  for (const [at, { name, oid }] of parts.entries()) {
    await dropLeftovers(input, session, oid);
    if (!rebuild.includes(oid)) continue;
    const whole = withPart(input, parts, at);
    await rebuildPart(whole, session, done, name, () => isThere(client, oid));
  }
}

async function rebuildPart(
  input: BuildInput,
  session: BuildSession,
  done: BuildAttempt,
  name: string,
  isOld: () => Promise<boolean>,
): Promise<void> {
  const watching = withBlockers(input);
  for (let attempt = 1; await isOld(); attempt++) {
    if (attempt > MAX_BUILDS) throw stillWorn(input, watching.last());
    done.built = true;
    try {
      await monitored(watching.input, session, `REINDEX INDEX CONCURRENTLY ${name}`, 'waiting for the table');
    } catch (error) {
      await afterFailedBuild(input, session, error, REBUILD);
    }
    await dropLeftovers(input, session, name);
  }
}

async function isThere(db: Queryable, oid: string): Promise<boolean> {
  const found = await db.query('SELECT FROM pg_class WHERE oid = $1::oid', [oid]);
  return found.rowCount === 1;
}

/** With the place of the part in front, and the share of the whole. */
function withPart(input: BuildInput, parts: readonly IndexPart[], at: number): BuildInput {
  const sum = (of: readonly IndexPart[]): number => of.reduce((total, { bytes }) => total + bytes, 0);
  const [before, own, all] = [sum(parts.slice(0, at)), parts[at]?.bytes ?? 0, Math.max(1, sum(parts))];
  const place = parts.length === 1 ? REBUILD_PHASE : `${REBUILD_PHASE}, ${at + 1} of ${parts.length}`;
  return {
    ...input,
    onProgress: ({ phase, share, ...rest }) =>
      input.onProgress({
        ...rest,
        phase: `${place}: ${phase}`,
        share: share === null && parts.length === 1 ? null : Math.min(1, (before + (share ?? 0) * own) / all),
      }),
  };
}

/** The longest that PostgreSQL makes of a name, but for a character that is cut off: before its end it appends what it is. */
const CUT_NAME_BYTES = 60;

/**
 * What a REINDEX that did not end has left beside the index: not valid, so that no search goes by it, and every write pays for it.
 * Known by its name and by what it is of. Nobody builds on the table while the lock of the build is held.
 * @param index oid, or quoted name
 */
async function dropLeftovers(input: BuildInput, session: BuildSession, index: string): Promise<void> {
  const found = await session.client.query<{ name: string; bare: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relname::text AS bare
       FROM pg_class own JOIN pg_index o ON o.indexrelid = own.oid
       JOIN pg_index i ON i.indrelid = o.indrelid AND NOT i.indisvalid AND i.indkey = o.indkey AND i.indclass = o.indclass
       JOIN pg_class c ON c.oid = i.indexrelid AND c.relam = own.relam JOIN pg_namespace n ON n.oid = c.relnamespace
       CROSS JOIN LATERAL (SELECT regexp_replace(c.relname, '_cc(new|old)[0-9]*$', '')) before (name)
      WHERE own.oid = $1::regclass AND c.relname ~ '_cc(new|old)[0-9]*$'
        AND (before.name = own.relname OR (octet_length(c.relname) >= ${CUT_NAME_BYTES} AND starts_with(own.relname, before.name)))`,
    [index],
  );
  for (const { name, bare } of found.rows) {
    await monitored(
      input,
      session,
      `DROP INDEX CONCURRENTLY IF EXISTS ${name}`,
      'dropping what a rebuild has left',
    );
    const message = `${bare} was left by a rebuild that did not end`;
    await input.onEvent({ level: 'info', kind: 'index.leftover-dropped', message });
  }
}
