/** Which columns are a table's key, and everything about them that SQL has to say: from the catalogs. */

import { optionName } from '../config/option-name.ts';
import type { Queryable } from '../db/pool.ts';
import { ConfigError } from '../errors.ts';
import type { KeyColumn, KeyOperators } from './key.ts';
import { CANONICAL_TEXT, FIXED_WIDTHS, UNSTABLE_TEXT } from './key-types.ts';

/** How the keys of a run are ordered: kept in the ledger, as its ranges mean nothing in another order. */
export interface KeyOrder {
  name: string;
  /** Quoted with its schema; null where the type has none. */
  collation: string | null;
  /** Against the order of the first column. */
  isDescending: boolean;
}

export interface RecordedKey {
  columns: readonly string[];
  /** Null of what an earlier release has recorded, which knew keys of one column only. */
  order: readonly KeyOrder[] | null;
}

/** A unique index that may serve as key. */
interface UniqueIndex {
  name: string;
  isPrimary: boolean;
  columns: IndexColumn[];
  /** Of all of them, in bytes; of a type without a fixed width as if it were a short text. */
  width: number;
}

interface IndexColumn extends KeyOrder {
  nullsFirst: boolean;
  isRequired: boolean;
}

/** Bytes that count for a type of no fixed width, where the narrowest index is looked for. */
const USUAL_WIDTH = 32;
const MAX_COLUMNS = 8;

/**
 * Indexes that are whole (no predicate, no expression), valid, unique and of the types' usual order. Partial and unfinished
 * ones say nothing of some rows.
 */
async function uniqueIndexes(db: Queryable, oid: string): Promise<UniqueIndex[]> {
  const found = await db.query<UniqueIndex>(
    `SELECT c.relname::text AS name, i.indisprimary AS "isPrimary",
            json_agg(json_build_object(
              'name', a.attname, 'isRequired', a.attnotnull, 'isDescending', i.indoption[k] & 1 = 1, 'nullsFirst', i.indoption[k] & 2 = 2,
              'collation', CASE WHEN i.indcollation[k] <> 0 THEN (SELECT format('%I.%I', n.nspname, l.collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = i.indcollation[k]) END
            ) ORDER BY k) AS columns,
            sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE ${USUAL_WIDTH} END)::int AS width
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam,
            generate_series(0, i.indnkeyatts - 1) AS k
       JOIN pg_attribute a ON a.attnum > 0
      WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND m.amname = 'btree'
        AND i.indnkeyatts <= ${MAX_COLUMNS} AND a.attrelid = i.indrelid AND a.attnum = i.indkey[k]
      GROUP BY c.relname, i.indisprimary, i.indnkeyatts, i.indexrelid
     HAVING count(*) = i.indnkeyatts
        AND (SELECT bool_and(o.opcdefault OR EXISTS (SELECT FROM pg_opclass d WHERE d.opcfamily = o.opcfamily AND d.opcintype = o.opcintype AND d.opcdefault))
               FROM pg_index x, unnest(x.indclass) AS u (class) JOIN pg_opclass o ON o.oid = u.class WHERE x.indexrelid = i.indexrelid)
      ORDER BY i.indisprimary DESC, i.indnkeyatts, 4, 1`,
    [oid],
  );
  return found.rows;
}

/** Directions against the first column: an index is read backwards as well. */
function normalized(columns: readonly IndexColumn[]): IndexColumn[] {
  const flips = columns[0]?.isDescending === true;
  return columns.map((column) =>
    flips
      ? { ...column, isDescending: !column.isDescending, nullsFirst: !column.nullsFirst }
      : { ...column, isDescending: column.isDescending },
  );
}

const isSameOrder = (order: readonly KeyOrder[], columns: readonly KeyOrder[]): boolean =>
  order.length === columns.length &&
  order.every(
    ({ name, collation, isDescending }, at) =>
      columns[at]?.name === name &&
      columns[at].collation === collation &&
      columns[at].isDescending === isDescending,
  );

export interface FoundKey {
  columns: KeyColumn[];
  /** Bare name of the index that serves it; null where there is none, which `doctor` says. */
  index: string | null;
}

interface KeyTable {
  oid: string;
  schema: string;
  name: string;
}

/**
 * The configured columns; else those that the ledger has; else the primary key, or the narrowest unique index of columns that
 * are not null. The order is the one that the ledger has, where it has one of these columns.
 * @throws ConfigError where there is no such column, no such index, or a type cannot be a key's
 */
export async function findKey(
  db: Queryable,
  table: KeyTable,
  configured: readonly string[] | null,
  recorded: RecordedKey | null,
): Promise<FoundKey> {
  const indexes = (await uniqueIndexes(db, table.oid)).map((index) => ({
    ...index,
    columns: normalized(index.columns),
  }));
  const wanted = configured ?? recorded?.columns ?? null;
  const candidates =
    wanted === null
      ? indexes.filter((index) => index.columns.every(({ isRequired }) => isRequired))
      : indexes.filter((index) =>
          isSame(
            index.columns.map(({ name }) => name),
            wanted,
          ),
        );
  const order =
    recorded !== null && wanted !== null && isSame(recorded.columns, wanted) ? recorded.order : null;
  const index = candidates.find(({ columns }) => order === null || isSameOrder(order, columns)) ?? null;
  if (index === null && wanted === null)
    throw new ConfigError(
      `${table.schema}.${table.name} has no primary key and no other unique index of columns that are not null.`,
      {
        code: 'KEY_MISSING',
        remedy: `Add one, on one column or several: CREATE UNIQUE INDEX CONCURRENTLY, with its columns NOT NULL; ${optionName('key')} names the columns where there are several such indexes.`,
      },
    );
  const columns =
    index?.columns ?? order ?? (wanted ?? []).map((name) => ({ name, collation: null, isDescending: false }));
  return { columns: await describeColumns(db, table, columns), index: index?.name ?? null };
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, at) => name === b[at]);

interface ColumnFacts {
  name: string;
  base: string;
  /** As messages name it. */
  shown: string;
  type: string;
  kind: string;
  isDomain: boolean;
  collation: string | null;
  isDeterministic: boolean;
  send: string | null;
  /** Null where the type has no order. */
  operators: Record<string, string> | null;
}

export async function describeColumns(
  db: Queryable,
  table: KeyTable,
  columns: readonly (KeyOrder & { nullsFirst?: boolean })[],
): Promise<KeyColumn[]> {
  const found = await db.query<ColumnFacts>(COLUMNS, [
    table.oid,
    columns.map(({ name }) => name),
    columns.map(({ collation }) => collation),
  ]);
  return columns.map(({ name, isDescending, nullsFirst = isDescending }) => {
    const facts = found.rows.find((row) => row.name === name);
    const remedy = `Set ${optionName('key')} to the columns of a unique index, or leave it out: the primary key is taken.`;
    if (facts === undefined)
      throw new ConfigError(`Key column ${name} does not exist in ${table.schema}.${table.name}.`, {
        code: 'KEY_MISSING',
        remedy,
      });
    const { operators, send } = facts;
    if (operators === null || send === null || UNSTABLE_TEXT.test(facts.base))
      throw new ConfigError(
        `Key column ${name} of type ${facts.shown} is not supported: ${operators === null ? 'the type has no order' : send === null ? 'the type has no binary form' : 'its text is another one in another session'}.`,
        { code: 'KEY_TYPE', remedy },
      );
    return {
      name,
      type: facts.type,
      isDomain: facts.isDomain,
      operators: operatorsOf(operators),
      collate: facts.collation === null ? '' : ` COLLATE ${facts.collation}`,
      isDescending,
      nulls: nullsFirst === isDescending ? '' : nullsFirst ? ' NULLS FIRST' : ' NULLS LAST',
      send,
      width: FIXED_WIDTHS.get(facts.base) ?? null,
      isCanonical: facts.kind === 'e' || (CANONICAL_TEXT.has(facts.base) && facts.isDeterministic),
      form: facts.base === 'timestamptz' ? 'utc' : undefined,
    };
  });
}

const operatorsOf = (byStrategy: Record<string, string>): KeyOperators => ({
  less: byStrategy['1'] ?? '<',
  lessOrEqual: byStrategy['2'] ?? '<=',
  equal: byStrategy['3'] ?? '=',
  greaterOrEqual: byStrategy['4'] ?? '>=',
  greater: byStrategy['5'] ?? '>',
});

/**
 * $1 table, $2 columns, $3 their collations (quoted; the column's own where NULL). A domain is what it is over, which may be a
 * domain again. The order is that of the type's usual operator class: its own, or of what it is taken for without a change
 * (varchar for text), or of what it is a kind of. Operators outside of pg_catalog are named with their schema.
 */
const COLUMNS = `
  WITH RECURSIVE base AS (
    SELECT a.attname, a.attcollation, a.atttypid AS type, 0 AS depth FROM pg_attribute a
     WHERE a.attrelid = $1 AND a.attname = ANY ($2::name[]) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT b.attname, b.attcollation, t.typbasetype, b.depth + 1 FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
  SELECT b.attname::text AS name, t.typname::text AS base, format_type(t.oid, NULL) AS shown, t.typtype::text AS kind, b.depth > 0 AS "isDomain",
         CASE WHEN t.typname = 'bpchar' AND n.nspname = 'pg_catalog' THEN 'bpchar'
              WHEN n.nspname = 'pg_catalog' THEN format_type(t.oid, NULL) ELSE format('%I.%I', n.nspname, t.typname) END AS type,
         CASE WHEN t.typcollation <> 0 THEN format('%I.%I', ln.nspname, l.collname) END AS collation,
         coalesce(l.collisdeterministic, true) AS "isDeterministic",
         CASE WHEN t.typsend <> 0 AND t.typreceive <> 0 THEN (SELECT CASE WHEN pn.nspname = 'pg_catalog' THEN quote_ident(p.proname) ELSE format('%I.%I', pn.nspname, p.proname) END
            FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE p.oid = t.typsend) END AS send,
         (SELECT json_object_agg(o.amopstrategy, CASE WHEN ns.nspname = 'pg_catalog' THEN op.oprname::text ELSE format('OPERATOR(%I.%s)', ns.nspname, op.oprname) END)
            FROM pg_amop o JOIN pg_operator op ON op.oid = o.amopopr JOIN pg_namespace ns ON ns.oid = op.oprnamespace
           WHERE o.amopfamily = class.opcfamily AND o.amoplefttype = class.opcintype AND o.amoprighttype = class.opcintype AND o.amoppurpose = 's') AS operators
    FROM base b JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd' JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN unnest($2::text[], $3::text[]) AS w (name, wanted) ON w.name = b.attname
    LEFT JOIN pg_collation l ON l.oid = coalesce(to_regcollation(w.wanted)::oid, b.attcollation)
    LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
    LEFT JOIN LATERAL (
      SELECT o.opcfamily, o.opcintype FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'
       WHERE o.opcdefault AND (o.opcintype = t.oid
              OR EXISTS (SELECT FROM pg_cast k WHERE k.castsource = t.oid AND k.casttarget = o.opcintype AND k.castmethod = 'b' AND k.castcontext = 'i')
              OR o.opcintype = CASE t.typtype WHEN 'e' THEN 'anyenum'::regtype WHEN 'r' THEN 'anyrange'::regtype WHEN 'm' THEN 'anymultirange'::regtype WHEN 'c' THEN 'record'::regtype
                                 ELSE CASE WHEN t.typcategory = 'A' THEN 'anyarray'::regtype END END)
       ORDER BY o.opcintype <> t.oid LIMIT 1) class ON true`;
