/** Where the staging table of a backfill is: in our own schema, where no tool that looks after the operator's schemas finds it. */

import { createHash } from 'node:crypto';
import { derivedName, parseQualified, quoteQualified, type QualifiedName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';

const SCHEMA = 'pgvector_backfill';
/** Hexadecimal digits that tell tables of one name in two schemas apart. */
const HASH_DIGITS = 8;

export interface StageOf {
  backfill: string;
  /** Quoted schema.table of the legacy table, and its bare name. */
  table: string;
  name: string;
  column: string;
}

/** As the ledger has it; where it is not there yet, the name that it will get. */
export async function stageOf(
  db: Queryable,
  { backfill, table, name, column }: StageOf,
): Promise<QualifiedName> {
  const plain = { schema: SCHEMA, name: derivedName(`${name}_${column}`, '_stage') };
  // No ledger yet: a failed query would end the transaction that this may be asked in.
  const known = await db.query<{ known: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = '${SCHEMA}' AND c.relname = 'backfill') AS known`,
  );
  if (known.rows[0]?.known !== true) return plain;
  const found = await db.query<{ stage: string; ours: boolean }>(
    `SELECT stage_table AS stage, name = $1 AS ours FROM pgvector_backfill.backfill
      WHERE name = $1 OR (stage_table = $2 AND target_table <> $3) ORDER BY name <> $1 LIMIT 1`,
    [backfill, quoteQualified(plain), table],
  );
  const [noted] = found.rows;
  if (noted === undefined) return plain;
  if (noted.ours) return parseQualified(noted.stage, 'The staging table in the ledger');
  // A table of the same name in another schema has it, or one with whose column it comes to the same name.
  const hash = createHash('sha256').update(table).digest('hex').slice(0, HASH_DIGITS);
  return { schema: SCHEMA, name: derivedName(`${name}_${column}`, `_stage_${hash}`) };
}
