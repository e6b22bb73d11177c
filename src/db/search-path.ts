/**
 * The search path, and who may have put something on it. Of two functions of one name PostgreSQL takes the one whose arguments
 * fit best, on whichever schema of the path: where others may create, a better fit is theirs to make. So our own SQL runs on a
 * path of the catalog alone, and what the operator wrote is looked up on the operator's.
 */

import { quoteLiteral } from './identifiers.ts';

/** Temporary objects last: they would come first otherwise. */
export const OWN_PATH = 'pg_catalog, pg_temp';

/** No setting of the server's: where the path of the session was put by. */
export const PUT_BY = 'pgvector_backfill.path';

const PRESENT = `pg_catalog.current_setting('search_path')`;
const isOwn = `${PRESENT} OPERATOR(pg_catalog.=) '${OWN_PATH}'`;
const PUT = `COALESCE(NULLIF(pg_catalog.current_setting('${PUT_BY}', true), ''::pg_catalog.text), ${PRESENT})`;

/** Statements that take the catalog's path and put the present one by. */
export const pinSql = (isLocal: boolean, path = OWN_PATH): string =>
  `SELECT pg_catalog.set_config('${PUT_BY}', ${PRESENT}, ${isLocal}) WHERE NOT (${isOwn}); SELECT pg_catalog.set_config('search_path', ${quoteLiteral(path)}, ${isLocal})`;

/** SQL of the operator's path, on whichever path it is asked. */
const THEIR_PATH = `(CASE WHEN ${isOwn} THEN ${PUT} ELSE ${PRESENT} END)`;

/**
 * Statement that goes back to the operator's path for the rest of the transaction. One that names pg_catalog behind another
 * schema would let that one's functions and operators stand in for ours, by the very same arguments.
 */
export const operatorPathSql = (isLocal: boolean): string =>
  `SELECT pg_catalog.set_config('search_path', path.value, ${isLocal})
  FROM (SELECT CASE WHEN pg_catalog.textlike(p, '%pg_catalog%') AND pg_catalog.textnlike(p, 'pg_catalog%') THEN pg_catalog.concat('pg_catalog, ', p) ELSE p END AS value
          FROM (SELECT ${THEIR_PATH}) AS their (p)) path`;

/** SQL of the schemas of the operator's path as a table of `schema` and `place`; also of those that are not there. */
export const OPERATOR_SCHEMAS = `(SELECT CASE WHEN s.part OPERATOR(pg_catalog.=) '$user' OR s.part OPERATOR(pg_catalog.=) '"$user"' THEN CURRENT_USER::pg_catalog.text
            WHEN pg_catalog.starts_with(s.part, '"') THEN pg_catalog.replace(pg_catalog.btrim(s.part, '"'), '""', '"') ELSE pg_catalog.lower(s.part) END AS schema, s.place
     FROM pg_catalog.regexp_split_to_table(${THEIR_PATH}, E'\\\\s*,\\\\s*(?=(?:[^"]*"[^"]*")*[^"]*$)') WITH ORDINALITY AS s (part, place))`;

/**
 * SQL of the oid of a table that the operator has named, with its schema or without; NULL where there is none. Raises for one
 * in a schema that this role may not use. @param name SQL of the name, quoted
 */
export const operatorRegclassSql = (name: string): string =>
  `(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident(${name})) OPERATOR(pg_catalog.>) 1 THEN pg_catalog.to_regclass(${name})::pg_catalog.oid
     ELSE (SELECT pgvb_c.oid FROM pg_catalog.pg_class pgvb_c JOIN pg_catalog.pg_namespace pgvb_n ON pgvb_n.oid = pgvb_c.relnamespace
             JOIN ${OPERATOR_SCHEMAS} pgvb_p ON pgvb_p.schema OPERATOR(pg_catalog.=) pgvb_n.nspname::pg_catalog.text
            WHERE pgvb_c.relname OPERATOR(pg_catalog.=) (pg_catalog.parse_ident(${name}))[1]::pg_catalog.name
              AND pg_catalog.has_schema_privilege(pgvb_n.oid, 'USAGE') ORDER BY pgvb_p.place LIMIT 1) END)`;

/** The same, for what is asked besides; NULL also in such a schema, of which statements on the table itself will tell. */
export const usableRegclassSql = (name: string): string =>
  `(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident(${name})) OPERATOR(pg_catalog.=) 1
           OR pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident((pg_catalog.parse_ident(${name}))[1]))::pg_catalog.oid, 'USAGE')
         THEN ${operatorRegclassSql(name)} END)`;
