import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type LoadInput } from '../../src/config/load.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { ConfigError } from '../../src/errors.ts';

/** As in the README. */
const FILE = {
  database: 'postgres://user@host/db',
  queue: 'redis://host:6379',
  backfills: {
    articles: {
      table: 'public.articles',
      key: 'id',
      text: ['title', 'body'],
      where: "status <> 'draft'",
      column: 'embedding',
      updatedAtColumn: 'embedding_updated_at',
      model: {
        name: 'Xenova/all-MiniLM-L6-v2',
        localPath: './models',
        allowDownload: true,
        quantized: true,
        pooling: 'mean',
        normalize: true,
        maxTokens: 256,
      },
      metric: 'cosine',
      batchRows: 1000,
      index: { method: 'hnsw', coverage: 0.99, m: 16, efConstruction: 64 },
      legacySearch:
        "SELECT id FROM articles WHERE title ILIKE '%'||$1||'%' OR body ILIKE '%'||$1||'%' LIMIT $2",
    },
  },
};

describe('loadConfig', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-config-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = (content: unknown, name = 'backfill.config.json'): Promise<void> =>
    writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  const load = (input: Partial<LoadInput> = {}): ReturnType<typeof loadConfig> =>
    loadConfig({ flags: {}, env: {}, cwd: folder, ...input });
  const refusal = async (input: Partial<LoadInput> = {}): Promise<string> => {
    const error: unknown = await load(input).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConfigError);
    return `${(error as ConfigError).message}\n${(error as ConfigError).remedy ?? ''}`;
  };

  it('has the time of the last embedding in a column that is called after the vector column', async () => {
    const { table, text } = FILE.backfills.articles;
    const named = async (column: string): Promise<string> => {
      await write({ database: FILE.database, backfills: { articles: { table, text, column } } });
      return (await load()).settings.updatedAtColumn;
    };
    expect(await named('title_vector')).toBe('title_vector_updated_at');
    expect(Buffer.byteLength(await named('ä'.repeat(31)))).toBeLessThanOrEqual(63);
    expect(await named('ä'.repeat(31))).not.toBe(await named(`${'ä'.repeat(30)}aa`));
  });

  it('takes the file as the README shows it', async () => {
    await write(FILE);
    const { backfill, settings } = await load();
    expect(backfill).toBe('articles');
    expect(settings).toMatchObject({
      database: { url: 'postgres://user@host/db' },
      queue: 'redis://host:6379',
      table: 'public.articles',
      text: ['title', 'body'],
      where: "status <> 'draft'",
      model: { name: 'Xenova/all-MiniLM-L6-v2', allowDownload: true, maxTokens: 256 },
      metric: 'cosine',
      batchRows: 1000,
      index: { method: 'hnsw', coverage: 0.99, m: 16, efConstruction: 64 },
      legacySearch: FILE.backfills.articles.legacySearch,
    });
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.model)).toBe(true);
  });

  it.each([
    [
      'backfill.config.ts',
      `const config: { database: string; backfills: object } = { database: 'postgres://a/b', backfills: { x: { table: 't', text: { sql: 'a || b' } } } };\nexport default config;`,
    ],
    [
      'backfill.config.mjs',
      `export default { database: 'postgres://a/b', backfills: { x: { table: 't', text: { sql: 'a || b' } } } };`,
    ],
  ])('reads %s', async (name, content) => {
    await write(content, name);
    expect(await load()).toMatchObject({ backfill: 'x', settings: { table: 't', text: { sql: 'a || b' } } });
  });

  it('prefers flag to env to file to default, and takes an empty variable for one that is not set', async () => {
    await write(FILE);
    expect((await load()).settings.mergeRows).toBe(1000);
    expect((await load()).settings.batchRows).toBe(1000);
    const env = {
      BACKFILL_BATCH_ROWS: '20',
      BACKFILL_MODEL_QUANTIZED: 'false',
      BACKFILL_TEXT: 'sql:lower(title)',
      BACKFILL_WHERE: '',
    };
    expect((await load({ env })).settings).toMatchObject({
      batchRows: 20,
      model: { dtype: 'fp32' },
      text: { sql: 'lower(title)' },
      where: "status <> 'draft'",
    });
    expect((await load({ env, flags: { 'batch-rows': '30', text: 'a, b' } })).settings).toMatchObject({
      batchRows: 30,
      text: ['a', 'b'],
    });
  });

  it('needs no file where env and flags say enough; the backfill is named after the table', async () => {
    const env = { DATABASE_URL: 'postgres://u@h/d', BACKFILL_TABLE: 'shop."Odd Name"', BACKFILL_TEXT: 'a' };
    expect(await load({ env })).toMatchObject({
      backfill: 'Odd_Name',
      file: null,
      settings: { queue: 'redis://127.0.0.1:6379', column: 'embedding' },
    });
  });

  it.each([
    [{ DATABASE_URL: undefined }, ['database', '--database', 'DATABASE_URL']],
    [{ DATABASE_URL: 'mysql://u:hidden-word@h/d' }, ['DATABASE_URL', 'postgres://']],
    [{ QUEUE_URL: 'amqp://hidden-word@h' }, ['QUEUE_URL', 'redis://']],
    [{ BACKFILL_TABLE: undefined }, ['--table', 'BACKFILL_TABLE', 'backfills.<name>.table']],
    [{ BACKFILL_TEXT: ' , ' }, ['BACKFILL_TEXT']],
    [{ BACKFILL_BATCH_ROWS: 'many' }, ['--batch-rows', 'BACKFILL_BATCH_ROWS', 'batchRows', '"many"']],
    [{ BACKFILL_BATCH_ROWS: '0' }, ['BACKFILL_BATCH_ROWS']],
    [{ BACKFILL_INDEX_COVERAGE: '1.1' }, ['BACKFILL_INDEX_COVERAGE', 'index.coverage']],
    [{ BACKFILL_MODEL_QUANTIZED: 'perhaps' }, ['BACKFILL_MODEL_QUANTIZED', 'model.quantized']],
    [{ BACKFILL_METRIC: 'euclid' }, ['BACKFILL_METRIC', 'metric']],
    [{ BACKFILL_INDEX_EF_CONSTRUCTION: '20' }, ['BACKFILL_INDEX_EF_CONSTRUCTION', '2 × index.m']],
    [{ BACKFILL_INDEX_MAINTENANCE_WORK_MEM: 'lots' }, ['BACKFILL_INDEX_MAINTENANCE_WORK_MEM', '512MB']],
    [{ DASHBOARD_PASSWORD: 'short' }, ['DASHBOARD_PASSWORD']],
  ])('refuses %j, naming option, env and file key', async (changes, words) => {
    const env = { DATABASE_URL: 'postgres://u@h/d', BACKFILL_TABLE: 't', BACKFILL_TEXT: 'a', ...changes };
    const message = await refusal({ env });
    for (const word of words) expect(message).toContain(word);
    for (const secret of ['hidden-word', 'short)']) expect(message).not.toContain(secret);
  });

  describe('what is set for another process', () => {
    const env = { DATABASE_URL: 'postgres://u@h/d', BACKFILL_TABLE: 't', BACKFILL_TEXT: 'a' };
    const LINK = 'tcp://10.43.2.9:80';
    // As Kubernetes sets them for Services named `dashboard` and `backfill-metrics`, or a file of variables for several programs.
    const OF_DASHBOARD = { DASHBOARD_PORT: LINK, DASHBOARD_PASSWORD: 'short', DASHBOARD_TOKEN: 'a b' };
    const OF_WORKER = { BACKFILL_METRICS_PORT: LINK };

    it.each([
      ['worker', OF_DASHBOARD],
      ['status', OF_DASHBOARD],
      ['doctor', OF_DASHBOARD],
      ['doctor', OF_WORKER],
      ['dashboard', OF_WORKER],
    ])('does not stop %s: %j', async (verb, more) => {
      const { settings } = await load({ verb, env: { ...env, ...more } });
      expect(settings).toMatchObject({ dashboard: { port: 3000 }, table: 't' });
      expect(settings.metrics.port).toBeUndefined();
      // One that fits is told to whoever looks.
      expect((await load({ verb, env: { ...env, DASHBOARD_PORT: '81' } })).settings.dashboard.port).toBe(81);
    });

    it('is refused by the process that it is for, with what set it', async () => {
      const message = await refusal({ verb: 'dashboard', env: { ...env, DASHBOARD_PORT: LINK } });
      for (const word of [LINK, 'service link', 'named dashboard', 'enableServiceLinks: false', '--port'])
        expect(message).toContain(word);
      const worker = await refusal({ verb: 'worker', env: { ...env, ...OF_WORKER } });
      expect(worker).toContain('a Service named backfill-metrics');
      expect(await refusal({ verb: 'dashboard', env: { ...env, ...OF_DASHBOARD } })).toContain('TOKEN');
      expect(await refusal({ verb: 'status', env, flags: { port: 'x' } })).toContain('dashboard.port');
      expect(await refusal({ verb: 'dashboard', env: { ...env, DASHBOARD_PORT: '65536' } })).not.toContain(
        'service link',
      );
    });

    it('does not stop a verb that takes a few options: another program has a database and a queue too', async () => {
      const foreign = { DATABASE_URL: 'mysql://u@h/d', QUEUE_URL: 'amqp://h' };
      const of = (options: LoadInput['options']): Partial<LoadInput> => ({
        ...(options === undefined ? {} : { options }),
        env: { ...env, ...foreign },
        optional: ['database.url'],
      });
      const { settings } = await load(of(['model.name']));
      expect(settings.database.url).toBeUndefined();
      expect(settings.queue).toBe('redis://127.0.0.1:6379');
      expect(await refusal(of(['database.url']))).toContain('DATABASE_URL');
      expect(await refusal(of(undefined))).toContain('QUEUE_URL');
    });
  });

  it('refuses keys that it does not know, a wrong shape, and a file that is not there', async () => {
    await write({
      ...FILE,
      databse: 'x',
      backfills: { articles: { ...FILE.backfills.articles, model: { nme: 'x' } } },
    });
    const message = await refusal();
    expect(message).toContain('databse');
    expect(message).toContain('backfills.articles.model.nme');
    await write('{ not json');
    expect(await refusal()).toContain('backfill.config.json');
    await write({ database: 'postgres://a/b', backfills: [] });
    expect(await refusal()).toContain('backfills');
    expect(await refusal({ configPath: 'elsewhere.json' })).toContain('elsewhere.json');
  });

  it('asks which backfill where there are several', async () => {
    await write({
      ...FILE,
      backfills: { one: FILE.backfills.articles, two: { ...FILE.backfills.articles, table: 'b' } },
    });
    expect(await refusal()).toContain('one, two');
    expect(await refusal({ backfill: 'three' })).toContain('three');
    expect((await load({ backfill: 'two' })).settings.table).toBe('b');
  });

  it('knows the URLs of Redis Cluster and Sentinel', async () => {
    for (const queue of [
      'rediss://h',
      'redis+cluster://a:1,b:2',
      'redis+sentinel://u:p@a:1,b:2/mine',
      'postgres://h/d',
    ]) {
      const env = {
        DATABASE_URL: 'postgres://u@h/d',
        BACKFILL_TABLE: 't',
        BACKFILL_TEXT: 'a',
        QUEUE_URL: queue,
      };
      expect((await load({ env })).settings.queue).toBe(queue);
    }
  });
});

describe('the option table', () => {
  it('has every path, env variable and flag once', () => {
    for (const what of ['path', 'env', 'flag'] as const) {
      const all = Object.values(OPTIONS).map((option) => option[what]);
      expect(new Set(all).size).toBe(all.length);
    }
  });
});
