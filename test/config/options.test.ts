/** Every option of the table, whatever is added to it: where its value may come from, and how a wrong one is refused. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
import { OPTIONS } from '../../src/config/options.ts';
import type { OptionName } from '../../src/config/settings.ts';
import { ConfigError } from '../../src/errors.ts';

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
const SAMPLES: Record<OptionName, Sample> = {
  database: words('postgres://f/d', 'postgresql://e/d', 'postgres://g/d'),
  directDatabase: words('postgres://f/d', 'postgresql://e/d', 'postgres://g/d'),
  queue: words('redis://f', 'rediss://e', 'postgres://g/d'),
  logLevel: words('debug', 'warn', 'silent'),
  dashboardHost: words('::1', 'localhost', '127.0.0.2'),
  dashboardPort: numbers(0, 8080, 65_535),
  metricsHost: words('::1', 'localhost', '127.0.0.3'),
  metricsPort: numbers(0, 9464, 65_535),
  healthFile: words('/1.health', '/2.health', '/3.health'),
  dashboardUser: words('anna', 'ben', 'carl'),
  dashboardPassword: words('password-of-file', 'password-of-env', 'password-of-flag'),
  dashboardToken: words('a-token-of-the-file', 'a-token-of-the-env', 'a-token-of-the-flag'),
  dashboardTlsCertificate: words('/1.pem', '/2.pem', '/3.pem'),
  dashboardTlsKey: words('/k1.pem', '/k2.pem', '/k3.pem'),
  dashboardAllowedHosts: {
    file: ['search.example'],
    env: ['a.example, b.example:8443', ['a.example', 'b.example:8443']],
    flag: ['[::1]:3000', ['[::1]:3000']],
  },
  dashboardAllowedOrigins: {
    file: ['https://search.example'],
    env: ['http://a.example,https://b.example:8443', ['http://a.example', 'https://b.example:8443']],
    flag: ['https://[::1]', ['https://[::1]']],
  },
  dashboardTrustedProxies: {
    file: ['127.0.0.1'],
    env: ['10.0.0.0/8, fd00::/8', ['10.0.0.0/8', 'fd00::/8']],
    flag: ['::1', ['::1']],
  },
  dashboardBasePath: words('/backfill', '/tools/backfill/', '/'),
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
  modelName: words('m1', 'm2', 'm3'),
  modelLocalPath: words('/1', '/2', '/3'),
  modelAllowDownload: FLAG_SAMPLE,
  modelQuantized: FLAG_SAMPLE,
  modelPooling: words('cls', 'max', 'mean'),
  modelNormalize: FLAG_SAMPLE,
  modelMaxTokens: numbers(4, 512, 8192),
  modelRevision: words('v1', 'v2', 'v3'),
  modelChecksum: words('a'.repeat(64), 'b'.repeat(64), '0'.repeat(64)),
  modelHub: words('https://f', 'http://e', 'https://g'),
  modelDocumentPrefix: words('passage: ', 'doc: ', 'd: '),
  modelQueryPrefix: words('query: ', 'q: ', '? '),
  modelLongText: words('skip', 'fail', 'mean-of-chunks'),
  modelChunkOverlap: numbers(0, 1, 100),
  modelMaxChunks: numbers(1, 2, 10_000),
  modelEndpoint: words('http://f/v1', 'https://e/v1', 'http://g:8080/v1'),
  modelApiKey: words('key-of-file', 'key-of-env', 'key-of-flag'),
  modelDimensions: numbers(1, 2, 16_000),
  modelRequestTexts: numbers(1, 2, 2048),
  modelRequestConcurrency: numbers(1, 2, 64),
  modelTimeoutSeconds: numbers(1, 2, 3600),
  maskTypes: {
    file: ['email'],
    env: ['email, iban', ['email', 'iban']],
    flag: ['none', []],
  },
  maskRules: {
    file: [{ name: 'a', pattern: 'x+' }],
    env: ['[{"name":"b","pattern":"y"}]', [{ name: 'b', pattern: 'y' }]],
    flag: ['[]', []],
  },
  metric: words('l2', 'ip', 'cosine'),
  batchRows: numbers(1, 2, 100_000),
  mergeRows: numbers(1, 2, 10_000),
  attempts: numbers(1, 2, 100),
  concurrency: numbers(1, 3, 64),
  threads: numbers(1, 2, 256),
  drainSeconds: numbers(1, 2, 3600),
  syncMode: words('trigger', 'sweep', 'off'),
  syncSeconds: numbers(1, 10, 3600),
  syncSweepSeconds: numbers(1, 60, 604_800),
  syncSlowSweepSeconds: numbers(0, 60, 31_536_000),
  throttleReplicaLag: LIMITS_SAMPLE,
  throttleReplicaLagBytes: SIZES_SAMPLE,
  throttleSlotBacklog: SIZES_SAMPLE,
  throttleArchiveBacklog: LIMITS_SAMPLE,
  throttleWalRate: SIZES_SAMPLE,
  throttleAutovacuum: LIMITS_SAMPLE,
  throttleLockWaiters: LIMITS_SAMPLE,
  throttleActiveSessions: LIMITS_SAMPLE,
  throttleDiskUsed: LIMITS_SAMPLE,
  throttleSql: words('SELECT 1', 'SELECT 2', 'SELECT 3'),
  throttleSqlValue: LIMITS_SAMPLE,
  throttleCheckSeconds: numbers(0.5, 1, 60),
  throttleStatementMs: numbers(10, 100, 30_000),
  rowsPerSecond: numbers(0.5, 100, 1_000_000),
  indexMethod: words('ivfflat', 'hnsw', 'auto'),
  indexType: words('vector', 'halfvec', 'auto'),
  indexBuildMinutes: numbers(0.5, 30, 600),
  columnType: words('halfvec', 'vector', 'halfvec'),
  indexCoverage: numbers(0, 0.5, 1),
  indexM: numbers(2, 20, 32),
  indexEfConstruction: numbers(32, 100, 1000),
  indexLists: numbers(1, 2, 32_768),
  indexMemory: words('512MB', '2 GB', '64kB'),
  indexWorkers: numbers(0, 1, 64),
  verifyRecall: numbers(0, 0.5, 1),
  verifySamples: numbers(1, 2, 10_000),
  verifyTolerance: numbers(0, 0.5, 1),
  verifyLatency: numbers(0.5, 1, 1000),
  verifyValidHours: numbers(0.5, 1, 1000),
  searchFilters: {
    file: [{ name: 'a', where: 'b = $1 AND c = $2', values: ['x', 1] }],
    env: ['[{"name":"b","where":"live"}]', [{ name: 'b', where: 'live', values: [] }]],
    flag: ['[]', []],
  },
  searchTextConfig: words('simple', 'german', 'public.mine'),
  searchTsvector: words('tsv', 'body_tsv', "to_tsvector('simple', title)"),
  legacySearch: words('SELECT 1', 'SELECT 2', 'SELECT 3'),
};

const REQUIRED = { database: 'postgres://h/d', table: 't', text: ['a'] };
const CASES = (Object.entries(OPTIONS) as [OptionName, Option][]).map(([name, option]) => ({ name, option }));

/** A file with the required options and one more. */
function fileWith(option: Option, value: unknown): object {
  const file: Record<string, unknown> = { database: REQUIRED.database };
  const section: Record<string, unknown> = { table: REQUIRED.table, text: REQUIRED.text };
  let place = option.scope === 'global' ? file : section;
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

  async function load(file: object, input: Partial<LoadInput> = {}): Promise<Record<string, unknown>> {
    await writeFile(join(folder, 'backfill.config.json'), JSON.stringify(file));
    return { ...(await loadConfig({ flags: {}, env: {}, cwd: folder, ...input })).settings };
  }
  async function refusal(file: object, input: Partial<LoadInput> = {}): Promise<string> {
    const error: unknown = await load(file, input).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).code).toBe('CONFIG_INVALID');
    return `${(error as ConfigError).message}\n${(error as ConfigError).remedy}`;
  }

  it.each(CASES)('$name: flag over env over file over default', async ({ name, option }) => {
    const { file, env, flag } = SAMPLES[name];
    const withFile = fileWith(option, file);
    const without = fileWith(OPTIONS.key, 'id');
    if (!(name in REQUIRED)) expect((await load(without))[name]).toEqual(option.fallback);
    expect((await load(withFile))[name]).toEqual(file);
    const both = { env: { [option.env]: env[0] }, flags: { [option.flag]: flag[0] } };
    expect((await load(withFile, { env: both.env }))[name]).toEqual(env[1]);
    expect((await load(withFile, both))[name]).toEqual(flag[1]);
    expect((await load(without, { flags: both.flags }))[name]).toEqual(flag[1]);
    expect((await load(withFile, { env: { [option.env]: '' } }))[name]).toEqual(file);
  });

  it.each(CASES)('$name: a wrong value is refused by its three names', async ({ option }) => {
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

  it('tells every mistake at once', async () => {
    const message = await refusal(fileWith(OPTIONS.metric, 'far'), {
      env: { BACKFILL_BATCH_ROWS: '1.5', BACKFILL_MODEL_POOLING: 'sum' },
    });
    expect(message.match(/Option \S+/g)).toEqual([
      'Option model.pooling',
      'Option metric',
      'Option batchRows',
    ]);
  });

  it('a value in the place of a group of options is refused', async () => {
    expect(await refusal({ ...fileWith(OPTIONS.key, 'id'), dashboard: 3000 })).toContain(
      'File key dashboard ',
    );
    expect(await refusal(fileWith({ ...OPTIONS.modelName, path: 'model' }, 'mine'))).toContain(
      'File key backfills.docs.model ',
    );
  });

  it('a stop below its hold is refused', async () => {
    const { option, env } = {
      option: OPTIONS.throttleReplicaLag,
      env: { BACKFILL_THROTTLE_REPLICA_LAG: '5:4' },
    };
    expect(await refusal(fileWith(OPTIONS.key, 'id'), { env })).toContain('stop must not be below hold');
    expect((await load(fileWith(option, '5:6')))['throttleReplicaLag']).toEqual({ hold: 5, stop: 6 });
  });

  it.each([
    [16, 31, false],
    [16, 32, true],
    [100, 199, false],
    [100, 200, true],
  ])('m = %i takes efConstruction = %i: %s', async (m, efConstruction, fits) => {
    const file = fileWith(OPTIONS.indexM, m);
    const env = { BACKFILL_INDEX_EF_CONSTRUCTION: String(efConstruction) };
    if (fits) expect((await load(file, { env }))['indexEfConstruction']).toBe(efConstruction);
    else expect(await refusal(file, { env })).toContain(`2 × index.m (${2 * m})`);
    // IVFFlat has no graph, so its file may keep what is left of one.
    await load(file, { env: { ...env, BACKFILL_INDEX_METHOD: 'ivfflat' } });
  });
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
