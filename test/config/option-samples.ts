/** A value of each option from each place that it may come from. */

import type { OptionPath } from '../../src/config/options.ts';

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
export const SAMPLES: Record<OptionPath, Sample> = {
  'database.url': words('postgres://f/d', 'postgresql://e/d', 'postgres://g/d'),
  'database.direct': words('postgres://f/d', 'postgresql://e/d', 'postgres://g/d'),
  vectorSchema: words('extensions', 'Their ext', 'ext'),
  queue: words('redis://f', 'rediss://e', 'postgres://g/d'),
  logLevel: words('debug', 'warn', 'silent'),
  'adopt.sampleRows': numbers(1, 500, 1_000_000),
  'adopt.minAgreement': numbers(-1, 0.99, 1),
  'adopt.maxDisagreement': numbers(0, 0.01, 1),
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
  store: words('table', 'column', 'table'),
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
  'model.earlierApiKey': words('key-of-file', 'key-of-env', 'key-of-flag'),
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
  'verify.maxLossToLive': numbers(0, 0.5, 1),
  'verify.maxLatencyToLive': numbers(0.5, 1, 1000),
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
