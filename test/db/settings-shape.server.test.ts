/** Settings of a ledger that an earlier build has filled: one flat list of names, as it wrote them. */

import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { OPTION_PATHS } from '../../src/config/options.ts';
import { readStored } from '../../src/config/section.ts';
import { valueAt } from '../../src/config/shape.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { databases } from '../setup/databases.ts';

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');
const sorted = (values: unknown[]): string[] => values.map((each) => JSON.stringify(each)).toSorted();
const leaves = (settings: object): unknown[] =>
  OPTION_PATHS.map((path) => valueAt(settings, path)).filter((value) => value !== undefined);

it.each(databases())('take the shape of the configuration file, on $name', async ({ create }) => {
  const database = await create();
  const pool = createPool(database.databaseUrl, { name: 'test', max: 1, logger: silentLogger });
  await migrate(pool);
  const flat = JSON.parse(await read('./flat-settings.json')) as Record<string, unknown>;
  const migrated = async (): Promise<Record<string, Record<string, unknown>>> => {
    await pool.query(await read('../../src/db/migrations/0050_settings_shape.sql'));
    const found = await pool.query<{ name: string; settings: Record<string, unknown> }>(
      'SELECT name, settings FROM pgvector_backfill.backfill',
    );
    return Object.fromEntries(found.rows.map(({ name, settings }) => [name, settings]));
  };
  const ledgers = {
    flat,
    few: { text: ['a'], modelName: 'old', mergeRows: 5, gone: true },
    both: { syncMode: 'off', syncSeconds: 9, sync: { mode: 'trigger' } },
    none: {},
  };
  for (const [name, settings] of Object.entries(ledgers))
    await pool.query(
      'INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings) VALUES ($1, $1, $1, $1, $2)',
      [name, JSON.stringify(settings)],
    );
  const first = await migrated();
  expect(first).toMatchObject({
    few: { text: ['a'], model: { name: 'old' }, mergeRows: 5, gone: true },
    both: { sync: { mode: 'trigger', everySeconds: 9 } },
    none: {},
  });
  const { flat: now = {}, both = {} } = first;
  expect(Object.keys(both)).toEqual(['sync']);
  expect(now).toMatchObject({
    text: ['title', 'body'],
    model: { documentPrefix: 'passage: ', requestTexts: 64 },
    worker: { concurrency: 2, threads: 3 },
    sync: { everySeconds: 5, slowSweepSeconds: 86_400 },
    throttle: { sqlValue: { hold: 1, stop: null }, rowsPerSecond: 100 },
    index: { maintenanceWorkMem: '1GB', parallelWorkers: 2 },
    verify: { latencyMs: 50 },
  });
  // Each value is where its option is, and none elsewhere.
  expect(sorted(leaves(now))).toEqual(sorted(Object.values(flat)));
  // Of the two precisions that there were then, by its present name.
  expect(valueAt(readStored(now), 'model.dtype')).toBe('q8');
  expect(sorted(leaves(readStored(now)))).toEqual(sorted(Object.values({ ...flat, modelQuantized: 'q8' })));
  expect(
    Object.keys(now).filter((name) => OPTION_PATHS.every((path) => path.split('.')[0] !== name)),
  ).toEqual([]);
  expect(await migrated()).toEqual(first);
  await pool.end();
  await database.drop();
});
