/**
 * `bench capture`: what the triggers of change capture cost those who write to the table. The same statements on tables that
 * differ by the triggers alone (none, for one generation, for two), each statement its own transaction, interleaved rounds,
 * several connections.
 */

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { backfillOf, generationName, parseGenerationName } from '../../src/config/values/generation-name.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Pool } from '../../src/db/pool.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { applyCapture } from '../../src/sync/capture.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { uniform } from '../../src/random.ts';
import { withBenchDatabase, type BenchDatabase } from './database.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import { triggerMicroseconds } from './trigger-time.ts';
import { machine, ratioOf, showRatio, type Ratio } from './ratio.ts';
import { settledConfig } from '../lib/settled-config.ts';

export interface CaptureOptions {
  rows: number;
  /** Of one measurement. */
  seconds: number;
  rounds: number;
  onProgress?: OnProgress;
}

export interface CaptureResult {
  machine: { cpu: string; cores: number };
  rows: number;
  connections: number;
  /** Statements a second without the triggers, with them, and with them for two generations, per round. */
  kinds: {
    name: string;
    rowsPerStatement: number;
    plain: number[];
    captured: number[];
    twoGenerations: number[];
    capturedToPlain: Ratio;
    twoToPlain: Ratio;
    twoToOne: Ratio;
  }[];
  /** Microseconds of the triggers for each row of an update of the text: for one generation, for two, for two with other keys. */
  triggerMicroseconds: { one: number; two: number; twoKeys: number };
}

const CONNECTIONS = 4;
const PLAIN = 'plain_docs';
const CAPTURED = 'captured_docs';
const TWICE = 'two_generations_docs';
const APART = 'two_keys_docs';
const TABLES = [PLAIN, CAPTURED, TWICE];
const MANY = 100;

interface Kind {
  name: string;
  rows: number;
  /** $1 is a key. */
  sql: (table: string) => string;
}

const KINDS: Kind[] = [
  {
    name: 'update of the text',
    rows: 1,
    sql: (t) => `UPDATE ${t} SET body = md5(random()::text) WHERE id = $1`,
  },
  {
    name: 'update of another column',
    rows: 1,
    sql: (t) => `UPDATE ${t} SET views = views + 1 WHERE id = $1`,
  },
  {
    name: 'insert',
    rows: 1,
    sql: (t) => `INSERT INTO ${t} (body) SELECT md5(random()::text) WHERE $1::bigint > 0`,
  },
  {
    name: 'update of the text, many rows a statement',
    rows: MANY,
    sql: (t) =>
      `UPDATE ${t} SET body = md5(random()::text) WHERE id IN (SELECT id FROM ${t} WHERE id >= $1 ORDER BY id LIMIT ${MANY} FOR UPDATE SKIP LOCKED)`,
  },
  {
    name: 'insert, many rows a statement',
    rows: MANY,
    sql: (t) =>
      `INSERT INTO ${t} (body) SELECT md5(random()::text) FROM generate_series(1, ${MANY}) WHERE $1::bigint > 0`,
  },
];

export function benchCapture(
  url: string,
  options: CaptureOptions,
  logger: Logger,
  say: (line: string) => void,
): Promise<CaptureResult> {
  return withBenchDatabase(url, logger, async (database) => {
    await prepare(database, options.rows);
    const kinds: CaptureResult['kinds'] = [];
    let done = 0;
    for (const kind of KINDS) {
      const rates: Record<string, number[]> = Object.fromEntries(TABLES.map((table) => [table, []]));
      for (let round = 0; round < options.rounds; round++) {
        // Whoever goes later finds another state of the disk's queue: they take turns.
        const first = round % TABLES.length;
        for (const table of [...TABLES.slice(first), ...TABLES.slice(0, first)]) {
          const total = TABLES.length * KINDS.length * options.rounds;
          options.onProgress?.({ what: kind.name, done: done++, total });
          await database.pool.query('TRUNCATE pgvector_backfill.change');
          await database.pool.query('CHECKPOINT').catch(() => {});
          rates[table]?.push(await measure(database.pool, kind.sql(table), options));
        }
      }
      const [plain = [], captured = [], twoGenerations = []] = TABLES.map((table) => rates[table]);
      const capturedToPlain = ratioOf(captured, plain);
      const twoToOne = ratioOf(twoGenerations, captured);
      kinds.push({
        name: kind.name,
        rowsPerStatement: kind.rows,
        plain: plain.map(Math.round),
        captured: captured.map(Math.round),
        twoGenerations: twoGenerations.map(Math.round),
        capturedToPlain,
        twoToPlain: ratioOf(twoGenerations, plain),
        twoToOne,
      });
      say(`${kind.name}: with triggers / without: ${showRatio(capturedToPlain)}`);
      say(`${kind.name}: for two generations / for one: ${showRatio(twoToOne)}`);
    }
    const {
      [CAPTURED]: one = 0,
      [TWICE]: two = 0,
      [APART]: twoKeys = 0,
    } = await triggerMicroseconds(database.pool, [CAPTURED, TWICE, APART]);
    say(
      `the triggers take ${one} µs a row for one generation, ${two} for two, ${twoKeys} where their keys differ`,
    );
    const triggers = { one, two, twoKeys };
    return {
      machine: machine(),
      rows: options.rows,
      connections: CONNECTIONS,
      kinds,
      triggerMicroseconds: triggers,
    };
  });
}

async function prepare({ pool, url, folder }: BenchDatabase, rows: number): Promise<void> {
  await migrate(pool);
  for (const table of [...TABLES, APART]) {
    await pool.query(
      `CREATE TABLE ${table} (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, body text, views int NOT NULL DEFAULT 0)`,
    );
    await pool.query(
      `INSERT INTO ${table} (body) SELECT repeat(md5(n::text), 8) FROM generate_series(1, ${rows}) n`,
    );
    await pool.query(`VACUUM ANALYZE ${table}`);
  }
  await pool.query(`ALTER TABLE ${APART} ADD COLUMN ref bigint GENERATED BY DEFAULT AS IDENTITY UNIQUE`);
  const second = (backfill: string): string => generationName({ backfill, generation: 2 });
  for (const backfill of [CAPTURED, TWICE, second(TWICE), APART, second(APART)]) {
    const { generation } = parseGenerationName(backfill);
    const { settings } = await settledConfig({
      env: {
        DATABASE_URL: url,
        BACKFILL_TABLE: backfillOf(backfill),
        BACKFILL_TEXT: 'body',
        BACKFILL_COLUMN: generation === 1 ? 'embedding' : 'embedding_2',
        BACKFILL_SYNC_MODE: 'trigger',
        BACKFILL_KEY: backfill === second(APART) ? 'ref' : 'id',
      },
      cwd: folder,
    });
    const target = await describeTarget(pool, backfill, settings);
    await saveBackfill(pool, target, {});
    await applyCapture(pool, target, settings);
  }
}

/** Statements a second. */
async function measure(
  pool: Pool,
  sql: string,
  { rows, seconds }: Pick<CaptureOptions, 'rows' | 'seconds'>,
): Promise<number> {
  let done = 0;
  // Kinds differ behind their first words: a name cut from the text would stand for two statements.
  const name = createHash('md5').update(sql).digest('hex');
  const over = new AbortController();
  const lane = async (_: unknown, index: number): Promise<void> => {
    const random = uniform(index + 1);
    const client = await pool.connect();
    try {
      while (!over.signal.aborted) {
        await client.query({ name, text: sql, values: [1 + Math.floor(random() * rows)] });
        done++;
      }
    } finally {
      client.release();
    }
  };
  const started = performance.now();
  const lanes = Array.from({ length: CONNECTIONS }, lane);
  await delay(seconds * 1000);
  over.abort();
  await Promise.all(lanes);
  return (done * 1000) / (performance.now() - started);
}
