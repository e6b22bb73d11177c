/** The option table: every option of the product is declared here and nowhere else. */

import { z } from 'zod';
import { isOwnPath, parseBasePath } from './base-path.ts';
import { columnName } from './column-name.ts';
import { parseHost, parseOrigin } from './host-name.ts';
import { isNetwork } from './network.ts';
import {
  option,
  parseBoolean,
  parseJson,
  parseLimits,
  parseNonEmptyList,
  parseNumber,
  parseText,
} from './option.ts';
import { databaseUrlProblem, queueUrlProblem } from './server-url.ts';

const wholeNumber = (least: number, most: number) => z.number().int().min(least).max(most);
const url = (schemes: string[]) =>
  z
    .string()
    .refine((value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value), {
      message: `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    });
/** A string of which `problem` has nothing to say. */
const checked = (problem: (value: string) => string | null) =>
  z.string().superRefine((value, context) => {
    const message = problem(value);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });
const databaseUrl = checked(databaseUrlProblem);
const listOf = (fits: (text: string) => boolean, message: string) =>
  z.array(z.string().refine(fits, { message }));
const basePathProblem = (text: string): string | null => {
  const path = parseBasePath(text);
  if (path === null || text === '') return 'must be a path such as /backfill';
  return isOwnPath(path)
    ? "must not be a path of the dashboard's own: nobody could tell the two apart"
    : null;
};

/** As a socket takes it: an address of IPv6 has brackets in URLs alone. */
const listenHost = z
  .string()
  .min(1)
  .overwrite((host) => host.replace(/^\[(.*)\]$/, '$1'));

/** Kinds of values that masking knows. */
export const MASK_TYPES = ['email', 'phone', 'card', 'iban', 'ip', 'ssn', 'secret'] as const;

/** A condition and the values of its placeholders $1, $2, …, which are never written into the SQL. */
const searchFilter = z
  .strictObject({
    name: z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,62}$/u, {
      message: "name must be 1 to 63 letters, digits, '.', '_' or '-'",
    }),
    where: z.string().min(1),
    values: z.array(z.union([z.string(), z.number(), z.boolean()])).default([]),
    legacySearch: z.string().min(1).optional(),
  })
  .refine(
    ({ where, values }) => {
      // One too many would be taken from the parameters behind them: the query's vector.
      const used = new Set([...where.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
      return (
        used.size === values.length && [...used].every((number) => number >= 1 && number <= values.length)
      );
    },
    { message: 'where must use the placeholders $1 to $n, one for each of values' },
  );
const searchFilters = z
  .array(searchFilter)
  .refine((filters) => new Set(filters.map(({ name }) => name)).size === filters.length, {
    message: 'each filter needs a name of its own',
  });

const limit = z.number().nonnegative().nullable().default(null);
/** `hold`, `hold:stop` or an object of both; `off` and null are never. */
const limits = (sizes: boolean) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? parseLimits(value, sizes) : value),
    z
      .strictObject(
        { hold: limit, stop: limit },
        { message: `must be hold, hold:stop or off, such as ${sizes ? '1GB:20GB' : '5:60'}` },
      )
      .refine(({ hold, stop }) => hold === null || stop === null || stop >= hold, {
        message: 'stop must not be below hold',
      }),
  );
const [amounts, sizes] = [limits(false), limits(true)];

export const OPTIONS = {
  database: option({
    path: 'database',
    scope: 'global',
    env: 'DATABASE_URL',
    schema: databaseUrl,
    secret: true,
    help: 'PostgreSQL that holds the table, postgres://user@host/db',
  }),
  directDatabase: option({
    path: 'directDatabase',
    scope: 'global',
    env: 'DIRECT_DATABASE_URL',
    schema: databaseUrl.optional(),
    secret: true,
    help: 'The same database without a pooler in transaction mode, for the index build, which needs a session of its own; database where absent',
  }),
  queue: option({
    path: 'queue',
    scope: 'global',
    env: 'QUEUE_URL',
    schema: checked(queueUrlProblem),
    fallback: 'redis://127.0.0.1:6379',
    secret: true,
    help: 'Queue server: redis:// (default), redis+cluster://h1,h2, redis+sentinel://h1,h2/master, or postgres://',
  }),
  logLevel: option({
    path: 'logLevel',
    scope: 'global',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    fallback: 'info' as const,
    help: 'Log level: trace, debug, info, warn, error or silent',
  }),
  dashboardHost: option({
    path: 'dashboard.host',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_HOST',
    flag: 'host',
    schema: listenHost,
    fallback: '127.0.0.1',
    help: 'Address that the dashboard listens on; any but loopback needs dashboard.user and dashboard.password, or dashboard.token',
  }),
  dashboardPort: option({
    path: 'dashboard.port',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_PORT',
    flag: 'port',
    schema: wholeNumber(0, 65_535),
    parse: parseNumber,
    fallback: 3000,
    help: 'Port of the dashboard; 0 chooses a free one',
  }),
  metricsHost: option({
    path: 'metrics.host',
    scope: 'global',
    verb: 'worker',
    env: 'BACKFILL_METRICS_HOST',
    flag: 'metrics-host',
    schema: listenHost,
    fallback: '127.0.0.1',
    help: "Address that a worker's metrics and health listen on; they hold no row and no secret",
  }),
  metricsPort: option({
    path: 'metrics.port',
    scope: 'global',
    verb: 'worker',
    env: 'BACKFILL_METRICS_PORT',
    flag: 'metrics-port',
    schema: wholeNumber(0, 65_535).optional(),
    parse: parseNumber,
    help: "Port of a worker's /metrics, /healthz and /readyz; 0 chooses a free one; none where absent",
  }),
  healthFile: option({
    path: 'health.file',
    scope: 'global',
    env: 'BACKFILL_HEALTH_FILE',
    schema: z.string().min(1).optional(),
    help: 'File that worker and dashboard touch every 10 s for as long as nothing but another start would help them: one that is older than a minute is of a process that hangs; none where absent',
  }),
  dashboardUser: option({
    path: 'dashboard.user',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_USER',
    schema: z.string().min(1).optional(),
    help: 'User name that the dashboard asks for',
  }),
  dashboardPassword: option({
    path: 'dashboard.password',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_PASSWORD',
    schema: z.string().min(8).optional(),
    secret: true,
    help: 'Password that the dashboard asks for, at least 8 characters; better by its env variable than by its flag',
  }),
  dashboardToken: option({
    path: 'dashboard.token',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_TOKEN',
    schema: z
      .string()
      .regex(/^\S{16,}$/, { message: 'must be at least 16 characters without a space' })
      .optional(),
    secret: true,
    help: 'Bearer token that the dashboard takes, instead of user and password or beside them; at least 16 characters',
  }),
  dashboardTlsCertificate: option({
    path: 'dashboard.tlsCertificate',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_TLS_CERTIFICATE',
    schema: z.string().min(1).optional(),
    help: 'PEM file of the certificate with which the dashboard speaks HTTPS; needs dashboard.tlsKey',
  }),
  dashboardTlsKey: option({
    path: 'dashboard.tlsKey',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_TLS_KEY',
    schema: z.string().min(1).optional(),
    help: 'PEM file of the key of dashboard.tlsCertificate',
  }),
  dashboardAllowedHosts: option({
    path: 'dashboard.allowedHosts',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_ALLOWED_HOSTS',
    schema: listOf(
      (text) => parseHost(text) !== null,
      'must be host names such as search.example.org or search.example.org:8443, each without scheme, path or *',
    ),
    parse: parseNonEmptyList,
    fallback: [],
    help: 'Names, besides its own, by which a dashboard on loopback answers: those that a proxy hands on; on the command line a,b',
  }),
  dashboardAllowedOrigins: option({
    path: 'dashboard.allowedOrigins',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_ALLOWED_ORIGINS',
    schema: listOf(
      (text) => parseOrigin(text) !== null,
      'must be origins such as https://search.example.org, each without a path',
    ),
    parse: parseNonEmptyList,
    fallback: [],
    help: 'Origins by which browsers reach the dashboard where a proxy does not hand on the Host that it was asked by; on the command line a,b',
  }),
  dashboardTrustedProxies: option({
    path: 'dashboard.trustedProxies',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_TRUSTED_PROXIES',
    schema: listOf(isNetwork, 'must be addresses or networks such as 127.0.0.1 or 10.0.0.0/8'),
    parse: parseNonEmptyList,
    fallback: [],
    help: 'Addresses or networks of proxies whose X-Forwarded-For, -Host, -Proto and -Prefix are believed; on the command line a,b',
  }),
  dashboardBasePath: option({
    path: 'dashboard.basePath',
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_BASE_PATH',
    schema: checked(basePathProblem).optional(),
    help: 'Path under which a proxy serves the dashboard, such as /backfill, whether it takes it off or hands it on; X-Forwarded-Prefix of a trusted proxy where absent',
  }),
  table: option({
    path: 'table',
    schema: z.string().min(1),
    help: 'Legacy table, schema.table; quote a name as in SQL where it needs it',
  }),
  key: option({
    path: 'key',
    schema: columnName,
    fallback: 'id',
    help: 'Unique, not null key column: bigint, integer, smallint or uuid',
  }),
  text: option({
    path: 'text',
    schema: z.union([z.array(columnName).min(1), z.strictObject({ sql: z.string().min(1) })]) as z.ZodType<
      string[] | { sql: string }
    >,
    parse: parseText,
    help: 'Text to embed: columns, joined by a line break, or { "sql": expression }; on the command line a,b or sql:…',
  }),
  where: option({
    path: 'where',
    schema: z.string().min(1).optional(),
    help: 'SQL condition of the rows that take part (eligible rows); all rows where absent',
  }),
  column: option({
    path: 'column',
    schema: columnName,
    fallback: 'embedding',
    help: 'Vector column, added where it is missing',
  }),
  columnType: option({
    path: 'columnType',
    schema: z.enum(['vector', 'halfvec']),
    fallback: 'vector' as const,
    help: 'Type of that column: vector, or halfvec with half the bytes and three decimal places (pgvector 0.7.0)',
  }),
  updatedAtColumn: option({
    path: 'updatedAtColumn',
    schema: columnName,
    fallback: 'embedding_updated_at',
    help: 'Column for the time of the last embedding, added where it is missing',
  }),
  modelName: option({
    path: 'model.name',
    schema: z.string().min(1),
    fallback: 'Xenova/all-MiniLM-L6-v2',
    help: 'Model name: a folder below model.localPath, or a name on the hub',
  }),
  modelLocalPath: option({
    path: 'model.localPath',
    schema: z.string().min(1),
    fallback: './models',
    help: 'Folder that holds models, or one model folder itself; downloads are kept there',
  }),
  modelAllowDownload: option({
    path: 'model.allowDownload',
    schema: z.boolean(),
    parse: parseBoolean,
    fallback: false,
    help: 'Whether model files that are not in model.localPath may be fetched from the hub',
  }),
  modelQuantized: option({
    path: 'model.quantized',
    schema: z.boolean(),
    parse: parseBoolean,
    fallback: true,
    help: 'Use onnx/model_quantized.onnx (true) or the full-precision onnx/model.onnx (false)',
  }),
  modelPooling: option({
    path: 'model.pooling',
    schema: z.enum(['mean', 'cls', 'max']),
    fallback: 'mean' as const,
    help: 'How token vectors become one vector: mean, cls or max',
  }),
  modelNormalize: option({
    path: 'model.normalize',
    schema: z.boolean(),
    parse: parseBoolean,
    fallback: true,
    help: 'Scale every vector to unit length',
  }),
  modelMaxTokens: option({
    path: 'model.maxTokens',
    schema: wholeNumber(4, 8192),
    parse: parseNumber,
    fallback: 256,
    help: 'Tokens of a text that the model reads; what is longer is cut and counted',
  }),
  modelRevision: option({
    path: 'model.revision',
    schema: z.string().min(1),
    fallback: 'main',
    help: 'Revision of the model on the hub: a branch, a tag or, pinned for good, a commit',
  }),
  modelChecksum: option({
    path: 'model.checksum',
    schema: z
      .string()
      .regex(/^[0-9a-f]{64}$/, {
        message: 'must be 64 hexadecimal digits, as `pgvector-backfill model check` prints',
      })
      .optional(),
    help: 'sha256 over the model files, as `pgvector-backfill model check` prints it; other files are refused',
  }),
  modelHub: option({
    path: 'model.hub',
    schema: url(['http', 'https']),
    fallback: 'https://huggingface.co',
    help: 'Hub that model files are fetched from where model.allowDownload is true',
  }),
  modelDocumentPrefix: option({
    path: 'model.documentPrefix',
    schema: z.string().min(1).optional(),
    help: 'Put in front of every text before it is embedded, such as "passage: " for E5 models',
  }),
  modelQueryPrefix: option({
    path: 'model.queryPrefix',
    schema: z.string().min(1).optional(),
    help: 'Put in front of every query before it is embedded, such as "query: " for E5 models',
  }),
  modelLongText: option({
    path: 'model.longText',
    schema: z.enum(['truncate', 'mean-of-chunks', 'skip', 'fail']),
    fallback: 'truncate' as const,
    help: 'A text of more than model.maxTokens: truncate (cut, counted), mean-of-chunks (overlapping pieces, averaged), skip (left without a vector) or fail (quarantined)',
  }),
  modelChunkOverlap: option({
    path: 'model.chunkOverlap',
    schema: wholeNumber(0, 4096),
    parse: parseNumber,
    fallback: 32,
    help: 'mean-of-chunks: tokens that neighbouring chunks share; less than half of model.maxTokens',
  }),
  modelMaxChunks: option({
    path: 'model.maxChunks',
    schema: wholeNumber(1, 10_000),
    parse: parseNumber,
    fallback: 64,
    help: 'mean-of-chunks: most chunks of one text; what is behind them is cut and counted',
  }),
  modelEndpoint: option({
    path: 'model.endpoint',
    schema: url(['http', 'https']).optional(),
    help: 'Base URL of an OpenAI-compatible server, such as http://127.0.0.1:8080/v1, that embeds in place of local model files',
  }),
  modelApiKey: option({
    path: 'model.apiKey',
    schema: z.string().min(1).optional(),
    secret: true,
    help: 'Key that model.endpoint asks for; better by its env variable than by its flag',
  }),
  modelDimensions: option({
    path: 'model.dimensions',
    schema: wholeNumber(1, 16_000).optional(),
    parse: parseNumber,
    help: 'model.endpoint: dimensions to ask for, where the model offers several; its own where absent',
  }),
  modelRequestTexts: option({
    path: 'model.requestTexts',
    schema: wholeNumber(1, 2048),
    parse: parseNumber,
    fallback: 64,
    help: 'model.endpoint: most texts of one request',
  }),
  modelRequestConcurrency: option({
    path: 'model.requestConcurrency',
    schema: wholeNumber(1, 64),
    parse: parseNumber,
    fallback: 4,
    help: 'model.endpoint: requests under way at a time in one worker',
  }),
  modelTimeoutSeconds: option({
    path: 'model.timeoutSeconds',
    schema: wholeNumber(1, 3600),
    parse: parseNumber,
    fallback: 60,
    help: 'model.endpoint: seconds that one request may take',
  }),
  maskTypes: option({
    path: 'mask.types',
    flag: 'mask',
    schema: z.array(z.enum(MASK_TYPES)),
    // To mask nothing has a word of its own.
    parse: (raw) => (raw === 'none' ? [] : parseNonEmptyList(raw)),
    fallback: [...MASK_TYPES],
    help: `Personal data and secrets that are masked before a text is embedded: ${MASK_TYPES.join(', ')}; on the command line a,b or none`,
  }),
  maskRules: option({
    path: 'mask.rules',
    schema: z.array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, {
          message: 'name must be 1 to 32 lower-case letters, digits or dashes, a letter first',
        }),
        pattern: z.string().min(1),
        ignoreCase: z.boolean().optional(),
      }),
    ),
    parse: parseJson,
    fallback: [],
    help: 'Further masks: [{ "name": "employee", "pattern": "EMP-\\d{6}" }], patterns in RE2 syntax; on the command line as JSON',
  }),
  metric: option({
    path: 'metric',
    schema: z.enum(['cosine', 'l2', 'ip']),
    fallback: 'cosine' as const,
    help: 'Distance of the index and of searches: cosine, l2 or ip (inner product)',
  }),
  batchRows: option({
    path: 'batchRows',
    schema: wholeNumber(1, 100_000),
    parse: parseNumber,
    fallback: 1000,
    help: 'Rows of one batch (one job)',
  }),
  mergeRows: option({
    path: 'mergeRows',
    schema: wholeNumber(1, 10_000),
    parse: parseNumber,
    fallback: 1000,
    help: 'Most rows of the legacy table that one UPDATE statement touches',
  }),
  attempts: option({
    path: 'attempts',
    schema: wholeNumber(1, 100),
    parse: parseNumber,
    fallback: 8,
    help: 'Attempts of a batch before it counts as failed',
  }),
  concurrency: option({
    path: 'worker.concurrency',
    flag: 'concurrency',
    schema: wholeNumber(1, 64),
    parse: parseNumber,
    fallback: 2,
    help: 'Batches that one worker process has in flight',
  }),
  threads: option({
    path: 'worker.threads',
    flag: 'threads',
    schema: wholeNumber(1, 256).optional(),
    parse: parseNumber,
    help: 'Inference processes of one worker, a thread each; the processors it may use where absent',
  }),
  drainSeconds: option({
    path: 'worker.drainSeconds',
    flag: 'drain-seconds',
    schema: wholeNumber(1, 3600),
    parse: parseNumber,
    fallback: 60,
    help: 'Seconds that SIGTERM gives the batches in flight; what is not done by then is retried by another worker',
  }),
  syncMode: option({
    path: 'sync.mode',
    schema: z.enum(['auto', 'trigger', 'sweep', 'off']),
    fallback: 'auto' as const,
    help: 'How rows that are added, edited or deleted later are found: trigger, sweep (the table is read again and again), auto (trigger where the rights allow it, else sweep) or off',
  }),
  syncSeconds: option({
    path: 'sync.everySeconds',
    schema: wholeNumber(1, 3600),
    parse: parseNumber,
    fallback: 5,
    help: 'Seconds between two looks for captured changes',
  }),
  syncSweepSeconds: option({
    path: 'sync.sweepSeconds',
    schema: wholeNumber(1, 604_800),
    parse: parseNumber,
    fallback: 600,
    help: 'Seconds from the start of one sweep of the table to the start of the next, where changes are found by sweep; beside triggers too, where text or where change without a write of the row',
  }),
  syncSlowSweepSeconds: option({
    path: 'sync.slowSweepSeconds',
    schema: wholeNumber(0, 31_536_000),
    parse: parseNumber,
    fallback: 86_400,
    help: 'The same beside triggers, where a sweep takes a tenth of its time: it finds what no trigger could see; 0 for never',
  }),
  throttleReplicaLag: option({
    path: 'throttle.replicaLag',
    schema: amounts,
    fallback: { hold: 10, stop: null },
    help: 'Replay lag of the slowest replica, seconds, at which workers hold; hold:stop to pause the run too; off for never',
  }),
  throttleReplicaLagBytes: option({
    path: 'throttle.replicaLagBytes',
    schema: sizes,
    fallback: { hold: 1024 ** 3, stop: null },
    help: 'The same in WAL that a replica has not replayed, such as 1GB or 1GB:20GB',
  }),
  throttleSlotBacklog: option({
    path: 'throttle.slotBacklog',
    schema: sizes,
    fallback: { hold: 16 * 1024 ** 3, stop: null },
    help: 'WAL that is kept for the replication slot furthest behind',
  }),
  throttleArchiveBacklog: option({
    path: 'throttle.archiveBacklog',
    schema: amounts,
    fallback: { hold: 100, stop: null },
    help: 'WAL files that wait for the archiver',
  }),
  throttleWalRate: option({
    path: 'throttle.walRate',
    schema: sizes,
    fallback: { hold: null, stop: null },
    help: "WAL a second of the whole server, the run's own included, such as 50MB",
  }),
  throttleAutovacuum: option({
    path: 'throttle.autovacuum',
    schema: amounts,
    fallback: { hold: 2, stop: null },
    help: 'Autovacuum of the table: 1 holds for any, 2 for one to prevent wraparound',
  }),
  throttleLockWaiters: option({
    path: 'throttle.lockWaiters',
    schema: amounts,
    fallback: { hold: 5, stop: null },
    help: 'Sessions that wait for locks of the table or of its rows',
  }),
  throttleActiveSessions: option({
    path: 'throttle.activeSessions',
    schema: amounts,
    fallback: { hold: 0.5, stop: null },
    help: "Others' sessions at work, as a share of max_connections, 0 to 1",
  }),
  throttleDiskUsed: option({
    path: 'throttle.diskUsed',
    schema: amounts,
    fallback: { hold: 0.9, stop: 0.97 },
    help: 'Share of the disk that is used, 0 to 1, where a worker runs on the machine of the server and may look',
  }),
  throttleSql: option({
    path: 'throttle.sql',
    schema: z.string().min(1).optional(),
    help: 'A check of your own: a query that gives one number, run read-only; one that fails holds',
  }),
  throttleSqlValue: option({
    path: 'throttle.sqlValue',
    schema: amounts,
    fallback: { hold: 1, stop: null },
    help: 'Value of throttle.sql at which workers hold',
  }),
  throttleCheckSeconds: option({
    path: 'throttle.checkSeconds',
    schema: z.number().min(0.1).max(60),
    parse: parseNumber,
    fallback: 1,
    help: 'Seconds that one look at the signals counts for',
  }),
  throttleStatementMs: option({
    path: 'throttle.statementMs',
    schema: wholeNumber(10, 30_000),
    parse: parseNumber,
    fallback: 250,
    help: 'Milliseconds that a merge statement should take; its rows adapt, from 50 up to mergeRows',
  }),
  rowsPerSecond: option({
    path: 'throttle.rowsPerSecond',
    schema: z.number().min(0.1).max(1_000_000).optional(),
    parse: parseNumber,
    help: 'Most rows a second that all workers together merge; no limit where absent',
  }),
  indexMethod: option({
    path: 'index.method',
    schema: z.enum(['auto', 'hnsw', 'ivfflat']),
    fallback: 'hnsw' as const,
    help: 'Index method: hnsw, ivfflat, or auto: HNSW on vector, else on halfvec, else IVFFlat, by memory, time and dimensions',
  }),
  indexType: option({
    path: 'index.type',
    schema: z.enum(['auto', 'vector', 'halfvec']),
    fallback: 'auto' as const,
    help: 'Type of the indexed vectors: vector, halfvec (half the memory; an index on a cast where the column is of type vector), or auto: vector up to 2,000 dimensions',
  }),
  indexBuildMinutes: option({
    path: 'index.buildMinutes',
    schema: z.number().positive().optional(),
    parse: parseNumber,
    help: 'Minutes that the build may take where index.method is auto; no limit where absent',
  }),
  indexCoverage: option({
    path: 'index.coverage',
    schema: z.number().min(0).max(1),
    parse: parseNumber,
    fallback: 0.99,
    help: 'Share of the rows with text that must be embedded before the index is built, 0 to 1',
  }),
  indexM: option({
    path: 'index.m',
    schema: wholeNumber(2, 100),
    parse: parseNumber,
    fallback: 16,
    help: 'HNSW: connections per layer',
  }),
  indexEfConstruction: option({
    path: 'index.efConstruction',
    schema: wholeNumber(4, 1000),
    parse: parseNumber,
    fallback: 64,
    help: 'HNSW: candidate list of the build, at least 2 × m',
  }),
  indexLists: option({
    path: 'index.lists',
    schema: wholeNumber(1, 32_768).optional(),
    parse: parseNumber,
    help: 'IVFFlat: lists; rows / 1000 up to a million rows, then their square root, where absent',
  }),
  indexMemory: option({
    path: 'index.maintenanceWorkMem',
    schema: z
      .string()
      .regex(/^\d+\s*(kB|MB|GB)$/, { message: 'must be a size such as 512MB or 2GB' })
      .optional(),
    help: "maintenance_work_mem of the index build, such as 2GB; the graph's forecast (at most 1GB) where absent",
  }),
  indexWorkers: option({
    path: 'index.parallelWorkers',
    schema: wholeNumber(0, 64).optional(),
    parse: parseNumber,
    help: "max_parallel_maintenance_workers of the index build; the server's own where absent",
  }),
  verifyRecall: option({
    path: 'verify.recall',
    schema: z.number().min(0).max(1),
    parse: parseNumber,
    fallback: 0.9,
    help: 'Least recall@10 of the index against exact search that `verify` accepts',
  }),
  verifySamples: option({
    path: 'verify.samples',
    schema: wholeNumber(1, 10_000),
    parse: parseNumber,
    fallback: 50,
    help: 'Rows sampled as queries by `verify`',
  }),
  verifyTolerance: option({
    path: 'verify.tolerance',
    schema: z.number().min(0).max(1),
    parse: parseNumber,
    fallback: 0.02,
    help: 'Drop of nDCG@10 or recall@10, against the legacy search or the last passed verification, that `verify` accepts',
  }),
  verifyLatency: option({
    path: 'verify.latencyMs',
    schema: z.number().positive().optional(),
    parse: parseNumber,
    help: 'Longest p95 of a vector search, the embedding of its query included, that `verify` accepts, ms; only reported where absent',
  }),
  verifyValidHours: option({
    path: 'verify.validHours',
    schema: z.number().positive(),
    parse: parseNumber,
    fallback: 24,
    help: 'Hours for which a passed verification opens the gate of `cutover`',
  }),
  searchFilters: option({
    path: 'search.filters',
    schema: searchFilters,
    parse: parseJson,
    fallback: [],
    help: 'Conditions that searches put on the table besides where: [{ "name": "german", "where": "lang = $1", "values": ["de"] }]; legacySearch of a filter: the search in use today with it ($3, $4, … its values); on the command line as JSON',
  }),
  searchTextConfig: option({
    path: 'search.textConfig',
    schema: z.string().min(1),
    fallback: 'english',
    help: 'Text search configuration of the tsvector ranking that `verify` compares with, as in \\dF of psql',
  }),
  searchTsvector: option({
    path: 'search.tsvector',
    schema: z.string().min(1).optional(),
    help: "SQL expression of the rows' tsvector, best one with a GIN index; to_tsvector(search.textConfig, text) where absent",
  }),
  legacySearch: option({
    path: 'legacySearch',
    schema: z.string().min(1).optional(),
    help: 'The search in use today: SQL with $1 the query text and $2 the number of rows, first column the key',
  }),
} as const;
