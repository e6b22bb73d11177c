/**
 * Many faults against one run, in random order. The suite has a short one whose seed is always the same; `npm run
 * test:chaos` a long one with a seed of its own. The seed is printed: CHAOS_SEED repeats the order (what the servers make of
 * it has timing of its own), CHAOS_ACTIONS sets its length.
 */

import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { openEmbedder } from '../../src/embedding/configured.ts';
import { installationId } from '../../src/ledger/installation.ts';
import { uniform } from '../../src/random.ts';
import { createDocs } from '../setup/docs-table.ts';
import {
  REPEATED_TEXTS,
  TO_BE_KILLED,
  openBackfill,
  untilSettled,
  type TestBackfill,
} from '../setup/backfill.ts';
import { runCommand, startCommand, type RunningCommand } from '../setup/command.ts';
import { hasRedis, realDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { startProxy, type TestProxy } from '../setup/proxy.ts';
import { drainChanges } from '../setup/synced.ts';

const LONG = process.env['CHAOS_ACTIONS'];
const ACTIONS = Number(LONG ?? 12);
const SEED = Number(
  process.env['CHAOS_SEED'] ?? (LONG === undefined ? 20_261_129 : Math.floor(Math.random() * 1e9)),
);
const ROWS = 3000;
const MOST_WORKERS = 2;
/** Rounds of enqueue and work in the quiet after the faults. */
const MOST_ROUNDS = 6;
const WORDS = [
  'bread',
  'dough',
  'yeast',
  'bicycle',
  'tyre',
  'kitten',
  'mortgage',
  'guitar',
  'garden',
  'winter',
  'rain',
];

class Chaos {
  readonly log: string[] = [];
  readonly #random = uniform(SEED);
  readonly #backfill: TestBackfill;
  readonly #database: TestProxy;
  readonly #redis: TestProxy;
  readonly #redisUrl: string;
  readonly #env: Record<string, string>;
  #workers: RunningCommand[] = [];

  constructor(backfill: TestBackfill, database: TestProxy, redis: TestProxy, redisUrl: string) {
    this.#backfill = backfill;
    this.#database = database;
    this.#redis = redis;
    this.#redisUrl = redisUrl;
    const through = new URL(backfill.env['DATABASE_URL'] ?? '');
    const { hostname, port } = new URL(database.url);
    Object.assign(through, { hostname, port });
    this.#env = { ...backfill.env, DATABASE_URL: through.href, QUEUE_URL: redis.url };
  }

  #int(below: number): number {
    return Math.floor(this.#random() * below);
  }
  #text(): string {
    // A text without a word that the model knows is set aside, and rightly.
    return `bread ${Array.from({ length: 2 + this.#int(6) }, () => WORDS[this.#int(WORDS.length)]).join(' ')}`;
  }

  /** Time for something to happen, measured in looks at the ledger. */
  async #looks(count: number): Promise<void> {
    for (let look = 0; look < count; look++) await this.#backfill.snapshot();
  }

  readonly #actions: Record<string, () => Promise<void>> = {
    start: async () => {
      this.#workers = this.#workers.filter(
        ({ child }) => child.exitCode === null && child.signalCode === null,
      );
      if (this.#workers.length >= MOST_WORKERS) return;
      const worker = startCommand('worker', [], this.#env, { times: TO_BE_KILLED });
      this.#workers.push(worker);
      await worker.waitFor(/worker started|error/).catch(() => {});
    },
    kill: async () => {
      const worker = this.#workers.shift();
      worker?.child.kill('SIGKILL');
      await worker?.ended;
    },
    drain: async () => {
      const worker = this.#workers.shift();
      worker?.child.kill('SIGTERM');
      await worker?.ended;
    },
    'end database sessions': async () => {
      await this.#backfill.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'pgvector-backfill worker%'`,
      );
    },
    'cut the database': () => this.#faulty(this.#database, 'cut'),
    'silence the database': () => this.#faulty(this.#database, 'hold'),
    'cut the queue': () => this.#faulty(this.#redis, 'cut'),
    'silence the queue': () => this.#faulty(this.#redis, 'hold'),
    'lose the queue': async () => {
      const redis = new Redis(this.#redisUrl);
      const prefix = (await installationId(this.#backfill.pool)).slice(0, 8);
      const keys: string[] = [];
      for await (const some of redis.scanStream({
        match: `*pgvector-backfill-${prefix}*`,
        count: 1000,
      }) as AsyncIterable<string[]>)
        keys.push(...some);
      if (keys.length > 0) await redis.del(...keys);
      await redis.quit();
      await this.#verb('enqueue');
    },
    enqueue: () => this.#verb('enqueue'),
    retry: () => this.#verb('retry'),
    'lock rows': async () => {
      const client = new pg.Client({ connectionString: this.#backfill.env['DATABASE_URL'] });
      await client.connect();
      const from = this.#int(ROWS);
      await client.query('BEGIN');
      await client.query('SELECT 1 FROM docs WHERE id BETWEEN $1 AND $2 ORDER BY id FOR UPDATE', [
        from,
        from + 100,
      ]);
      await this.#looks(50 + this.#int(200));
      await client.query('ROLLBACK');
      await client.end();
    },
    'write rows': async () => {
      const { pool } = this.#backfill;
      for (let count = 0; count < 30; count++)
        await pool.query('UPDATE docs SET body = $2 WHERE id = $1', [this.#int(ROWS), this.#text()]);
      await pool.query('DELETE FROM docs WHERE id = $1', [this.#int(ROWS)]);
      await pool.query('INSERT INTO docs VALUES ($1, $2) ON CONFLICT DO NOTHING', [
        -this.#int(1000),
        this.#text(),
      ]);
      await pool.query('INSERT INTO docs VALUES ($1, $2) ON CONFLICT DO NOTHING', [
        ROWS + this.#int(1000),
        '',
      ]);
    },
  };

  async #faulty(proxy: TestProxy, how: 'cut' | 'hold'): Promise<void> {
    proxy[how]();
    await this.#looks(20 + this.#int(300));
    proxy.resume();
  }

  async #verb(verb: string): Promise<void> {
    const { code, stderr } = await runCommand(verb, [], this.#backfill.env);
    if (code !== 0) this.log.push(`${verb} ended with ${code}: ${stderr.slice(-300)}`);
  }

  async run(): Promise<void> {
    const names = Object.keys(this.#actions);
    for (let action = 0; action < ACTIONS; action++) {
      // Without a worker most faults hit nothing.
      const name = this.#workers.length === 0 ? 'start' : (names[this.#int(names.length)] ?? 'start');
      this.log.push(name);
      await this.#actions[name]?.();
      await this.#looks(this.#int(100));
    }
  }

  async calm(): Promise<void> {
    this.#database.resume();
    this.#redis.resume();
    for (const { child } of this.#workers) child.kill('SIGTERM');
    await Promise.all(this.#workers.map(({ ended }) => ended));
  }
}

describe.runIf(hasRedis())('chaos', () => {
  const model = sampleModel();

  it(
    `loses nothing and leaves nothing stale, seed ${SEED}, ${ACTIONS} faults`,
    { timeout: 60_000 + ACTIONS * 60_000 },
    async () => {
      process.stdout.write(`chaos: CHAOS_SEED=${SEED} CHAOS_ACTIONS=${ACTIONS}\n`);
      const redisUrl = inject('redisUrl') ?? '';
      const backfill = await openBackfill(await realDatabase(redisUrl), model, {
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        BACKFILL_BATCH_ROWS: '20',
        BACKFILL_LOG_LEVEL: 'info',
        BACKFILL_DRAIN_SECONDS: '20',
        ...REPEATED_TEXTS,
      });
      await createDocs(backfill.pool);
      await backfill.pool.query(
        `INSERT INTO docs SELECT n, 'bread ' || ($2::text[])[1 + n % 11] || ' ' || ($2::text[])[1 + n / 11 % 11] || CASE WHEN n % 50 = 0 THEN NULL ELSE '' END
         FROM generate_series(0, $1::int - 1) n`,
        [ROWS, WORDS],
      );
      await backfill.enqueue();
      const [database, redis] = await Promise.all([
        startProxy(() => inject('postgresUrl') ?? ''),
        startProxy(() => redisUrl),
      ]);
      const chaos = new Chaos(backfill, database, redis, redisUrl);
      await chaos.run();
      await chaos.calm();
      for (let round = 0; round < MOST_ROUNDS; round++) {
        await backfill.enqueue();
        const { state: settled } = await backfill.work();
        if (settled === 'ready') await drainChanges(backfill);
        const { missing, stale } = await backfill.account();
        if (missing + stale === 0 && (await backfill.snapshot()).state === 'ready') break;
      }
      const told = `seed ${SEED}: ${chaos.log.join(', ')}`;
      const account = await backfill.account();
      expect(account, told).toMatchObject({ missing: 0, stale: 0, quarantined: 0 });
      expect(account.embedded + account.skipped, told).toBe(account.eligible);
      const { state, reason, index } = await untilSettled(backfill.pool, backfill.config.backfill);
      expect({ state, reason, valid: index.valid }, told).toEqual({
        state: 'ready',
        reason: '',
        valid: true,
      });
      expect(await wrongVectors(backfill), told).toEqual([]);
      await Promise.all([database.close(), redis.close()]);
      await backfill.close();
    },
  );
});

/** Keys of rows whose vector is not that of their present text, every one embedded again. */
async function wrongVectors(backfill: TestBackfill): Promise<string[]> {
  const { rows } = await backfill.pool.query<{ id: string; body: string | null; vector: string | null }>(
    'SELECT id::text, body, embedding::text AS vector FROM docs ORDER BY id',
  );
  const embedder = await openEmbedder(backfill.config.settings, 1);
  try {
    const { vectors } = await embedder.embed(rows.map(({ body }) => body ?? ''));
    return rows
      .filter(({ body, vector }, at) => {
        if ((body ?? '').trim() === '') return vector !== null;
        const stored = JSON.parse(vector ?? '[]') as number[];
        const { dimensions } = embedder;
        const fresh = vectors.subarray(at * dimensions, (at + 1) * dimensions);
        return (
          stored.length !== dimensions || stored.some((value, i) => Math.abs(value - (fresh[i] ?? 0)) > 1e-5)
        );
      })
      .map(({ id }) => id);
  } finally {
    await embedder.close();
  }
}
