import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { messageOf, withoutValues } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';

const PLANTED = 'planted4711';
/** Of a row whose `v` is the planted word, or words around it. */
const EXPRESSIONS = [
  ...'int numeric date timestamptz interval uuid inet json jsonb jsonpath vector halfvec bit point money'
    .split(' ')
    .map((type) => `v::${type}`),
  ...'regclass regconfig regtype regproc regrole regnamespace pg_lsn'.split(' ').map((type) => `v::${type}`),
  `to_tsvector(v::regconfig, 'x')`,
  `('\\x' || v)::bytea`,
  `(v || ' !')::tsquery`,
  `to_date(v, 'YYYY')`,
  `to_tsquery(v || ' !')`,
  `'x' ~ ('(' || v)`,
  `decode(v, 'hex')`,
  `decode(v, v)`,
  `timezone(v, now())`,
  `current_setting(v)`,
  `nextval(v)`,
  `has_table_privilege(v, 'SELECT')`,
  `convert_from('x'::bytea, v)`,
  `format('%' || v)`,
  `j::text::jsonb -> 'a' ->> v || (1 / (length(v) - 11))::text`,
  `(j -> 'n')::text::mood`,
  `raises(v)`,
  `raises_as(v, '40001')`,
  `raises_as(v, '42501')`,
  `raises_as(v, '57P03')`,
  `raises_as(v, '23505')`,
  `executes(v)`,
  `executes('SELECT ''' || v)`,
  `executes('SELECT 1 FROM ' || v)`,
  `executes('CREATE TABLE t (a ' || v || ')')`,
];
const STATEMENTS = [
  `INSERT INTO docs (id, v) VALUES (1, '${PLANTED}')`,
  `INSERT INTO docs (id, v) VALUES (NULL, '${PLANTED}')`,
  `UPDATE docs SET v = v || v || v || v || v || v`,
  `UPDATE docs SET parent = 99 WHERE v = '${PLANTED}'`,
  `CREATE UNIQUE INDEX ON docs ((v IS NOT NULL))`,
  `CREATE INDEX ON docs ((v::int))`,
  `ALTER TABLE docs ALTER v TYPE int USING v::int`,
];

describe.each(databases())('the words of a server error on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  const errorOf = (sql: string, values: unknown[] = []): Promise<unknown> =>
    pool.query(sql, values).then(
      () => null,
      (error: unknown) => error,
    );
  beforeAll(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 1, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pool.query(`CREATE TYPE mood AS ENUM ('fine')`);
    await pool.query(
      `CREATE TABLE docs (id int PRIMARY KEY, v text CHECK (length(v) < 40), j jsonb, parent int REFERENCES docs)`,
    );
    await pool.query(`INSERT INTO docs VALUES (1, $1, $2), (2, 'other', '{}')`, [
      PLANTED,
      JSON.stringify({ n: PLANTED }),
    ]);
    const define = (signature: string, body: string): Promise<unknown> =>
      pool.query(`CREATE FUNCTION ${signature} RETURNS text LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`);
    await define('raises(t text)', `RAISE EXCEPTION 'not this: %', t;`);
    await define('raises_as(t text, c text)', `RAISE EXCEPTION 'not this: %', t USING ERRCODE = c;`);
    await define('executes(t text)', `EXECUTE t; RETURN t;`);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it.each([...EXPRESSIONS.map((each) => `SELECT ${each} FROM docs WHERE id = 1`), ...STATEMENTS])(
    'hold no value of a row: %s',
    async (sql) => {
      const error = await errorOf(sql);
      expect(error).toBeInstanceOf(Error);
      const words = messageOf(error);
      expect(words).not.toContain(PLANTED);
      expect(words).toMatch(/[0-9A-Z]{5}/);
      const kept = withoutValues(error) as Error;
      expect(`${kept.message} ${kept.stack}`).not.toContain(PLANTED);
    },
  );

  it('of what was sent name what is wrong with it', async () => {
    expect(messageOf(await errorOf('SELECT nothing FROM docs'))).toBe('column "nothing" does not exist');
    expect(messageOf(await errorOf('SELECT 1 FROM nowhere'))).toBe('relation "nowhere" does not exist');
    expect(messageOf(await errorOf(`SELECT 'x'::int FROM docs`))).toContain('"x"');
    expect(messageOf(await errorOf('CREATE TABLE docs ()'))).toBe('relation "docs" already exists');
    expect(messageOf(await errorOf('SELECT v::int FROM docs'))).toBe('SQLSTATE 22P02 in pg_strtoint32_safe');
    expect(messageOf(await errorOf('SELECT v::regclass FROM docs'))).toContain(
      'relation "..." does not exist',
    );
  });
});
