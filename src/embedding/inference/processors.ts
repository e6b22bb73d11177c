/** How many processors this process may use. */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const CGROUPS = '/sys/fs/cgroup';

/**
 * The processors of the machine that the process may run on, or fewer where a control group (a container's limit)
 * gives it less time: `--cpus 1.5` counts as two, as processes of one thread each share a quota without loss. Node
 * itself sees such limits from version 22 on only.
 */
export function usableProcessors(read: (file: string) => string = readText): number {
  const quota = quotaOf(read);
  return Math.max(1, Math.min(availableParallelism(), quota === null ? Infinity : Math.ceil(quota)));
}

/** Processors' worth of time, the least of the group and those around it; null where there is no limit. */
function quotaOf(read: (file: string) => string): number | null {
  const quotas: number[] = [];
  for (const line of attempt(() => read('/proc/self/cgroup')).split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const second = controllers === '';
    if (!second && !controllers.split(',').includes('cpu')) continue;
    // Inside a container the path is often that of the host, and the group itself is mounted at the root.
    const parts = path.split('/').filter((part) => part !== '');
    for (let depth = parts.length; depth >= 0; depth--) {
      const folder = join(CGROUPS, second ? '' : 'cpu', ...parts.slice(0, depth));
      const [limit, period] = second
        ? attempt(() => read(join(folder, 'cpu.max'))).split(/\s+/)
        : [
            attempt(() => read(join(folder, 'cpu.cfs_quota_us'))),
            attempt(() => read(join(folder, 'cpu.cfs_period_us'))),
          ];
      const quota = Number(limit) / Number(period);
      if (Number.isFinite(quota) && quota > 0) quotas.push(quota);
    }
  }
  return quotas.length === 0 ? null : Math.min(...quotas);
}

const readText = (file: string): string => readFileSync(file, 'utf8');

/** No such file: no such limit, or a system without control groups. */
function attempt(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}
