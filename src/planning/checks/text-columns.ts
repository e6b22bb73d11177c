/**
 * Doctor's look at columns that are named as text and hold something else with text in it: written out as they are, a model
 * would read brackets, tags and names of fields. What to write in their place is said for that very column and type.
 */

import { optionName } from '../../config/option-name.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

interface TextColumn {
  /** Quoted where SQL needs it. */
  name: string;
  /** As it was declared. */
  type: string;
  /** Of the type that it is, or that its domain is over. */
  base: string;
  isArray: boolean;
  isText: boolean;
  /** Schema of that type, quoted where SQL needs it. */
  schema: string;
}

/** One for all of them: the option takes one expression. */
export async function checkTextColumns(
  db: Queryable,
  target: Target,
  columns: readonly string[],
): Promise<Finding[]> {
  const described = await describeColumns(db, target, columns);
  const structured = described.filter((each) => textIn(each) !== null);
  if (structured.length === 0) return [];
  const parts = described.map((each) => textIn(each) ?? (each.isText ? each.name : `${each.name}::text`));
  const sql = parts.length === 1 ? parts[0] : `concat_ws(chr(10), ${parts.join(', ')})`;
  const named = structured.map(({ name, type }) => `${name} (${type})`).join(', ');
  const field = structured.find(({ base }) => base === 'json' || base === 'jsonb' || base === 'hstore');
  const oneOfIt =
    field === undefined
      ? ''
      : ` For one value of it alone: ${field.base === 'hstore' ? `${field.name} OPERATOR(${field.schema}.->) '…'` : `${field.name} ->> '…'`}.`;
  return [
    {
      level: 'error',
      check: 'text',
      message: `Of ${named} a model would read the notation with the text: such a column is taken by an expression.`,
      remedy: `Set ${optionName('text')} to ${JSON.stringify({ sql })}.${oneOfIt}`,
      option: 'text',
    },
  ];
}

/** SQL of the text in a value, its parts in their order; null for a type that is text as it is written out. */
function textIn({ name, base, isArray, schema }: TextColumn): string | null {
  if (isArray) return `(SELECT string_agg(part::text, ' ') FROM unnest(${name}) AS parts (part))`;
  switch (base) {
    case 'json':
    case 'jsonb':
      return `(SELECT string_agg(part #>> '{}', chr(10)) FROM jsonb_path_query(${base === 'json' ? `${name}::jsonb` : name}, 'strict $.** ? (@.type() == "string")') AS parts (part))`;
    case 'xml':
      // What has no root element of its own, or several, is no document, and gets one.
      return `(SELECT string_agg(part, ' ') FROM XMLTABLE('//text()[normalize-space()]' PASSING (CASE WHEN ${name} IS DOCUMENT THEN ${name} ELSE xmlelement(NAME whole, ${name}) END) COLUMNS part text PATH '.') AS parts)`;
    case 'hstore':
      return `(SELECT string_agg(part, ' ') FROM ${schema}.svals(${name}) AS parts (part))`;
    default:
      return null;
  }
}

/** In the order of the option. */
async function describeColumns(
  db: Queryable,
  { oid }: Pick<Target, 'oid'>,
  columns: readonly string[],
): Promise<TextColumn[]> {
  const found = await db.query<TextColumn>(
    // A domain is what it is over, which may be a domain again.
    `WITH RECURSIVE base AS (
       SELECT w.place, a.attname, a.atttypid AS declared, a.atttypid AS type FROM unnest($2::name[]) WITH ORDINALITY AS w (name, place)
         JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped
       UNION ALL SELECT b.place, b.attname, b.declared, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
     SELECT quote_ident(b.attname) AS name, format_type(b.declared, NULL) AS type, t.typname::text AS base, quote_ident(n.nspname) AS schema,
            t.typcategory = 'A' AS "isArray", t.typcategory = 'S' AS "isText"
       FROM base b JOIN pg_type t ON t.oid = b.type JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype <> 'd' ORDER BY b.place`,
    [oid, columns],
  );
  return found.rows;
}
