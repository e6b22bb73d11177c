/** How full the disk of the data directory is, where this process runs on the server's own machine and may look. */

import { readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { HealthRow } from './health-sql.ts';
import type { Reading } from './signals.ts';

/** The server takes its two start times one after the other. */
const START_TOLERANCE_S = 120;

export async function diskUsed({
  dataDirectory,
  port,
  startedAt,
}: Pick<HealthRow, 'dataDirectory' | 'port' | 'startedAt'>): Promise<Reading> {
  if (dataDirectory === null || dataDirectory === '')
    return { value: null, note: 'the data directory is not shown to this role (pg_monitor)' };
  try {
    // Its third and fourth line: a folder of the same name on another machine would answer as well.
    const lines = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n');
    const isSame = Number(lines[3]) === port && Math.abs(Number(lines[2]) - startedAt) <= START_TOLERANCE_S;
    if (!isSame) return ELSEWHERE;
    const { bavail, blocks } = await statfs(dataDirectory);
    return { value: 1 - bavail / blocks };
  } catch {
    return ELSEWHERE;
  }
}

const ELSEWHERE: Reading = {
  value: null,
  note: 'the data directory cannot be seen from here; throttle.sql may ask another source',
};
