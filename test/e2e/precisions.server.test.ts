/** A model in one precision after the other: each is another model, and the gate knows how closely its vectors come again. */

import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTexts } from '../../scripts/bench/minilm-model.ts';
import type { Dtype } from '../../src/config/values/dtype.ts';
import { graphFile } from '../../src/embedding/model-files/dtype.ts';
import { createSearch } from '../../src/search/create-search.ts';
import { openBackfill, REPEATED_TEXTS, testBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import type { OwnModel } from '../setup/model.ts';
import { makeInPrecisions } from '../setup/precisions.ts';
import { loadConfig } from '../../src/config/load.ts';
import { usedConfig } from '../../src/embedding/usage/usage.ts';
import { untilSynced } from '../setup/synced.ts';

const ROWS = 48;
const STEPS = ['fp16', 'uint8', 'q4f16'] as const;
const texts = makeTexts(ROWS).map((text) => text.split(' ').slice(0, 12).join(' '));

describe.runIf(hasPostgres())('a backfill in a precision', () => {
  let model: OwnModel;
  let backfill: TestBackfill;
  beforeAll(async () => {
    model = await makeInPrecisions(STEPS);
    backfill = await openBackfill(await realDatabase(), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_MODEL_QUANTIZED: '',
      BACKFILL_MODEL_DTYPE: 'auto',
      BACKFILL_VERIFY_SAMPLES: '2',
      ...REPEATED_TEXTS,
    });
    await backfill.pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await backfill.pool.query(
      'INSERT INTO docs SELECT n, body FROM unnest($1::text[]) WITH ORDINALITY t (body, n)',
      [texts],
    );
  });
  afterAll(async () => {
    await backfill.close();
    await model.remove();
  });

  async function inPrecision(dtype: Dtype): Promise<TestBackfill> {
    const env = { ...backfill.env, BACKFILL_MODEL_DTYPE: dtype };
    const config = await loadConfig({ flags: {}, env, cwd: model.localPath });
    return testBackfill(config, backfill.pool, env, () => Promise.resolve());
  }

  const digests = new Set<string>();
  it.each(STEPS)('%s: every row is embedded by it, and is so again', async (dtype) => {
    const own = await inPrecision(dtype);
    await own.enqueue();
    const { embedding, state } = await own.run();
    expect(embedding).toMatchObject({ 'model.dtype': dtype });
    expect(state).toBe('running');
    const { rows } = await own.work();
    expect(rows).toMatchObject({ embedded: ROWS, stale: 0, quarantined: 0 });
    digests.add(await own.vectorDigest());
    const { passed, checks } = await own.verify();
    const found = (name: string): object | undefined => checks.find((check) => check.name === name);
    expect(found('freshness')).toMatchObject({
      passed: true,
      detail: expect.stringContaining(`embedded again (${dtype})`) as string,
    });
    expect(found('model-use')).toMatchObject({
      detail: expect.stringContaining(`model.dtype ${dtype} (its ${graphFile(dtype)})`) as string,
    });
    expect(passed).toBe(true);
  });

  it('is searched by that one, whatever comes into the folder of an application that leaves it open', async () => {
    expect(digests.size).toBe(STEPS.length);
    const taken = await inPrecision('q4f16');
    expect((await runCommand('cutover', ['--to', 'vector', '--execute'], taken.env)).code).toBe(0);
    const folder = join(model.localPath, model.name);
    await copyFile(join(folder, graphFile('fp32')), join(folder, graphFile('q8')));
    const options = { model: { localPath: model.localPath, dtype: 'auto' } } as const;
    const search = createSearch({ pool: backfill.pool, backfill: 'docs', options });
    const [, text = ''] = texts;
    expect((await search.search(text, { k: 1 })).hits).toMatchObject([{ key: '2' }]);
    await search.close();
    const other = createSearch({
      pool: backfill.pool,
      backfill: 'docs',
      options: { model: { dtype: 'q8' } },
    });
    await expect(other.search(text)).rejects.toMatchObject({
      code: 'MODEL_MISMATCH',
      message: expect.stringContaining('model.dtype was "q4f16", is "q8"') as string,
    });
    await other.close();
  });

  it('goes on by that one for a worker whose folder would answer otherwise now', async () => {
    const env = { ...backfill.env, BACKFILL_MODEL_DTYPE: 'auto' };
    const config = usedConfig(await loadConfig({ flags: {}, env, cwd: model.localPath }));
    expect(config.settings.model.dtype).toBe('q8');
    const auto = testBackfill(config, backfill.pool, env, () => Promise.resolve());
    await backfill.pool.query('INSERT INTO docs VALUES ($1, $2)', [ROWS + 1, `${texts[3]} ${texts[4]}`]);
    const workers = await auto.workers();
    await untilSynced(auto);
    await workers.drain();
    const taken = await inPrecision('q4f16');
    expect(await taken.account()).toMatchObject({ embedded: ROWS + 1, stale: 0 });
  });
});
