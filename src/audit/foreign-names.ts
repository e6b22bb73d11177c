/**
 * Whose code a statement would call. Planning runs functions already, where their arguments are constants; and the statement is
 * somebody else's. So one that names what a role has made that must not run code as this one is not tried at all.
 */

import type pg from 'pg';
import type { Node } from 'libpg-query';
import { trustedSql } from '../db/trusted-roles.ts';
import { nodesOf, wordsOf } from './sql/syntax.ts';

interface Named {
  kind: 'function' | 'operator' | 'type' | 'relation';
  schema: string | null;
  name: string;
}

/** What BETWEEN, IN, CASE, NULLIF and USING mean, and do not name. */
const IMPLIED: readonly Named[] = ['=', '<>', '<', '>', '<=', '>='].map((name) => ({
  kind: 'operator',
  schema: null,
  name,
}));

function namesOf(statement: Node): Named[] {
  const found: Named[] = [...IMPLIED];
  const add = (kind: Named['kind'], words: readonly string[]): void => {
    const name = words.at(-1);
    if (name !== undefined) found.push({ kind, schema: words.at(-2) ?? null, name });
  };
  for (const node of nodesOf(statement)) {
    if ('FuncCall' in node) add('function', wordsOf(node.FuncCall.funcname));
    else if ('A_Expr' in node) add('operator', wordsOf(node.A_Expr.name));
    else if ('SortBy' in node) add('operator', wordsOf(node.SortBy.useOp));
    else if ('SubLink' in node) add('operator', wordsOf(node.SubLink.operName));
    else if ('TypeCast' in node) add('type', wordsOf(node.TypeCast.typeName?.names));
    else if ('ColumnDef' in node) add('type', wordsOf(node.ColumnDef.typeName?.names));
    else if ('RangeVar' in node) {
      const { schemaname: schema = null, relname: name = '' } = node.RangeVar;
      found.push({ kind: 'relation', schema, name });
    }
    // `row.name` calls a function of that name where there is no such column.
    else if ('ColumnRef' in node) add('function', wordsOf(node.ColumnRef.fields).slice(-1));
  }
  return found;
}

/**
 * The first of them as a phrase, such as `function public.f of role app`; null where there is none. Of names without a schema all
 * that the path of the transaction has are looked at, whichever would be taken.
 * @param oid of the legacy table, whose owner is trusted
 */
export async function foreignName(
  client: pg.PoolClient,
  statement: Node,
  oid: string,
): Promise<string | null> {
  const names = namesOf(statement);
  const found = await client.query<{ what: string }>(
    `WITH named AS (
       SELECT n.kind, n.name, n.schema FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS n (kind pg_catalog.text, schema pg_catalog.text, name pg_catalog.text)),
     present AS (
       SELECT 'function' AS kind, p.proname AS name, p.pronamespace AS namespace, p.proowner AS owner FROM pg_catalog.pg_proc p
       UNION ALL SELECT 'operator', o.oprname, o.oprnamespace, p.proowner FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) o.oprcode
       UNION ALL SELECT 'type', t.typname, t.typnamespace, t.typowner FROM pg_catalog.pg_type t
       UNION ALL SELECT 'relation', c.relname, c.relnamespace, c.relowner FROM pg_catalog.pg_class c)
     SELECT pg_catalog.concat(present.kind, ' ', s.nspname, '.', present.name, ' of role ', pg_catalog.pg_get_userbyid(present.owner)) AS what
       FROM named JOIN present ON present.kind OPERATOR(pg_catalog.=) named.kind AND present.name::pg_catalog.text OPERATOR(pg_catalog.=) named.name
       JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) present.namespace
      WHERE CASE WHEN named.schema IS NULL THEN s.nspname OPERATOR(pg_catalog.=) ANY (pg_catalog.current_schemas(true)) ELSE s.nspname::pg_catalog.text OPERATOR(pg_catalog.=) named.schema END
        AND NOT ${trustedSql('present.owner', '$2::pg_catalog.oid')} ORDER BY 1 LIMIT 1`,
    [JSON.stringify(names), oid],
  );
  return found.rows[0]?.what ?? null;
}
