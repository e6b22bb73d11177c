/** The function in SQL: one for each table, whatever PostgreSQL would cut of its name, and never that of another backfill. */

import { afterEach, describe, expect, it } from 'vitest';
import { dropSearchFunction, planSearchFunction } from '../../src/cutover/search-function.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { searchFunctionMark } from '../../src/search/queries/sql-function.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';

const FRONT = 'customer_support_ticket_conversation_messages_archive_2025_';
/** What earlier releases made of both names. */
const CUT = `search_${FRONT.slice(0, 56)}`;

let database: TestDatabase;
let pool: Pool;
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const targetOf = async (end: string, backfill: string): Promise<Target> =>
  describeTarget(pool, backfill, await makeSettings({ table: `${FRONT}${end}`, text: 'title' }));
const plan = (target: Target) => planSearchFunction(pool, target, 'cosine', { 'hnsw.ef_search': '40' });
async function make(target: Target): Promise<string> {
  const { name, statements, obstacle } = await plan(target);
  expect(obstacle).toBeNull();
  for (const sql of statements) await pool.query(sql);
  return name;
}
const answer = async (name: string): Promise<string[]> =>
  (await pool.query<{ key: string }>(`SELECT key FROM ${name}('[1,0]', 2) ORDER BY 1`)).rows.map(
    ({ key }) => key,
  );

describe.each(databases())('functions of two tables of one beginning on $name', ({ create }) => {
  it('are two, and neither backfill replaces or drops what is of the other', async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    for (const [end, first] of [
      ['a', 1],
      ['b', 1001],
    ] as const)
      await pool.query(
        `CREATE TABLE ${FRONT}${end} (id bigint PRIMARY KEY, title text, embedding vector(2));
         INSERT INTO ${FRONT}${end} VALUES (${first}, 'x', '[1,0]'), (${first + 1}, 'y', '[0,1]')`,
      );
    const [a, b] = [await targetOf('a', 'first, of two'), await targetOf('b', 'second')];
    const [ofA, ofB] = [await make(a), await make(b)];
    expect(await answer(ofA)).toEqual(['1', '2']);
    expect(await answer(ofB)).toEqual(['1001', '1002']);
    expect((await plan(a)).statements).toEqual([]);

    const other = await targetOf('a', 'third');
    expect(await plan(other)).toEqual({
      name: ofA,
      statements: [],
      obstacle: 'the name is taken by the function of backfill first, of two',
    });
    expect(await dropSearchFunction(pool, other)).toEqual([]);

    // An application may still ask by the name of an earlier release: it stays until the way back takes all away.
    await pool.query(
      `CREATE FUNCTION ${CUT}(query vector, k integer DEFAULT 10) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
       COMMENT ON FUNCTION ${CUT} IS '${searchFunctionMark('second', '0123456789abcdef')}'`,
    );
    expect((await plan(b)).statements).toEqual([]);
    expect(await dropSearchFunction(pool, a)).toEqual([
      `DROP FUNCTION IF EXISTS ${ofA}("public".vector, integer)`,
    ]);
    expect(await dropSearchFunction(pool, b)).toHaveLength(2);
    for (const sql of await dropSearchFunction(pool, b)) await pool.query(sql);
    expect(await dropSearchFunction(pool, b)).toEqual([]);
    expect(await answer(ofA)).toEqual(['1', '2']);
  });
});
