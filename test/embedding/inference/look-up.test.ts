/** A model that is a table, looked up instead of inferred: the same vectors, to the last digit. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { articles } from '../../../src/demo/articles.ts';
import { LocalModel } from '../../../src/embedding/inference/local-model.ts';
import { LookUp } from '../../../src/embedding/inference/look-up.ts';
import type { Dtype } from '../../../src/config/values/dtype.ts';
import type { Pooling } from '../../../src/embedding/embedding-options.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';

const TEXTS = [
  ...articles()
    .slice(0, 60)
    .map(({ title, body }) => `${title}\n${body}`),
  'bread',
  'ζζζ 語',
  'bread '.repeat(600),
];

describe('a look-up', () => {
  let folder: string;
  const sample = sampleModel();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-look-up-'));
    const file = join(folder, 'graph', 'config.json');
    await cp(join(sample.localPath, sample.name), join(folder, 'graph'), { recursive: true });
    // With a layer it says that it is no table: the graph is run.
    const config = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...config, num_hidden_layers: 1 }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each<[Pooling, Dtype]>([
    ['mean', 'fp32'],
    ['cls', 'fp32'],
    ['max', 'fp32'],
    ['mean', 'q8'],
  ])('has the vectors of the graph: %s, %s', async (pooling, dtype) => {
    const load = (root: string, name: string): Promise<LocalModel> =>
      LocalModel.load({
        type: 'load',
        options: { ...modelOptionsOf(sample), pooling, dtype },
        location: { root, id: name, folder: join(root, name) },
        intraOpThreads: 1,
      });
    const [looked, run] = [await load(sample.localPath, sample.name), await load(folder, 'graph')];
    expect([looked.isLookUp, run.isLookUp]).toEqual([true, false]);
    const [one, other] = [await looked.embed(TEXTS, 'document'), await run.embed(TEXTS, 'document')];
    expect(one.vectors.some((value) => value !== 0)).toBe(true);
    expect(Buffer.from(one.vectors.buffer).equals(Buffer.from(other.vectors.buffer))).toBe(true);
    expect(one.faults).toEqual(other.faults);
    expect(one.tokens).toEqual(other.tokens);
  });

  const config = { vocab_size: 300, hidden_size: 2, num_hidden_layers: 0 };
  const row = (id: number): number[] => [id, -id];
  const infer =
    (vectorOf: (id: number, at: number, line: readonly number[]) => number[]) =>
    async (lines: readonly (readonly number[])[]) => {
      const sequence = Math.max(...lines.map(({ length }) => length));
      const all = lines.flatMap((line) =>
        Array.from({ length: sequence }, (_, at) => vectorOf(line[at] ?? 0, at, line)),
      );
      return { data: Float32Array.from(all.flat()), sequence, dimensions: 2 };
    };

  it('is none where a vector hangs on its place or its neighbours, or the file holds more than a table', async () => {
    const bytes = 300 * 2 * 4;
    expect(await LookUp.read(config, bytes, infer(row))).not.toBeNull();
    expect(
      await LookUp.read(
        config,
        bytes,
        infer((id, at) => [id + at, 0]),
      ),
    ).toBeNull();
    expect(
      await LookUp.read(
        config,
        bytes,
        infer((id, _, line) => [id, line.length]),
      ),
    ).toBeNull();
    expect(await LookUp.read(config, 1_000_000, infer(row))).toBeNull();
    expect(await LookUp.read({ ...config, num_hidden_layers: 6 }, bytes, infer(row))).toBeNull();
    expect(await LookUp.read({}, bytes, infer(row))).toBeNull();
  });

  it('refuses a token that is not in the table', async () => {
    const found = await LookUp.read(config, 0, infer(row));
    const target = new Float32Array(2);
    found?.pool([1, 3], 'mean', target);
    expect([...target]).toEqual([2, -2]);
    expect(() => found?.pool([1, 300], 'mean', target)).toThrow('no vector of a token');
  });
});
