/** A database of the benchmark's own, dropped afterwards. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { optionName } from '../../src/config/option-name.ts';
import { uninterrupted } from '../../src/db/interruption.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { ConfigError, messageOf } from '../../src/errors.ts';
import type { Logger } from '../../src/observability/logger.ts';

export interface BenchDatabase {
  url: string;
  pool: Pool;
  /** For files, gone afterwards. */
  folder: string;
}

/** @throws ConfigError where the server does not let this user create databases. */
export async function withBenchDatabase<T>(
  url: string,
  logger: Logger,
  work: (database: BenchDatabase) => Promise<T>,
): Promise<T> {
  const name = `pgvector_backfill_bench_${process.pid}`;
  const admin = uninterrupted(() => createPool(url, { name: 'bench', max: 1, logger }));
  await admin.query(`CREATE DATABASE ${name}`).catch(async (error: unknown) => {
    await admin.end();
    throw new ConfigError(
      `The benchmark needs a server where it may create a database: ${messageOf(error)}.`,
      {
        code: 'BENCH_DATABASE',
        remedy: `Point ${optionName('database.url')} to a real PostgreSQL with pgvector and a user with CREATEDB.`,
        cause: error,
      },
    );
  });
  const own = new URL(url);
  own.pathname = `/${name}`;
  const folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-bench-'));
  const pool = createPool(own.href, { name: 'bench', max: 8, logger });
  try {
    return await work({ url: own.href, pool, folder });
  } finally {
    await pool.end();
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await admin.end();
    await rm(folder, { recursive: true, force: true });
  }
}
