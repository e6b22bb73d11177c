/** A data directory that only one server uses at a time: two WASM processes would damage it without noticing. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '../errors.ts';

/** @returns what gives the directory back. @throws ConfigError where a living process holds it. */
export async function claimDataDir(dataDir: string): Promise<() => Promise<void>> {
  const lockFile = `${dataDir}.lock`;
  await mkdir(dirname(dataDir), { recursive: true });
  for (;;) {
    try {
      await writeFile(lockFile, `${process.pid}\n`, { flag: 'wx' });
      return () => rm(lockFile, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number((await readFile(lockFile, 'utf8').catch(() => '')).trim());
    if (isAlive(holder)) {
      throw new ConfigError(`The data directory ${dataDir} is in use by process ${holder}.`, {
        code: 'EMBEDDED_DATA_DIR_IN_USE',
        remedy: `Stop that server, or choose another directory. If no such server runs, remove ${lockFile}.`,
      });
    }
    // Left behind by a process that was killed.
    await rm(lockFile, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
