/** Doctor's checks of what the table is a part of: parents, children, subscribers. They read catalogs only. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { quoteName, quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { treeSql } from '../../table/partitions.ts';
import type { TableFacts } from '../../table/backfill-target.ts';
import { checkOwnPublications } from './publications.ts';
import type { Finding } from './finding.ts';

export async function checkInheritance(
  db: Queryable,
  table: TableFacts,
  settings: Settings,
): Promise<Finding[]> {
  // Vectors beside the table change nothing of it: only whose rows there are is left to ask.
  if (settings.store === 'table')
    return [
      ...(table.kind === 'p' ? [] : await checkChildren(db, table, settings)),
      ...(await checkOwnPublications(db, table)),
    ];
  return [
    ...(await checkTyped(db, table, settings)),
    ...(await checkPartition(db, table, settings)),
    ...(table.kind === 'p' ? await checkPartitions(db, table) : await checkChildren(db, table, settings)),
    ...(await checkPublications(db, table, settings)),
    ...(await checkOwnPublications(db, table)),
  ];
}

/** PostgreSQL adds no column to a table that was made of a type. */
async function checkTyped(
  db: Queryable,
  { oid, schema, name }: TableFacts,
  { column, updatedAtColumn }: Settings,
): Promise<Finding[]> {
  const found = await db.query<{ type: string | null; present: number }>(
    `SELECT CASE WHEN c.reloftype <> 0 THEN (SELECT t.typname::text FROM pg_type t WHERE t.oid = c.reloftype) END AS type,
            (SELECT count(*)::int FROM pg_attribute WHERE attrelid = c.oid AND attname = ANY ($2) AND NOT attisdropped) AS present
       FROM pg_class c WHERE c.oid = $1::oid`,
    [oid, [column, updatedAtColumn]],
  );
  const { type = null, present = 0 } = found.rows[0] ?? {};
  if (type === null || present === 2) return [];
  return [
    {
      level: 'error',
      check: 'typed-table',
      message: `${schema}.${name} is a table of type ${type} (CREATE TABLE … OF), and columns cannot be added to it.`,
      remedy: `Make it a table of its own, which changes nothing of its columns and rows: ALTER TABLE ${quoteQualified({ schema, name })} NOT OF.`,
    },
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
      remedy: `Name the whole table by ${optionName('table')}: ${parent}. Or, for a backfill of this partition alone, add them to the parent, with the dimensions of the model: ALTER TABLE ${parent} ${added.join(', ')}.`,
    },
  ];
}

/** Its columns and indexes are those of each partition, so each must be ours to change, and a table. */
async function checkPartitions(db: Queryable, { oid, schema, name }: TableFacts): Promise<Finding[]> {
  const found = await db.query<{ name: string; foreign: boolean; owner: boolean }>(
    `SELECT c.oid::regclass::text AS name, c.relkind = 'f' AS foreign, pg_has_role(c.relowner, 'USAGE') AS owner
       FROM pg_partition_tree($1::oid::regclass) t JOIN pg_class c ON c.oid = t.relid WHERE t.level > 0 AND c.relkind <> 'p' ORDER BY 1`,
    [oid],
  );
  const named = (of: { name: string }[]): string => of.map((each) => each.name).join(', ');
  const foreign = found.rows.filter((part) => part.foreign);
  const others = found.rows.filter((part) => !part.owner);
  const shown = `${schema}.${name}`;
  const findings: Finding[] = [];
  if (foreign.length > 0)
    findings.push({
      level: 'error',
      check: 'partitions',
      message: `${named(foreign)}, of ${shown}, is on another server, where no index can be built from here.`,
      remedy: 'Detach it, or give each other partition a backfill of its own.',
    });
  if (others.length > 0)
    findings.push({
      level: 'error',
      check: 'partitions',
      message: `This user does not own ${named(others)}, of ${shown}.`,
      remedy: `Connect as the owner of ${shown} and of all its partitions.`,
      option: 'database',
    });
  return findings.length > 0
    ? findings
    : [
        {
          level: 'ok',
          check: 'partitions',
          message: `${shown} has ${found.rows.length} partitions: each gets its index concurrently, then the table's turns valid`,
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
      remedy: `Give each of these tables a backfill of its own, and this one its own rows alone by ${optionName('where')}: ${quoteName(name)}.tableoid = '${table.replaceAll("'", "''")}'::regclass.`,
      option: 'where',
    },
  ];
}

interface Published {
  schema: string;
  name: string;
  publications: string[];
  /** Whether all columns are published. */
  whole: boolean;
  identity: string;
  /** Whether its replica identity says which row an update is of. */
  usable: boolean;
}

/** Every row's update goes to the subscribers, and PostgreSQL refuses it where they could not tell which row it is. */
async function checkPublications(db: Queryable, { oid }: TableFacts, { key }: Settings): Promise<Finding[]> {
  const found = await db.query<Published>(
    // The list of columns came with PostgreSQL 15: read so that older servers have none.
    `SELECT n.nspname::text AS schema, c.relname::text AS name,
            array(SELECT p.pubname::text FROM pg_publication p JOIN pg_publication_tables t ON t.pubname = p.pubname
                   WHERE p.pubupdate AND t.schemaname = n.nspname AND t.tablename = c.relname ORDER BY 1) AS publications,
            NOT EXISTS (SELECT 1 FROM pg_publication_rel r WHERE r.prrelid = c.oid AND to_jsonb(r) ->> 'prattrs' IS NOT NULL) AS whole,
            c.relreplident::text AS identity,
            c.relreplident = 'f' OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid
              AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END) AS usable
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid IN ${treeSql('$1::oid::regclass')} ORDER BY c.oid <> $1::oid, 1, 2`,
    [oid],
  );
  // Of a partitioned table the one that speaks for all: the first that is refused, else the first.
  const published = found.rows.filter((each) => each.publications.length > 0);
  const first = published.find((each) => !each.usable) ?? published[0];
  if (first === undefined) return [];
  const { publications, whole, identity, usable } = first;
  const by = `${first.schema}.${first.name} is published by ${publications.join(', ')}`;
  const table = quoteQualified(first);
  if (!usable)
    return [
      {
        level: 'error',
        check: 'publication',
        message: `${by} and has no replica identity: PostgreSQL refuses every UPDATE of it.`,
        remedy: `ALTER TABLE ${table} REPLICA IDENTITY USING INDEX (the unique index of ${[key ?? []].flat().map(quoteName).join(', ')}).`,
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
