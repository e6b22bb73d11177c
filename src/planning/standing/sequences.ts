/** Sequences of the ledger that are behind the rows of their tables, as a dump of the rows alone leaves them. */

import { quoteLiteral, quoteName, quoteQualified } from '../../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Finding } from '../checks/finding.ts';

interface Numbered {
  table: string;
  column: string;
  sequence: string;
}

/** Reads the last key of each table that numbers its rows. */
export async function checkSequences(db: Queryable): Promise<Finding[]> {
  const found = await db.query<Numbered>(
    `SELECT c.relname::text AS table, a.attname::text AS column, s.relname::text AS sequence
       FROM pg_class s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
       JOIN pg_class c ON c.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
      WHERE s.relkind = 'S' AND s.relnamespace = to_regnamespace($1) ORDER BY 1`,
    [LEDGER_SCHEMA],
  );
  const behind: string[] = [];
  const remedies: string[] = [];
  for (const { table, column, sequence } of found.rows) {
    const name = quoteQualified({ schema: LEDGER_SCHEMA, name: sequence });
    const last = await db.query<{ highest: string; isBehind: boolean }>(
      `SELECT t.highest::text AS highest, t.highest > CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END AS "isBehind"
         FROM (SELECT max(${quoteName(column)}) AS highest FROM ${quoteQualified({ schema: LEDGER_SCHEMA, name: table })}) t, ${name} s`,
    );
    const [row] = last.rows;
    if (row?.isBehind !== true) continue;
    behind.push(`${table}.${column}`);
    remedies.push(`SELECT setval(${quoteLiteral(name)}, ${row.highest});`);
  }
  if (behind.length === 0) return [];
  return [
    {
      level: 'error',
      check: 'sequences',
      message: `The ledger's sequences are behind the rows of their tables (${behind.join(', ')}): the next row would get a number that is taken.`,
      remedy: remedies.join(' '),
    },
  ];
}
