import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { diskUsed } from '../../src/throttle/disk-usage.ts';

it('tells how full the disk is, only of the very server whose folder it is', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'pgvector-backfill-data-'));
  const server = { dataDirectory, port: 5432, startedAt: 1_700_000_000.5 };
  const elsewhere = { value: null, note: expect.stringContaining('cannot be seen from here') as string };
  expect(await diskUsed(server)).toEqual(elsewhere);
  await writeFile(join(dataDirectory, 'postmaster.pid'), `42\n${dataDirectory}\n1700000000\n5432\n/tmp\n`);
  const { value } = await diskUsed(server);
  expect(value).toBeGreaterThan(0);
  expect(value).toBeLessThanOrEqual(1);
  expect(await diskUsed({ ...server, port: 5433 })).toEqual(elsewhere);
  expect(await diskUsed({ ...server, startedAt: 1_800_000_000 })).toEqual(elsewhere);
  expect(await diskUsed({ ...server, dataDirectory: null })).toMatchObject({
    note: expect.stringContaining('pg_monitor') as string,
  });
  await rm(dataDirectory, { recursive: true });
});
