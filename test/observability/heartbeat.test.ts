/** The file by which whoever looks after a process knows that it is well, against the very check of the image. */

import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startHeartbeat } from '../../src/observability/heartbeat.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { until } from '../setup/until.ts';

const OLD = new Date(Date.now() - 3_600_000);
let folder: string;
let file: string;
let lines: string[];
const logger = { error: (_facts: unknown, message: string) => void lines.push(message) } as unknown as Logger;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heartbeat-'));
  file = join(folder, 'health');
  lines = [];
});
afterEach(() => rm(folder, { recursive: true }));

const isTouched = async (): Promise<boolean> => (await stat(file)).mtimeMs > OLD.getTime() + 1000;

async function isWell(): Promise<boolean> {
  const dockerfile = await readFile(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const [command = '', ...args] = JSON.parse(
    /HEALTHCHECK[^[]*(\[.*\])/.exec(dockerfile)?.[1] ?? '[]',
  ) as string[];
  return spawnSync(command, args, { env: { ...process.env, BACKFILL_HEALTH_FILE: file } }).status === 0;
}

it('beats while all is well, not while something is stuck, and is gone with its process', async () => {
  expect(await isWell()).toBe(true);
  const heartbeat = await startHeartbeat(file, logger, 5);
  await utimes(file, OLD, OLD);
  await until('it beats', isTouched);
  expect(await isWell()).toBe(true);

  let looks = 0;
  let fault: string | null = 'nobody has looked at queue docs-embed for 130 s, and its server answers';
  heartbeat.watch(() => Promise.resolve((looks++, fault)));
  await until('the fault is seen', () => looks > 0);
  await utimes(file, OLD, OLD);
  const before = looks;
  await until('more looks', () => looks > before + 3);
  expect(await isTouched()).toBe(false);
  expect(await isWell()).toBe(false);
  // Once, not at each look.
  expect(lines).toEqual([`no heartbeat: ${fault}`]);

  fault = null;
  await until('it beats again', isTouched);
  await heartbeat.until(Promise.resolve());
  await expect(stat(file)).rejects.toThrow('ENOENT');
  expect(await isWell()).toBe(true);
});

it('goes on where the file cannot be written, and says so once', async () => {
  const notAFolder = join(folder, 'file');
  await writeFile(notAFolder, '');
  const heartbeat = await startHeartbeat(join(notAFolder, 'health'), logger, 5);
  let looks = 0;
  heartbeat.watch(() => Promise.resolve((looks++, null)));
  await until('some looks', () => looks > 3);
  await expect(heartbeat.until(Promise.reject(new Error('the end')))).rejects.toThrow('the end');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('BACKFILL_HEALTH_FILE');
});
