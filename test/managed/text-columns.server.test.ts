/** Columns that hold text within something else: refused by their plain name, with the expression to write, which works. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkExpressions } from '../../src/planning/checks/expressions.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { checkVolatility } from '../../src/planning/checks/volatility.ts';
import { readTexts } from '../../src/table/read-texts.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { dropStages } from '../setup/stages.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

const DEEP = `'{"title": "bread", "n": 1, "parts": [{"name": "crust \\"dark\\""}, "crumb", null]}'`;
const DOCUMENT = `XMLPARSE(DOCUMENT '<?xml version="1.0"?><!DOCTYPE a><a b="c">bread &amp; <i>butter</i><![CDATA[ x < y ]]></a>')`;
const CONTENT = `XMLPARSE(CONTENT 'bread <b>and</b> soup')`;

describe.runIf(hasPostgres())('text within something else', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await realDatabase();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query(
      'CREATE SCHEMA "Their ext"; CREATE EXTENSION hstore SCHEMA "Their ext"; CREATE DOMAIN loose AS jsonb; CREATE DOMAIN looser AS loose',
    );
  });
  afterAll(() => pool.end());

  const configOf = (text: unknown): Promise<Config> =>
    loadConfig({
      flags: {
        table: 'public.docs',
        text: typeof text === 'string' ? text : `sql:${(text as { sql: string }).sql}`,
      },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
  const textFindings = async ({ backfill, settings }: Config): Promise<Finding[]> => {
    const target = await describeTarget(pool, backfill, settings, { planning: true });
    const found = await checkExpressions(pool, target, settings);
    return found.some(({ level }) => level === 'error')
      ? found
      : [...found, ...(await checkVolatility(pool, target, settings))];
  };
  const named = ({ check, level }: Finding): string => `${level} ${check}`;

  it.each([
    ['json', `json`, DEEP, 'crust "dark"\ncrumb\nbread'],
    ['jsonb', `jsonb`, DEEP, 'crust "dark"\ncrumb\nbread'],
    ['a domain over a domain over jsonb', `looser`, `'["a", {"b": "c"}]'`, 'a\nc'],
    ['text[]', 'text[]', `ARRAY['bread', NULL, 'butter']`, 'bread butter'],
    ['varchar[] of two dimensions', 'varchar(9)[]', `ARRAY[['a', 'b'], ['c', 'd']]`, 'a b c d'],
    ['xml: a document', 'xml', DOCUMENT, 'bread &  butter  x < y '],
    ['xml: content', 'xml', CONTENT, 'bread  and  soup'],
    [
      'hstore',
      '"Their ext".hstore',
      `'k=>bread, m=>NULL, zz=>"and butter"'::"Their ext".hstore`,
      'bread and butter',
    ],
  ])('%s', async (_, type, value, text) => {
    await pool.query('DROP TABLE IF EXISTS docs');
    await pool.query(
      `CREATE TABLE docs (id bigint PRIMARY KEY, title varchar(20), year int, "the data" ${type});
       INSERT INTO docs VALUES (1, 'Bread', 1999, ${value}), (2, 'No data', 2000, NULL), (3, NULL, NULL, NULL)`,
    );
    for (const [plain, expected] of [
      ['the data', [text]],
      ['title,the data,year', [`Bread\n${text}\n1999`, 'No data\n2000']],
    ] as const) {
      const [finding, ...more] = await textFindings(await configOf(plain));
      expect(more).toEqual([]);
      expect(finding).toMatchObject({
        level: 'error',
        option: 'text',
        message: expect.stringContaining('"the data" (') as string,
      });
      const written = /\{"sql":.*?\}(?=\.(?: For one|$))/s.exec(finding?.remedy ?? '')?.[0] ?? '';
      const config = await configOf(JSON.parse(written));
      // Nothing is held against it, nor is it taken for one whose value changes by itself.
      expect((await textFindings(config)).map(named)).toEqual(['ok text', 'ok watched-columns']);
      const target = await describeTarget(pool, config.backfill, config.settings, { planning: true });
      const texts = await readTexts(pool, target, ['1', '2', '3'], 1000);
      expect(texts.map((each) => each.text)).toEqual(expected);
    }
  });

  it('a run by such an expression: an edit within the value is found', async () => {
    await pool.query('DROP TABLE IF EXISTS docs');
    await pool.query(
      `CREATE TABLE docs (id bigint PRIMARY KEY, data jsonb); INSERT INTO docs SELECT n, jsonb_build_object('title', 'bread ' || n) FROM generate_series(1, 6) n`,
    );
    const [finding] = await textFindings(await configOf('data'));
    const written = /\{"sql":.*?\}(?=\. For one)/s.exec(finding?.remedy ?? '')?.[0] ?? '';
    const result = await runAll(pool, await configOf(JSON.parse(written)), hashEmbedder());
    expect(await result.account()).toMatchObject({ embedded: 6, stale: 0 });
    await pool.query(`UPDATE docs SET data = data || '{"title": "soup"}' WHERE id = 3`);
    expect(await result.account()).toMatchObject({ embedded: 5, stale: 1 });
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject({ embedded: 6, stale: 0 });
    await dropStages(pool);
  });
});
