/** Every option of the table, whatever is added to it: where its value may come from, and how a wrong one is refused. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { loadConfig, type LoadInput } from '../../src/config/load.ts';
import {
  parseBoolean,
  parseJson,
  parseLimits,
  parseList,
  parseNumber,
  parseText,
  type Option,
} from '../../src/config/option.ts';
import { OPTIONS, type OptionPath } from '../../src/config/options.ts';
import type { BackfillConfig, FileConfig, Settings } from '../../src/config/settings.ts';
import { valueAt } from '../../src/config/shape.ts';
import { ConfigError } from '../../src/errors.ts';
import { defineConfig } from '../../src/index.ts';

interface Sample {
  /** As in a file. */
  file: unknown;
  /** As in env and as a flag, with what they stand for. */
  env: [raw: string, value: unknown];
  flag: [raw: string, value: unknown];
}

const words = (file: string, env: string, flag: string): Sample => ({
  file,
  env: [env, env],
  flag: [flag, flag],
});
const numbers = (file: number, env: number, flag: number): Sample => ({
  file,
  env: [String(env), env],
  flag: [` ${flag}`, flag],
});
const LIMITS_SAMPLE: Sample = {
  file: { hold: 1, stop: 2 },
  env: ['3', { hold: 3, stop: null }],
  flag: ['off:0.5', { hold: null, stop: 0.5 }],
};
const SIZES_SAMPLE: Sample = {
  file: { hold: 1, stop: null },
  env: ['2kB:1 MB', { hold: 2048, stop: 1_048_576 }],
  flag: ['off', { hold: null, stop: null }],
};
const FLAG_SAMPLE: Sample = { file: false, env: ['YES', true], flag: ['off', false] };

/** A record over all names: an option without a sample is an error of types. */
const SAMPLES: Record<OptionPath, Sample> = {
  database: words('postgres://f/d', 'postgresql://e/d', 'postgres://g/d'),
  directDatabase: words('postgres://f/d', 'postgresql://e/d', 'postgres://g/d'),
  queue: words('redis://f', 'rediss://e', 'postgres://g/d'),
  logLevel: words('debug', 'warn', 'silent'),
  'dashboard.host': words('::1', 'localhost', '127.0.0.2'),
  'dashboard.port': numbers(0, 8080, 65_535),
  'metrics.host': words('::1', 'localhost', '127.0.0.3'),
  'metrics.port': numbers(0, 9464, 65_535),
  'health.file': words('/1.health', '/2.health', '/3.health'),
  'dashboard.user': words('anna', 'ben', 'carl'),
  'dashboard.password': words('password-of-file', 'password-of-env', 'password-of-flag'),
  'dashboard.token': words('a-token-of-the-file', 'a-token-of-the-env', 'a-token-of-the-flag'),
  'dashboard.tlsCertificate': words('/1.pem', '/2.pem', '/3.pem'),
  'dashboard.tlsKey': words('/k1.pem', '/k2.pem', '/k3.pem'),
  'dashboard.allowedHosts': {
    file: ['search.example'],
    env: ['a.example, b.example:8443', ['a.example', 'b.example:8443']],
    flag: ['[::1]:3000', ['[::1]:3000']],
  },
  'dashboard.allowedOrigins': {
    file: ['https://search.example'],
    env: ['http://a.example,https://b.example:8443', ['http://a.example', 'https://b.example:8443']],
    flag: ['https://[::1]', ['https://[::1]']],
  },
  'dashboard.trustedProxies': {
    file: ['127.0.0.1'],
    env: ['10.0.0.0/8, fd00::/8', ['10.0.0.0/8', 'fd00::/8']],
    flag: ['::1', ['::1']],
  },
  'dashboard.basePath': words('/backfill', '/tools/backfill/', '/'),
  table: words('a.t', 'b.t', 'c.t'),
  key: words('no', 'nr', 'number'),
  text: {
    file: { sql: 'a || b' },
    env: ['b, c', ['b', 'c']],
    flag: ['sql:concat(a, b)', { sql: 'concat(a, b)' }],
  },
  where: words('a > 1', 'a > 2', 'a > 3'),
  column: words('v1', 'v2', 'v3'),
  updatedAtColumn: words('u1', 'u2', 'u3'),
  'model.name': words('m1', 'm2', 'm3'),
  'model.localPath': words('/1', '/2', '/3'),
  'model.allowDownload': FLAG_SAMPLE,
  'model.quantized': FLAG_SAMPLE,
  'model.pooling': words('cls', 'max', 'mean'),
  'model.normalize': FLAG_SAMPLE,
  'model.maxTokens': numbers(4, 512, 8192),
  'model.revision': words('v1', 'v2', 'v3'),
  'model.checksum': words('a'.repeat(64), 'b'.repeat(64), '0'.repeat(64)),
  'model.hub': words('https://f', 'http://e', 'https://g'),
  'model.documentPrefix': words('passage: ', 'doc: ', 'd: '),
  'model.queryPrefix': words('query: ', 'q: ', '? '),
  'model.longText': words('skip', 'fail', 'mean-of-chunks'),
  'model.chunkOverlap': numbers(0, 1, 100),
  'model.maxChunks': numbers(1, 2, 10_000),
  'model.endpoint': words('http://f/v1', 'https://e/v1', 'http://g:8080/v1'),
  'model.apiKey': words('key-of-file', 'key-of-env', 'key-of-flag'),
  'model.dimensions': numbers(1, 2, 16_000),
  'model.requestTexts': numbers(1, 2, 2048),
  'model.requestConcurrency': numbers(1, 2, 64),
  'model.timeoutSeconds': numbers(1, 2, 3600),
  'mask.types': {
    file: ['email'],
    env: ['email, iban', ['email', 'iban']],
    flag: ['none', []],
  },
  'mask.rules': {
    file: [{ name: 'a', pattern: 'x+' }],
    env: ['[{"name":"b","pattern":"y"}]', [{ name: 'b', pattern: 'y' }]],
    flag: ['[]', []],
  },
  metric: words('l2', 'ip', 'cosine'),
  batchRows: numbers(1, 2, 100_000),
  mergeRows: numbers(1, 2, 10_000),
  attempts: numbers(1, 2, 100),
  'worker.concurrency': numbers(1, 3, 64),
  'worker.threads': numbers(1, 2, 256),
  'worker.drainSeconds': numbers(1, 2, 3600),
  'sync.mode': words('trigger', 'sweep', 'off'),
  'sync.everySeconds': numbers(1, 10, 3600),
  'sync.sweepSeconds': numbers(1, 60, 604_800),
  'sync.slowSweepSeconds': numbers(0, 60, 31_536_000),
  'throttle.replicaLag': LIMITS_SAMPLE,
  'throttle.replicaLagBytes': SIZES_SAMPLE,
  'throttle.slotBacklog': SIZES_SAMPLE,
  'throttle.archiveBacklog': LIMITS_SAMPLE,
  'throttle.walRate': SIZES_SAMPLE,
  'throttle.autovacuum': LIMITS_SAMPLE,
  'throttle.lockWaiters': LIMITS_SAMPLE,
  'throttle.activeSessions': LIMITS_SAMPLE,
  'throttle.diskUsed': LIMITS_SAMPLE,
  'throttle.sql': words('SELECT 1', 'SELECT 2', 'SELECT 3'),
  'throttle.sqlValue': LIMITS_SAMPLE,
  'throttle.checkSeconds': numbers(0.5, 1, 60),
  'throttle.statementMs': numbers(10, 100, 30_000),
  'throttle.rowsPerSecond': numbers(0.5, 100, 1_000_000),
  'index.method': words('ivfflat', 'hnsw', 'auto'),
  'index.type': words('vector', 'halfvec', 'auto'),
  'index.buildMinutes': numbers(0.5, 30, 600),
  columnType: words('halfvec', 'vector', 'halfvec'),
  'index.coverage': numbers(0, 0.5, 1),
  'index.m': numbers(2, 20, 32),
  'index.efConstruction': numbers(32, 100, 1000),
  'index.lists': numbers(1, 2, 32_768),
  'index.maintenanceWorkMem': words('512MB', '2 GB', '64kB'),
  'index.parallelWorkers': numbers(0, 1, 64),
  'verify.recall': numbers(0, 0.5, 1),
  'verify.samples': numbers(1, 2, 10_000),
  'verify.tolerance': numbers(0, 0.5, 1),
  'verify.latencyMs': numbers(0.5, 1, 1000),
  'verify.validHours': numbers(0.5, 1, 1000),
  'search.filters': {
    file: [{ name: 'a', where: 'b = $1 AND c = $2', values: ['x', 1] }],
    env: ['[{"name":"b","where":"live"}]', [{ name: 'b', where: 'live', values: [] }]],
    flag: ['[]', []],
  },
  'search.textConfig': words('simple', 'german', 'public.mine'),
  'search.tsvector': words('tsv', 'body_tsv', "to_tsvector('simple', title)"),
  legacySearch: words('SELECT 1', 'SELECT 2', 'SELECT 3'),
};

const REQUIRED = { database: 'postgres://h/d', table: 't', text: ['a'] };
const CASES = (Object.entries(OPTIONS) as [OptionPath, Option][]).map(([path, option]) => ({ path, option }));

/** A file with the required options and one more, in the place of its scope or in that of the other. */
function fileWith(option: Option, value: unknown, scope = option.scope): object {
  const file: Record<string, unknown> = { database: REQUIRED.database };
  const section: Record<string, unknown> = { table: REQUIRED.table, text: REQUIRED.text };
  let place = scope === 'global' ? file : section;
  const parts = option.path.split('.');
  for (const part of parts.slice(0, -1)) place = place[part] = {};
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

  it.each(CASES)('$path: flag over env over file over default', async ({ path, option }) => {
    const { file, env, flag } = SAMPLES[path];
    const withFile = fileWith(option, file);
    const without = fileWith(OPTIONS.key, 'id');
    if (!(path in REQUIRED)) expect(valueAt(await load(without), path)).toEqual(option.fallback);
    expect(valueAt(await load(withFile), path)).toEqual(file);
    const both = { env: { [option.env]: env[0] }, flags: { [option.flag]: flag[0] } };
    expect(valueAt(await load(withFile, { env: both.env }), path)).toEqual(env[1]);
    expect(valueAt(await load(withFile, both), path)).toEqual(flag[1]);
    expect(valueAt(await load(without, { flags: both.flags }), path)).toEqual(flag[1]);
    expect(valueAt(await load(withFile, { env: { [option.env]: '' } }), path)).toEqual(file);
  });

  it.each(CASES)('$path: a wrong value is refused by its three names', async ({ option }) => {
    const key = option.scope === 'global' ? option.path : `backfills.docs.${option.path}`;
    const message = await refusal(fileWith(option, { unlikely: 'hidden-word' }));
    expect(message).toContain(
      `Option ${option.path} (--${option.flag}, env ${option.env}, file key ${key}): `,
    );
    expect(message.includes('hidden-word')).toBe(!option.secret);
    // An empty flag is a mistake, where an empty variable is how "not set" is passed on.
    expect(await refusal(fileWith(OPTIONS.key, 'id'), { flags: { [option.flag]: '' } })).toContain(
      `--${option.flag},`,
    );
  });

  it('in the place of the other scope is refused, with where it stands', async () => {
    for (const { path, option } of CASES) {
      const other = option.scope === 'global' ? 'backfill' : 'global';
      const where = other === 'global' ? 'below backfills.<name>' : 'at the top of the file';
      expect(await refusal(fileWith(option, SAMPLES[path].file, other)), path).toContain(where);
    }
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
    backfills: {
      docs: { table: 't', worker: { threads: 2 }, throttle: { walRate: { hold: 1, stop: null } } },
    },
  });
  // @ts-expect-error of all backfills
  defineConfig({ backfills: { docs: { metrics: { port: 9464 } } } });
  // @ts-expect-error of one backfill
  defineConfig({ worker: { threads: 2 }, backfills: {} });
  // @ts-expect-error no option
  defineConfig({ metrics: { prot: 9464 }, backfills: {} });
});

describe('raw values', () => {
  it('numbers: what is none stays as it was typed', () => {
    expect(
      ['12', ' 7 ', '-1', '1e3', '0x10', '', ' ', '12 rows', 'NaN', 'Infinity'].map(parseNumber),
    ).toEqual([12, 7, -1, 1000, 16, '', ' ', '12 rows', 'NaN', 'Infinity']);
  });

  it('yes and no', () => {
    expect(['true', 'TRUE', '1', 'yes', 'On'].map(parseBoolean)).toEqual([true, true, true, true, true]);
    expect(['false', '0', 'NO', 'off'].map(parseBoolean)).toEqual([false, false, false, false]);
    expect(['', '2', 'perhaps'].map(parseBoolean)).toEqual(['', '2', 'perhaps']);
  });

  it('thresholds: hold, hold:stop, off; sizes only where they are bytes', () => {
    expect(['5', ' 5 : 60', 'off:1.5', 'off'].map((raw) => parseLimits(raw, false))).toEqual([
      { hold: 5, stop: null },
      { hold: 5, stop: 60 },
      { hold: null, stop: 1.5 },
      { hold: null, stop: null },
    ]);
    expect(parseLimits('1.5 kB:2GB', true)).toEqual({ hold: 1536, stop: 2 * 1024 ** 3 });
    for (const raw of ['', ':', '5:', ':5', '5:x', '1:2:3', '-1', '5MB', '1e3', 'on'])
      expect(parseLimits(raw, false)).toBe(raw);
  });

  it('columns and expressions', () => {
    expect(parseText('a, "b c" ,,d')).toEqual(['a', '"b c"', 'd']);
    expect(parseText('sql:a, b')).toEqual({ sql: 'a, b' });
    expect(parseText(' , ')).toEqual([]);
    expect(parseList('a, b,, ')).toEqual(['a', 'b']);
  });

  it('JSON: what is none stays as it was typed', () => {
    expect(parseJson('[1]')).toEqual([1]);
    expect(parseJson('[1')).toBe('[1');
  });
});
