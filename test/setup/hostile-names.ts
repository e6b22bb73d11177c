/**
 * A role that may create in a schema of the path, and has made a better fitting function for each name that our SQL uses: of each
 * built-in function of that name one with other types in the places of its arguments, and of each operator one for every pair of
 * types. Each call is counted by the server, in whatever transaction, whether it may write or not.
 */

import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Queryable } from '../../src/db/pool.ts';

const SOURCES = new URL('../../src/', import.meta.url);

/** Every word in front of a parenthesis in our sources: the server knows which of them are functions. */
async function wordsOfSources(): Promise<string[]> {
  const files = await readdir(SOURCES, { recursive: true });
  const words = new Set<string>();
  for (const file of files.filter((each) => /\.(ts|sql)$/.test(each)))
    for (const [, word = ''] of (await readFile(new URL(file, SOURCES), 'utf8')).matchAll(
      /\b([a-z_][a-z0-9_]*)\s*\(/g,
    ))
      words.add(word);
  return [...words];
}

/** Types of what our SQL hands to functions, and what else each could be taken for. */
const OTHERS: Record<string, string[]> = {
  text: ['varchar', 'name', 'regclass', 'bigint'],
  name: ['text', 'varchar'],
  any: ['text', 'bigint', 'integer', 'uuid', 'timestamptz'],
  anyelement: ['text', 'bigint', 'integer', 'uuid', 'timestamptz'],
  anycompatible: ['text', 'bigint', 'integer'],
  anyarray: ['text[]', 'bigint[]', 'uuid[]'],
  anycompatiblearray: ['text[]', 'bigint[]'],
  anynonarray: ['text', 'bigint'],
  oid: ['regclass', 'integer', 'bigint'],
  regclass: ['oid', 'text'],
  int8: ['integer', 'smallint'],
  int4: ['bigint', 'smallint'],
  float8: ['bigint', 'integer', 'numeric'],
  numeric: ['bigint', 'double precision'],
  bytea: ['text'],
  jsonb: ['json', 'text'],
  interval: ['text', 'integer'],
  timestamptz: ['timestamp', 'text'],
};

const OPERATORS = '= <> < > <= >= || + - * / ~ ~~'.split(' ');
const OPERANDS = 'text varchar name bigint integer float8 oid regclass timestamptz interval'.split(' ');

/** A plain function for each of a built-in one's arguments taken for another type, and for all of them so at once. */
const FUNCTIONS_SQL = `DO $make$
DECLARE
  others jsonb := '${JSON.stringify(OTHERS)}';
  f record; kinds text[]; variants text[]; signature text; width int; place int; n int;
BEGIN
  FOR f IN SELECT p.proname, ARRAY(SELECT unnest(p.proargtypes)) AS types, p.provariadic, CASE WHEN t.typtype = 'p' AND p.prorettype <> 'void'::regtype THEN 'text' ELSE format_type(p.prorettype, NULL) END AS returns
             FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_type t ON t.oid = p.prorettype
            WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (current_setting('hostile.names')::text[]) AND p.pronargs BETWEEN 1 AND 4 LOOP
    FOR width IN array_length(f.types, 1) .. CASE WHEN f.provariadic = 0 THEN array_length(f.types, 1) ELSE 4 END LOOP
      kinds := ARRAY(SELECT CASE WHEN f.provariadic <> 0 AND i >= array_length(f.types, 1) THEN 'any' ELSE (SELECT typname::text FROM pg_catalog.pg_type WHERE oid = f.types[i]) END
                       FROM generate_series(1, width) i);
      variants := ARRAY[array_to_string(ARRAY(SELECT CASE k WHEN 'any' THEN 'text' ELSE k END FROM unnest(kinds) k), ',')];
      FOR n IN 0 .. 4 LOOP
        variants := variants || array_to_string(ARRAY(SELECT coalesce(others -> k ->> n, others -> k ->> 0, k) FROM unnest(kinds) k), ',');
        FOR place IN 1 .. width LOOP
          variants := variants || array_to_string(ARRAY(SELECT CASE WHEN o = place THEN coalesce(others -> k ->> n, k) WHEN k LIKE 'any%' THEN coalesce(others -> k ->> 0, k) ELSE k END FROM unnest(kinds) WITH ORDINALITY AS u (k, o)), ',');
        END LOOP;
      END LOOP;
      FOREACH signature IN ARRAY ARRAY(SELECT DISTINCT v FROM unnest(variants) v) LOOP
        BEGIN
          EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN RETURN NULL; END $f$', f.proname, signature, f.returns);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
      END LOOP;
    END LOOP;
  END LOOP;
END $make$`;

/** One that is there already of these very types is found first: the catalog is in front. */
const OPERATORS_SQL = `DO $make$
DECLARE c record;
BEGIN
  FOR c IN SELECT o, l, r, CASE WHEN o = '||' THEN 'text' WHEN o IN ('+', '-', '*', '/') THEN 'float8' ELSE 'boolean' END AS result
             FROM unnest('{${OPERATORS.join(',')}}'::text[]) o, unnest('{${OPERANDS.join(',')}}'::text[]) l, unnest('{${OPERANDS.join(',')}}'::text[]) r
            WHERE NOT EXISTS (SELECT 1 FROM pg_operator WHERE oprname = o AND oprleft = l::regtype AND oprright = r::regtype) LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION public.hostile_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN RETURN NULL; END $f$', c.result, c.l, c.r, c.result);
    EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.hostile_%s)', c.o, c.l, c.r, c.result);
  END LOOP;
END $make$`;

export interface Hostile {
  functions: number;
  operators: number;
}

/** @param url of a role that may create in public */
export async function makeHostileNames(url: string): Promise<Hostile> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // Those it has made already would be called by what makes the others.
    await client.query('SET search_path = pg_catalog; SET check_function_bodies = off');
    await client.query(`SELECT set_config('hostile.names', $1::text[]::text, false)`, [
      await wordsOfSources(),
    ]);
    await client.query(FUNCTIONS_SQL);
    await client.query(OPERATORS_SQL);
    const made = await client.query<Hostile>(
      `SELECT (SELECT count(*)::int FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND pg_get_userbyid(proowner) = CURRENT_USER) AS functions,
              (SELECT count(*)::int FROM pg_operator WHERE oprnamespace = 'public'::regnamespace AND pg_get_userbyid(oprowner) = CURRENT_USER) AS operators`,
    );
    return made.rows[0] as Hostile;
  } finally {
    await client.end();
  }
}

/** Which of them were called, by whichever session that has ended. */
export async function hostileCalls(db: Queryable, owner: string): Promise<string[]> {
  const found = await db.query<{ call: string }>(
    `SELECT s.funcid::pg_catalog.regprocedure::text OPERATOR(pg_catalog.||) ' x '::text OPERATOR(pg_catalog.||) s.calls::text AS call
       FROM pg_catalog.pg_stat_user_functions s JOIN pg_catalog.pg_proc p ON p.oid = s.funcid WHERE p.proowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = $1) ORDER BY 1`,
    [owner],
  );
  return found.rows.map((row) => row.call);
}
