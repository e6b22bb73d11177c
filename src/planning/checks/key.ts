/** Doctor's checks of the key: unique, never null, and in an order that is still that of its index. They read catalogs only. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { quoteName } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { configuredKey, type Target } from '../../table/backfill-target.ts';
import { describeKey, keyNames } from '../../table/key.ts';
import type { Finding } from './finding.ts';

export async function checkKey(db: Queryable, target: Target, settings: Settings): Promise<Finding[]> {
  const nulls = await nullKeys(db, target);
  const fault = nulls ?? (await keyFault(db, target));
  if (fault !== null) return [fault];
  const changed = await changedCollations(db, target);
  if (changed.length > 0) return changed;
  const unknown = await missingStatistics(db, target);
  const chosen =
    configuredKey(settings) === null
      ? ` (option key is not set: taken from index ${target.keyIndex ?? ''})`
      : '';
  return [
    ...unknown,
    { level: 'ok', check: 'key', message: `${describeKey(target)}, unique, not null${chosen}` },
  ];
}

async function keyFault(db: Queryable, target: Target): Promise<Finding | null> {
  const names = keyNames(target);
  const found = await db.query<{ nullable: string[]; reordered: string | null }>(
    `SELECT ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attname = ANY ($2) AND NOT attnotnull ORDER BY attnum) AS nullable,
            (SELECT string_agg(a.attname, ',' ORDER BY k) FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS u (attnum, k)
               JOIN pg_attribute a ON a.attnum = u.attnum
              WHERE i.indrelid = $1::regclass AND a.attrelid = i.indrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND u.k <= i.indnkeyatts
              GROUP BY i.indexrelid HAVING array_agg(a.attname::text ORDER BY a.attname) = (SELECT array_agg(n ORDER BY n) FROM unnest($2::text[]) n) LIMIT 1) AS reordered`,
    [target.table, names],
  );
  const { nullable = [], reordered = null } = found.rows[0] ?? {};
  const columns = `Key column${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
  const finding = (message: string, remedy: string): Finding => ({
    level: 'error',
    check: 'key',
    message,
    remedy,
    option: 'key',
  });
  if (target.keyIndex === null) {
    if (reordered !== null && reordered !== names.join(','))
      return finding(
        `${columns}: the unique index has them in the order ${reordered}.`,
        `Name them in that order with ${optionName('key')}: ${reordered}.`,
      );
    const ofParts = target.isPartitioned
      ? ' A unique index of a partitioned table holds its partition key: name all of its columns (docs/partitions.md).'
      : '';
    return finding(
      `${columns} ${names.length === 1 ? 'has' : 'have'} no unique index of ${names.length === 1 ? 'its' : 'their'} own.`,
      `Name the columns of a unique index with ${optionName('key')}, leave it out for the primary key, or add the index or the constraint.${ofParts}`,
    );
  }
  const [first] = nullable;
  return first === undefined
    ? null
    : finding(
        `Key column ${first} may be null.`,
        `Name a unique index of columns that are not null with ${optionName('key')}, or add the constraint.`,
      );
}

/** Of several columns: rows of a range are expected to be few then, and each may be compared with each. */
async function missingStatistics(db: Queryable, { table, schema, name, key }: Target): Promise<Finding[]> {
  if (key.length === 1) return [];
  const found = await db.query<{ missing: boolean }>(
    `SELECT pg_relation_size(c.oid) + coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(c.oid)), 0) > 1000000
            AND NOT EXISTS (SELECT 1 FROM pg_stats WHERE schemaname = $2 AND tablename = $3 AND attname = $4) AS missing
       FROM pg_class c WHERE c.oid = $1::regclass`,
    [table, schema, name, key[0]?.name],
  );
  if (found.rows[0]?.missing !== true) return [];
  return [
    {
      level: 'warn',
      check: 'statistics',
      message: `${schema}.${name} was never analysed: of a key of several columns the planner knows nothing, and batches may take long.`,
      remedy: `ANALYZE ${table};`,
    },
  ];
}

/** A NOT NULL constraint that is not validated (PostgreSQL 18) says nothing of the rows from before it. */
async function nullKeys(db: Queryable, { table, ref, key }: Target): Promise<Finding | null> {
  const constraint = await db.query<{ name: string; column: string }>(
    `SELECT c.conname::text AS name, a.attname::text AS column FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
      WHERE c.conrelid = $1::regclass AND a.attname = ANY ($2) AND c.contype = 'n' AND NOT c.convalidated`,
    [table, key.map(({ name }) => name)],
  );
  for (const { name, column } of constraint.rows) {
    const found = await db.query<{ present: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM ${table} WHERE ${ref}.${quoteName(column)} IS NULL) AS present`,
    );
    if (found.rows[0]?.present === true)
      return {
        level: 'error',
        check: 'key',
        message: `Key column ${column} is null in some rows: its NOT NULL constraint ${name} is not validated, and they are from before it.`,
        remedy: `Give them a key, or delete them (WHERE ${quoteName(column)} IS NULL), then: ALTER TABLE ${table} VALIDATE CONSTRAINT ${quoteName(name)}.`,
        option: 'key',
      };
  }
  return null;
}

/** Under another version of the collation the index may have its entries in the wrong order: rows would be missed. */
async function changedCollations(db: Queryable, { schema, keyIndex }: Target): Promise<Finding[]> {
  const server = await db.query<{ knows: boolean }>(
    `SELECT to_regprocedure('pg_catalog.pg_database_collation_actual_version(oid)') IS NOT NULL AS knows`,
  );
  // PostgreSQL keeps the version of a database's own collation since 15.
  const ofDatabase = (sql: string): string =>
    server.rows[0]?.knows === true
      ? `(SELECT ${sql} FROM pg_database d WHERE d.datname = current_database())`
      : 'NULL';
  const found = await db.query<{ collation: string; before: string; now: string }>(
    `SELECT format('%I.%I', n.nspname, l.collname) AS collation, v.recorded AS before, v.actual AS now
       FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace JOIN pg_index i ON i.indexrelid = c.oid, unnest(i.indcollation) AS u (oid)
       JOIN pg_collation l ON l.oid = u.oid JOIN pg_namespace n ON n.oid = l.collnamespace,
            LATERAL (SELECT CASE WHEN l.collprovider = 'd' THEN ${ofDatabase('datcollversion')} ELSE l.collversion END AS recorded,
                            CASE WHEN l.collprovider = 'd' THEN ${ofDatabase('pg_database_collation_actual_version(d.oid)')} ELSE pg_collation_actual_version(l.oid) END AS actual) v
      WHERE s.nspname = $1 AND c.relname = $2 AND v.recorded <> v.actual`,
    [schema, keyIndex],
  );
  return found.rows.map(({ collation, before, now }) => ({
    level: 'error' as const,
    check: 'key',
    message: `Collation ${collation} of the key's index ${keyIndex ?? ''} is of version ${before}, the server has version ${now}: the index may be in another order than the server's, and ranges of keys would miss rows.`,
    remedy: `REINDEX INDEX CONCURRENTLY ${quoteName(schema)}.${quoteName(keyIndex ?? '')}; then, with all other indexes of that collation rebuilt, ALTER COLLATION ${collation} REFRESH VERSION.`,
    option: 'key',
  }));
}
