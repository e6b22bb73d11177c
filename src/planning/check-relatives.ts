/** Doctor's checks of what the table is a part of: parents, children, subscribers. They read catalogs only. */

import type { Settings } from '../config/settings.ts';
import { quoteName, quoteQualified } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';
import type { TableFacts } from '../table/target.ts';
import type { Finding } from './finding.ts';

export async function checkRelatives(
  db: Queryable,
  table: TableFacts,
  settings: Settings,
): Promise<Finding[]> {
  return [
    ...(await checkPartition(db, table, settings)),
    ...(await checkChildren(db, table, settings)),
    ...(await checkPublications(db, table, settings)),
  ];
}

/** PostgreSQL adds columns to a partition only by way of its parent. */
async function checkPartition(
  db: Queryable,
  { oid, schema, name }: TableFacts,
  { column, updatedAtColumn }: Settings,
): Promise<Finding[]> {
  const found = await db.query<{ parent: string; present: string[] }>(
    `SELECT i.inhparent::regclass::text AS parent,
            array(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attname = ANY ($2) AND NOT attisdropped) AS present
       FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.oid = $1::oid AND c.relispartition`,
    [oid, [column, updatedAtColumn]],
  );
  const [partition] = found.rows;
  if (partition === undefined) return [];
  const { parent, present } = partition;
  const added = [
    present.includes(column) ? [] : [`ADD COLUMN ${quoteName(column)} vector(…)`],
    present.includes(updatedAtColumn) ? [] : [`ADD COLUMN ${quoteName(updatedAtColumn)} timestamptz`],
  ].flat();
  if (added.length === 0)
    return [{ level: 'ok', check: 'partition', message: `${schema}.${name} is a partition of ${parent}` }];
  return [
    {
      level: 'error',
      check: 'partition',
      message: `${schema}.${name} is a partition of ${parent}, and columns cannot be added to a partition alone.`,
      remedy: `Add them to the parent, with the dimensions of the model: ALTER TABLE ${parent} ${added.join(', ')}.`,
    },
  ];
}

/** Rows of children belong to their parent in every statement, but no index keeps their keys apart. */
async function checkChildren(
  db: Queryable,
  { oid, schema, name }: TableFacts,
  settings: Settings,
): Promise<Finding[]> {
  const found = await db.query<{ children: string[] }>(
    'SELECT array(SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::oid ORDER BY 1) AS children',
    [oid],
  );
  const children = found.rows[0]?.children ?? [];
  if (children.length === 0 || settings.where?.includes('tableoid') === true) return [];
  const table = quoteQualified({ schema, name });
  return [
    {
      level: 'error',
      check: 'inheritance',
      message: `Rows of ${children.join(', ')} are rows of ${schema}.${name} too, by inheritance, and a key may be there several times.`,
      remedy: `Give each of these tables a backfill of its own, and this one its own rows alone by where (--where, env BACKFILL_WHERE): ${quoteName(name)}.tableoid = '${table.replaceAll("'", "''")}'::regclass.`,
      option: 'where',
    },
  ];
}

/** Every row's update goes to the subscribers, and PostgreSQL refuses it where they could not tell which row it is. */
async function checkPublications(
  db: Queryable,
  { oid, schema, name }: TableFacts,
  { key }: Settings,
): Promise<Finding[]> {
  const found = await db.query<{ publications: string[]; whole: boolean; identity: string; usable: boolean }>(
    // The list of columns came with PostgreSQL 15: read so that older servers have none.
    `SELECT array(SELECT p.pubname::text FROM pg_publication p JOIN pg_publication_tables t ON t.pubname = p.pubname
                   WHERE p.pubupdate AND t.schemaname = $2 AND t.tablename = $3 ORDER BY 1) AS publications,
            NOT EXISTS (SELECT 1 FROM pg_publication_rel r WHERE r.prrelid = c.oid AND to_jsonb(r) ->> 'prattrs' IS NOT NULL) AS whole,
            c.relreplident::text AS identity,
            c.relreplident = 'f' OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid
              AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END) AS usable
       FROM pg_class c WHERE c.oid = $1::oid`,
    [oid, schema, name],
  );
  const { publications = [], whole = true, identity = 'd', usable = true } = found.rows[0] ?? {};
  if (publications.length === 0) return [];
  const by = `${schema}.${name} is published by ${publications.join(', ')}`;
  const table = quoteQualified({ schema, name });
  if (!usable)
    return [
      {
        level: 'error',
        check: 'publication',
        message: `${by} and has no replica identity: PostgreSQL refuses every UPDATE of it.`,
        remedy: `ALTER TABLE ${table} REPLICA IDENTITY USING INDEX (the unique index of ${quoteName(key)}).`,
      },
    ];
  const log = identity === 'f' ? ' With REPLICA IDENTITY FULL the old row is logged beside the new one.' : '';
  return [
    {
      level: whole ? 'warn' : 'ok',
      check: 'publication',
      message: `${by}: the update of each row is sent to its subscribers${whole ? ', the added columns too' : ''}.${log}`,
      ...(whole
        ? {
            remedy:
              'Add the columns on the subscribers first, which stop without them, or publish a list of columns; look after the lag of the replication slots.',
          }
        : {}),
    },
  ];
}
