/** What an application asks besides hits: the query's vector, and whether this machine can answer by vectors. */

import { hostname } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readerReports } from '../../../src/cutover/reader-reports.ts';
import { createPool } from '../../../src/db/pool.ts';
import { latestRun, type Run } from '../../../src/ledger/run/run.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { createSearch } from '../../../src/search/create-search.ts';
import { databases } from '../../setup/databases.ts';
import { FINGERPRINT, openServedTable, wordEmbedder, type ServedTable } from '../served-table.ts';
import { ServedSearches } from '../served-searches.ts';

const TO_VECTOR = { mode: 'vector', percent: null } as const;

describe.each(databases())('an application on $name', ({ create }) => {
  let table: ServedTable;
  const served = new ServedSearches();
  beforeAll(async () => {
    table = await openServedTable(await create());
  });
  afterEach(() => served.close());
  afterAll(() => table.close());
  const reports = async (): ReturnType<typeof readerReports> =>
    readerReports(table.pool, (await latestRun(table.pool, 'things')) as Run, TO_VECTOR);

  it('gets the vector of a query, in the form that SQL takes', async () => {
    const search = served.open(table);
    const vector = await search.embed('fresh bread');
    expect(vector).toEqual([1, 0, 0]);
    const found = await table.pool.query<{ id: string }>(
      'SELECT id::text FROM things ORDER BY embedding <=> $1::vector, id LIMIT 3',
      [JSON.stringify(vector)],
    );
    expect(found.rows.map(({ id }) => id)).toEqual(['2', '5', '8']);
    await expect(search.embed('nothing of it')).rejects.toMatchObject({ code: 'QUERY_NOT_EMBEDDABLE' });
    await expect(
      served.open(table, { embedder: wordEmbedder({ fingerprint: 'another' }) }).embed('bread'),
    ).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
  });

  it('reports whether it can answer by vectors, and the cut-over goes by it', async () => {
    expect(await reports()).toMatchObject({
      reports: [],
      refusal: null,
      note: expect.stringMatching(/ready\(\)/) as string,
    });
    const wrong = served.open(table, { embedder: wordEmbedder({ fingerprint: 'another' }) });
    await expect(wrong.ready()).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
    expect((await reports()).refusal).toContain(`${hostname()} cannot answer by vectors (MODEL_MISMATCH)`);
    expect(await served.open(table).ready()).toMatchObject({ model: 'words', dimensions: 3, reported: true });
    expect(await reports()).toMatchObject({
      refusal: null,
      reports: [{ host: hostname(), fault: null, fingerprint: FINGERPRINT }],
    });
    await table.pool.query(`UPDATE pgvector_backfill.read_report SET fingerprint = 'of before'`);
    expect((await reports()).refusal).toContain('the model of an earlier run');
    expect(
      await readerReports(table.pool, (await latestRun(table.pool, 'things')) as Run, {
        mode: 'shadow',
        percent: null,
      }),
    ).toEqual({ reports: [], refusal: null, note: null });
  });

  it('is ready without the right to say so, and not where the search itself fails', async () => {
    await table.pool.query('DROP TABLE pgvector_backfill.read_report');
    expect(await served.open(table).ready()).toMatchObject({ reported: false });
    const broken = createPool(table.url, { name: 'test', max: 1, logger: silentLogger });
    const search = createSearch({
      pool: broken,
      backfill: 'things',
      embedder: wordEmbedder({ embed: () => Promise.reject(new Error('no more memory')) }),
    });
    await expect(search.ready()).rejects.toThrow('no more memory');
    await search.close();
    await broken.end();
  });
});
