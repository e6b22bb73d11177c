/** A container's /dev/shm of 64 MB, Docker's own default, is too small for the memory of a parallel build. */

import { describe, expect, it } from 'vitest';
import { FULL_VERSION, findVectorExtension, isAtLeast } from '../../src/table/vector-extension.ts';
import { startPostgres } from '../setup/containers.ts';
import { hasContainers } from '../setup/databases.ts';
import { INDEX, openVectorTable } from '../verify/vector-table.ts';
import { startBuild } from './supervised-build.ts';

const ROWS = 2000;

describe.runIf(hasContainers())('shared memory that is too small', () => {
  it('costs the parallel workers, not the index', async () => {
    const server = await startPostgres({
      sharedMemoryMiB: 64,
      // However small the table, it is built in parallel.
      args: ['-c', 'min_parallel_table_scan_size=0', '-c', 'max_parallel_maintenance_workers=2'],
    });
    const table = await openVectorTable(
      { databaseUrl: server.url, queueUrl: server.url, drop: () => server.stop() },
      ROWS,
      null,
    );
    const build = await startBuild(table.pool, server.url, ROWS, { 'index-maintenance-work-mem': '256MB' });
    expect(await build.result).toMatchObject({ built: true });
    const { rows } = await table.pool.query(
      `SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = '${INDEX}'::regclass`,
    );
    expect(rows).toEqual([{ valid: true }]);
    const { version } = await findVectorExtension(table.pool);
    // An older pgvector never builds in parallel, and so never asks for that memory.
    if (isAtLeast(version ?? '0', FULL_VERSION))
      expect(build.events).toMatchObject([
        {
          level: 'warn',
          kind: 'index.shared-memory',
          message: expect.stringContaining('--shm-size') as string,
          detail: { error: expect.stringContaining('could not resize shared memory segment') as string },
        },
        { kind: 'index.leftover-dropped' },
      ]);
    else expect(build.events).toEqual([]);
    await table.close();
  });
});
