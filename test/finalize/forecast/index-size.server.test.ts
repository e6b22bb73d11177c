/** The forecast against what the server itself says. */

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../../src/errors.ts';
import {
  PARALLEL_RESERVE_BYTES,
  hnswBuildBytes,
  hnswGraphBytesPerRow,
  hnswIndexBytes,
  ivfflatBuildBytes,
  ivfflatIndexBytes,
  spilledAfter,
} from '../../../src/finalize/forecast/index-size.ts';
import type { IndexedType } from '../../../src/table/vector-type.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../../setup/databases.ts';
import { until } from '../../setup/until.ts';

const MIB = 1024 ** 2;
const ROWS = 5000;
/** Pages enough of these that the first and the last one weigh little. */
const WIDE_ROWS = 2000;
/** Memory is taken in blocks, which weigh less the more of them there are. */
const MEMORY_MIB = 4;

describe.runIf(hasPostgres())('the forecast of an index build', () => {
  let database: TestDatabase;
  let client: pg.Client;
  const notices: string[] = [];
  beforeAll(async () => {
    database = await realDatabase();
    client = new pg.Client({ connectionString: database.databaseUrl });
    client.on('notice', ({ message }) => notices.push(message ?? ''));
    await client.connect();
    await client.query('CREATE EXTENSION IF NOT EXISTS vector');
    await client.query('SET max_parallel_maintenance_workers = 0');
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  async function load(dimensions: number, rows: number): Promise<void> {
    notices.length = 0;
    await client.query('DROP TABLE IF EXISTS v');
    // Without WAL, which no size depends on.
    await client.query(`CREATE UNLOGGED TABLE v (e vector(${dimensions}))`);
    // Each of one small random set added to each of another: no two rows are the same, and few numbers have to be drawn.
    const each = Math.ceil(Math.sqrt(rows));
    await client.query(
      `WITH drawn AS MATERIALIZED (
         SELECT n, (SELECT array_agg(random() - 0.5 + 0 * (i + n)) FROM generate_series(1, ${dimensions}) i)::vector AS e
           FROM generate_series(1, ${2 * each}) n)
       INSERT INTO v SELECT a.e + b.e FROM drawn a, drawn b WHERE a.n <= ${each} AND b.n > ${each} LIMIT ${rows}`,
    );
  }

  /** @returns bytes of the index */
  async function build(
    type: IndexedType,
    dimensions: number,
    method: string,
    parameters: string,
    memory: string,
  ): Promise<number> {
    await client.query(`SET maintenance_work_mem = '${memory}'`);
    const expression = {
      vector: 'e vector_l2_ops',
      halfvec: `(e::halfvec(${dimensions})) halfvec_l2_ops`,
      bit: `(binary_quantize(e)::bit(${dimensions})) bit_hamming_ops`,
    }[type];
    await client.query(`CREATE INDEX v_idx ON v USING ${method} (${expression}) WITH (${parameters})`);
    const size = await client.query<{ bytes: number }>(`SELECT pg_relation_size('v_idx')::float8 AS bytes`);
    return size.rows[0]?.bytes ?? 0;
  }
  /** The least search there is: sizes do not depend on how good the graph is. */
  const hnsw = (m: number): string => `m = ${m}, ef_construction = ${Math.max(4, 2 * m)}`;

  /** Workers are granted from what all sessions share: another test's build may have them, so it is built until one is. */
  const buildInParallel = (dimensions: number, m: number, memoryKiB: number): Promise<unknown> =>
    until('a parallel worker is granted', async () => {
      await client.query('DROP INDEX IF EXISTS v_idx');
      notices.length = 0;
      await build('vector', dimensions, 'hnsw', hnsw(m), `${memoryKiB}kB`);
      return notices.some((notice) => /^using \d+ parallel workers$/.test(notice));
    });

  it.each([
    ['vector', 64, 16],
    ['vector', 384, 8],
    ['vector', 768, 16],
    ['halfvec', 384, 16],
    ['halfvec', 768, 24],
    ['bit', 384, 16],
    ['bit', 1001, 24],
  ] as const)('%s(%i), m = %i: the size on disk, within a twentieth', async (type, dimensions, m) => {
    const rows = dimensions < 100 ? ROWS : WIDE_ROWS;
    await load(dimensions, rows);
    const actual = await build(type, dimensions, 'hnsw', hnsw(m), '256MB');
    expect(Math.abs(hnswIndexBytes(rows, dimensions, m, type) / actual - 1)).toBeLessThan(0.05);
    expect(spilledAfter(notices)).toBeNull();
  });

  it.each([
    ['vector', 128, 16],
    ['vector', 384, 24],
    ['halfvec', 384, 16],
    ['bit', 1001, 16],
  ] as const)(
    '%s(%i), m = %i: where the graph leaves the memory, within a fiftieth',
    async (type, dimensions, m) => {
      const expected = (MEMORY_MIB * MIB) / hnswGraphBytesPerRow({ dimensions, m, type, parallel: false });
      await load(dimensions, Math.ceil(expected * 1.03));
      await build(type, dimensions, 'hnsw', hnsw(m), `${MEMORY_MIB}MB`);
      const said = spilledAfter(notices);
      expect(said).not.toBeNull();
      expect(Math.abs(expected / (said ?? 0) - 1)).toBeLessThan(0.02);
    },
  );

  it('with parallel workers keeps its reserve, and fits into the forecast', async () => {
    // Wide vectors in a sparse graph: much memory, and few comparisons.
    const shape = { dimensions: 2000, m: 2, parallel: true };
    const memory = 24 * MIB;
    const fitting = Math.floor((memory - PARALLEL_RESERVE_BYTES) / hnswGraphBytesPerRow(shape));
    await load(shape.dimensions, fitting);
    // The table's own number holds whatever its size, and whatever the memory for each process.
    await client.query('ALTER TABLE v SET (parallel_workers = 1)');
    await client.query('SET max_parallel_maintenance_workers = 1');
    await client.query('SET client_min_messages = debug1');
    const expected = Math.ceil(hnswBuildBytes(fitting, shape) / 1024);
    await buildInParallel(shape.dimensions, shape.m, expected);
    expect(spilledAfter(notices)).toBeNull();
    const least = expected - PARALLEL_RESERVE_BYTES / 1024;
    await buildInParallel(shape.dimensions, shape.m, least);
    await client.query('RESET client_min_messages');
    await client.query('SET max_parallel_maintenance_workers = 0');
    const rest = least * 1024 - PARALLEL_RESERVE_BYTES;
    expect(Math.abs(rest / hnswGraphBytesPerRow(shape) / (spilledAfter(notices) ?? 0) - 1)).toBeLessThan(
      0.02,
    );
  });

  it.each([
    ['vector', 64, 20],
    ['vector', 384, 50],
    ['halfvec', 384, 20],
    ['halfvec', 768, 100],
  ] as const)(
    'IVFFlat, %s(%i), %i lists: the size within a twentieth, and the memory to the megabyte',
    async (type, dimensions, lists) => {
      const shape = { type, dimensions, lists };
      await load(dimensions, ROWS);
      const needed = ivfflatBuildBytes(ROWS, shape) / MIB;
      // Of too little the server says how much it would take.
      const refused = await build(
        type,
        dimensions,
        'ivfflat',
        `lists = ${lists}`,
        `${Math.floor(needed * 0.9)}MB`,
      ).catch((error: unknown) => messageOf(error));
      const said = /^memory required is (\d+) MB/.exec(String(refused))?.[1];
      expect(Math.abs(Number(said) - needed)).toBeLessThanOrEqual(1);
      const actual = await build(type, dimensions, 'ivfflat', `lists = ${lists}`, `${Math.ceil(needed)}MB`);
      expect(Math.abs(ivfflatIndexBytes(ROWS, shape) / actual - 1)).toBeLessThan(0.05);
    },
  );
});
