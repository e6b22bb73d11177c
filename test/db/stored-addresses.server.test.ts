import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { databases } from '../setup/databases.ts';

it.each(databases())(
  'addresses that an earlier release has stored lose users and keys, on $name',
  async ({ create }) => {
    const database = await create();
    const pool = createPool(database.databaseUrl, { name: 'test', max: 1, logger: silentLogger });
    await migrate(pool);
    const stored = {
      secret: {
        modelEndpoint: 'https://u:secret@m.example/v1?key=secret',
        modelHub: 'https://secret@h.example',
        k: 1,
      },
      plain: { modelHub: 'https://h.example/models', text: ['a@b'] },
      none: { text: ['a'] },
    };
    for (const [name, settings] of Object.entries(stored))
      await pool.query(
        'INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings) VALUES ($1, $1, $1, $1, $2)',
        [name, JSON.stringify(settings)],
      );
    await pool.query(
      await readFile(new URL('../../src/db/migrations/0028_stored_addresses.sql', import.meta.url), 'utf8'),
    );
    const found = await pool.query<{ name: string; settings: object }>(
      'SELECT name, settings FROM pgvector_backfill.backfill',
    );
    expect(Object.fromEntries(found.rows.map(({ name, settings }) => [name, settings]))).toEqual({
      ...stored,
      secret: { modelEndpoint: 'https://m.example/v1', modelHub: 'https://h.example', k: 1 },
    });
    await pool.end();
    await database.drop();
  },
);
