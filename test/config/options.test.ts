/** Every option of the table, whatever is added to it: where its value may come from, and how a wrong one is refused. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { loadConfig, type LoadInput } from '../../src/config/load.ts';
import type { Option } from '../../src/config/option.ts';
import { OPTIONS, type OptionPath } from '../../src/config/options.ts';
import { readSection, readStored } from '../../src/config/section.ts';
import type { BackfillConfig, FileConfig, Settings } from '../../src/config/settings.ts';
import { valueAt } from '../../src/config/shape.ts';
import { ConfigError } from '../../src/errors.ts';
import { defineConfig } from '../../src/index.ts';
import { SAMPLES } from './option-samples.ts';

const REQUIRED = { database: 'postgres://h/d', table: 't', text: ['a'] };
/** Defaults that are made of another option. */
const DERIVED: Partial<Record<OptionPath, string>> = { updatedAtColumn: 'embedding_updated_at' };
const CASES = (Object.entries(OPTIONS) as [OptionPath, Option][]).map(([path, option]) => ({ path, option }));

/** A file with the required options and one more, in the place of its scope or in that of the other. */
function fileWith(option: Option, value: unknown, scope = option.scope): object {
  const file: Record<string, unknown> = { database: REQUIRED.database };
  const section: Record<string, unknown> = { table: REQUIRED.table, text: REQUIRED.text };
  let place = scope === 'global' ? file : section;
  const parts = option.path.split('.');
  for (const part of parts.slice(0, -1)) {
    const present = place[part];
    place = place[part] = typeof present === 'string' ? { url: present } : {};
  }
  place[parts.at(-1) ?? ''] = value;
  return { ...file, backfills: { docs: section } };
}

describe('each option', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-options-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function load(file: object, input: Partial<LoadInput> = {}): Promise<Settings> {
    await writeFile(join(folder, 'backfill.config.json'), JSON.stringify(file));
    return (await loadConfig({ flags: {}, env: {}, cwd: folder, ...input })).settings;
  }
  async function refusal(file: object, input: Partial<LoadInput> = {}): Promise<string> {
    const error: unknown = await load(file, input).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).code).toBe('CONFIG_INVALID');
    return `${(error as ConfigError).message}\n${(error as ConfigError).remedy}`;
  }

  // It is short for another one, whose value it becomes.
  it.each(CASES.filter(({ path }) => path !== 'model.quantized'))(
    '$path: flag over env over file over default',
    async ({ path, option }) => {
      const { file, env, flag } = SAMPLES[path];
      const withFile = fileWith(option, file);
      const without = fileWith(OPTIONS.metric, OPTIONS.metric.fallback);
      if (!(option.name in REQUIRED))
        expect(valueAt(await load(without), path)).toEqual(DERIVED[path] ?? option.fallback);
      expect(valueAt(await load(withFile), path)).toEqual(file);
      const both = { env: { [option.env]: env[0] }, flags: { [option.flag]: flag[0] } };
      expect(valueAt(await load(withFile, { env: both.env }), path)).toEqual(env[1]);
      expect(valueAt(await load(withFile, both), path)).toEqual(flag[1]);
      expect(valueAt(await load(without, { flags: both.flags }), path)).toEqual(flag[1]);
      expect(valueAt(await load(withFile, { env: { [option.env]: '' } }), path)).toEqual(file);
    },
  );

  it.each(CASES)('$path: a wrong value is refused by its three names', async ({ option }) => {
    const key = option.scope === 'global' ? option.name : `backfills.docs.${option.name}`;
    const message = await refusal(fileWith(option, { unlikely: 'hidden-word' }));
    expect(message).toContain(
      `Option ${option.name} (--${option.flag}, env ${option.env}, file key ${key}): `,
    );
    expect(message.includes('hidden-word')).toBe(!option.secret);
    // An empty flag is a mistake, where an empty variable is how "not set" is passed on; of a prefix it says that there is none.
    const empty = { flags: { [option.flag]: '' } };
    if (option.name.endsWith('Prefix')) {
      expect(valueAt(await load(fileWith(OPTIONS.key, 'id'), empty), option.name)).toBe('');
      return;
    }
    expect(await refusal(fileWith(OPTIONS.key, 'id'), empty)).toContain(`--${option.flag},`);
  });

  it('model.quantized is short for two values of model.dtype, and never contradicts it', async () => {
    const section = (model: object): object => ({
      database: REQUIRED.database,
      backfills: { docs: { table: 't', text: ['a'], model } },
    });
    const of = async (model: object, input?: Partial<LoadInput>): Promise<Settings['model']> =>
      (await load(section(model), input)).model;
    expect(await of({ quantized: false })).toMatchObject({ dtype: 'fp32' });
    expect(await of({ quantized: true })).not.toHaveProperty('quantized');
    expect(await of({ quantized: false }, { env: { BACKFILL_MODEL_QUANTIZED: 'yes' } })).toMatchObject({
      dtype: 'q8',
    });
    expect(await of({ quantized: true, dtype: 'int8' })).toMatchObject({ dtype: 'int8' });
    expect(readSection({ model: { quantized: false } }, 'docs')).toEqual({ model: { dtype: 'fp32' } });
    expect(readStored({ model: { quantized: true } })).toEqual({ model: { dtype: 'q8' } });
    for (const [quantized, dtype] of [
      [true, 'fp32'],
      [true, 'auto'],
      [false, 'q4'],
    ] as const) {
      const message = await refusal(section({ quantized }), { flags: { 'model-dtype': dtype } });
      for (const option of ['model.quantized (--model-quantized', 'model.dtype (--model-dtype', dtype])
        expect(message).toContain(option);
      expect(() => readSection({ model: { quantized, dtype } }, 'docs')).toThrow('leave one of them out');
    }
    expect(await refusal(section({ dtype: 'fp8' }))).toContain('"bnb4"|"auto"');
  });

  it('in the place of the other scope is refused, with where it stands', async () => {
    for (const { path, option } of CASES) {
      const other = option.scope === 'global' ? 'backfill' : 'global';
      const where = other === 'global' ? 'below backfills.<name>' : 'at the top of the file';
      expect(await refusal(fileWith(option, SAMPLES[path].file, other)), path).toContain(where);
    }
  });

  it('database may be the URL alone, or an object with a way past a pooler', async () => {
    const section = { backfills: { docs: { table: 't', text: ['a'] } } };
    const [url, direct] = ['postgres://h/d', 'postgres://h:2/d'];
    expect((await load({ database: url, ...section })).database).toEqual({ url });
    expect((await load({ database: { url, direct }, ...section })).database).toEqual({ url, direct });
    const env = { DATABASE_URL: url };
    expect((await load({ database: { direct }, ...section }, { env })).database).toEqual({ url, direct });
    for (const wrong of [5, [url], { url: 5 }])
      expect(await refusal({ database: wrong, ...section })).toContain('Option database (--database, ');
    expect(await refusal({ database: { url, drect: direct }, ...section })).toContain(
      'File key database.drect is not an option; known: database, database.direct, vectorSchema, queue,',
    );
  });

  it('directDatabase, as database.direct was called, is taken in its places', async () => {
    const file = { database: 'postgres://h/d', backfills: { docs: { table: 't', text: ['a'] } } };
    const [direct, newer] = ['postgres://h:2/d', 'postgres://h:3/d'];
    expect((await load({ ...file, directDatabase: direct })).database.direct).toBe(direct);
    expect((await load(file, { flags: { 'direct-database': direct } })).database.direct).toBe(direct);
    expect((await load(file, { env: { DIRECT_DATABASE_URL: direct } })).database.direct).toBe(direct);
    const both = { ...file, database: { url: file.database, direct: newer }, directDatabase: direct };
    expect((await load(both)).database.direct).toBe(newer);
    expect(await refusal({ ...file, directDatabase: 'mysql://h' })).toContain(
      'Option database.direct (--database-direct, env DIRECT_DATABASE_URL, file key database.direct): ',
    );
  });

  it('tells every mistake at once', async () => {
    const message = await refusal(fileWith(OPTIONS.metric, 'far'), {
      env: { BACKFILL_BATCH_ROWS: '1.5', BACKFILL_MODEL_POOLING: 'sum' },
    });
    expect(message.match(/Option \S+/g)).toEqual([
      'Option metric',
      'Option model.pooling',
      'Option batchRows',
    ]);
  });

  it('a value in the place of a group of options is refused', async () => {
    expect(await refusal({ ...fileWith(OPTIONS.key, 'id'), dashboard: 3000 })).toContain(
      'File key dashboard ',
    );
    expect(await refusal(fileWith({ ...OPTIONS['model.name'], path: 'model' }, 'mine'))).toContain(
      'File key backfills.docs.model ',
    );
  });

  it('a stop below its hold is refused', async () => {
    const { option, env } = {
      option: OPTIONS['throttle.replicaLag'],
      env: { BACKFILL_THROTTLE_REPLICA_LAG: '5:4' },
    };
    expect(await refusal(fileWith(OPTIONS.key, 'id'), { env })).toContain('stop must not be below hold');
    expect((await load(fileWith(option, '5:6'))).throttle.replicaLag).toEqual({ hold: 5, stop: 6 });
  });

  it.each([
    [16, 31, false],
    [16, 32, true],
    [100, 199, false],
    [100, 200, true],
  ])('m = %i takes efConstruction = %i: %s', async (m, efConstruction, fits) => {
    const file = fileWith(OPTIONS['index.m'], m);
    const env = { BACKFILL_INDEX_EF_CONSTRUCTION: String(efConstruction) };
    if (fits) expect((await load(file, { env })).index.efConstruction).toBe(efConstruction);
    else expect(await refusal(file, { env })).toContain(`2 × index.m (${2 * m})`);
    // IVFFlat has no graph, so its file may keep what is left of one.
    await load(file, { env: { ...env, BACKFILL_INDEX_METHOD: 'ivfflat' } });
  });
});

/** First words of the paths that are of that scope. */
type TopOf<S> = {
  [P in OptionPath]: (typeof OPTIONS)[P]['scope'] extends S
    ? P extends `${infer Head}.${string}`
      ? Head
      : P
    : never;
}[OptionPath];

// Checked by tsc, where tests are.
it('the types of a configuration file have each option where the loader looks for it', () => {
  expectTypeOf<keyof FileConfig>().toEqualTypeOf<TopOf<'global'> | 'backfills'>();
  expectTypeOf<keyof BackfillConfig>().toEqualTypeOf<TopOf<'backfill'>>();
  defineConfig({
    metrics: { port: 9464 },
    health: { file: '/h' },
    database: { url: 'postgres://h/d', direct: 'postgres://h:2/d' },
    backfills: {
      docs: { table: 't', worker: { threads: 2 }, throttle: { walRate: { hold: 1, stop: null } } },
    },
  });
  defineConfig({ database: 'postgres://h/d', backfills: {} });
  // @ts-expect-error of all backfills
  defineConfig({ backfills: { docs: { metrics: { port: 9464 } } } });
  // @ts-expect-error of one backfill
  defineConfig({ worker: { threads: 2 }, backfills: {} });
  // @ts-expect-error no option
  defineConfig({ metrics: { prot: 9464 }, backfills: {} });
});
