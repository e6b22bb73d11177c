/** What goes on behind the cut-over: rows that are written later, applications with a configuration of their own. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createSearch } from '../../src/search/create-search.ts';
import type { Search } from '../../src/search/search-interface.ts';
import type { TestBackfill } from '../setup/backfill.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { expectSynced, untilSynced } from '../setup/synced.ts';
import { sampleModel } from '../setup/model.ts';
import { QUERY, askUntil, openArticles } from './articles-run.ts';

const model = sampleModel();
let backfill: TestBackfill;
let search: Search | null = null;
afterEach(async () => {
  await search?.close();
  search = null;
  await backfill.close();
});

const open = async (database: TestDatabase, options: Record<string, string> = {}): Promise<void> => {
  backfill = await openArticles(database, model, options);
};
const run = (verb: string, ...args: string[]): Promise<CommandResult> =>
  runCommand(verb, [...args, '--json'], backfill.env);
const state = async (): Promise<string> => (await backfill.run()).state;

describe.runIf(hasPostgres())('behind the cut-over', () => {
  it('completes and goes on to bring rows in line where sync is kept', async () => {
    await open(await realDatabase(), { BACKFILL_SYNC_EVERY_SECONDS: '1' });
    const { pool } = backfill;
    await run('cutover', '--to', 'vector', '--execute');
    expect((await run('complete', '--keep-sync', '--execute')).json()).toMatchObject({
      executed: true,
      plan: expect.not.arrayContaining([expect.stringContaining('DROP')]) as unknown,
    });
    expect(await state()).toBe('completed');
    await pool.query(`UPDATE articles SET body = 'A puppy that learns to sit.' WHERE id = 103`);
    const workers = await backfill.workers();
    await untilSynced(backfill);
    await workers.drain();
    await expectSynced(backfill);
    // Nobody can tell any more once staging is gone too.
    expect((await run('complete', '--execute')).code).toBe(0);
    expect(await run('verify')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('NO_STAGE') as string,
    });
  });

  it('serves an application that brings a configuration file, with its own options above it', async () => {
    await open(await realDatabase());
    const { pool } = backfill;
    await run('cutover', '--to', 'vector', '--execute');
    const folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-search-'));
    const config = join(folder, 'backfill.config.json');
    const file = {
      backfills: {
        articles: {
          table: 'articles',
          text: ['title', 'body'],
          model: { name: model.name, localPath: './elsewhere', quantized: false },
          legacySearch: 'SELECT 1 WHERE $1 <> $2::text',
        },
      },
    };
    await writeFile(config, JSON.stringify(file));
    search = createSearch({ pool, backfill: 'articles', config });
    await expect(search.search(QUERY)).rejects.toMatchObject({
      code: expect.stringMatching(/MODEL/) as string,
    });
    await search.close();
    const options = { model: { localPath: model.localPath } };
    search = createSearch({ pool, backfill: 'articles', config, options });
    expect(await search.search(QUERY, { k: 5 })).toMatchObject({ mode: 'vector', hits: { length: 5 } });
    await run('rollback', '--execute');
    expect((await askUntil(search, 'legacy')).hits).toEqual([
      { key: '1', rank: 1, distance: null, score: null },
    ]);
    await rm(folder, { recursive: true });
  });
});
