/** What a service that stands for months must not gather: memory, handles, files, keys, rows, lines. */

import { readFile, readdir, readlink } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import type { Pool } from '../../src/db/pool.ts';
import { LEDGER_TABLES_SQL } from './ledger-tables.ts';

export interface ProcessFigures {
  /** Resident, of the process and all that it has started, MiB. */
  rss: number;
  /** Open file descriptors of them, sockets among them. */
  handles: number;
  sockets: number;
}

export interface Measurements {
  processes: Record<string, ProcessFigures>;
  /** Keys of the whole server: it is the test's own. */
  redisKeys: number;
  /** By table of the ledger. */
  ledgerRows: Record<string, number>;
  /** In the folder that the processes take for such files. */
  temporaryFiles: number;
  /** Of the database's sessions, those that are ours. */
  sessions: number;
}

const none = (): never[] => [];

/** The process and its descendants that are alive. */
async function family(pid: number): Promise<number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const parents = new Map<number, number>();
  await Promise.all(
    all.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      // The name of the program stands in brackets, and may hold any of them.
      const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
      if (parent !== undefined) parents.set(Number(name), Number(parent));
    }),
  );
  const found = [pid];
  for (const each of found) for (const [child, parent] of parents) if (parent === each) found.push(child);
  return found;
}

export async function processFigures(pid: number): Promise<ProcessFigures> {
  const sum = { rss: 0, handles: 0, sockets: 0 };
  for (const each of await family(pid)) {
    const status = await readFile(`/proc/${each}/status`, 'utf8').catch(() => '');
    sum.rss += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
    const handles = await readdir(`/proc/${each}/fd`).catch(none);
    const links = await Promise.all(handles.map((fd) => readlink(`/proc/${each}/fd/${fd}`).catch(() => '')));
    sum.handles += links.length;
    sum.sockets += links.filter((link) => link.startsWith('socket:')).length;
  }
  return { ...sum, rss: Math.round(sum.rss) };
}

export interface FiguresInput {
  processes: Record<string, number>;
  pool: Pool;
  redis: Redis;
  temporary: string;
}

export async function takeMeasurements({
  processes,
  pool,
  redis,
  temporary,
}: FiguresInput): Promise<Measurements> {
  const taken = await Promise.all(
    Object.entries(processes).map(async ([name, pid]) => [name, await processFigures(pid)] as const),
  );
  const rows = await pool.query<{ name: string; rows: number }>(LEDGER_TABLES_SQL);
  const sessions = await pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE 'pgvector-backfill%' AND application_name NOT LIKE '% test'`,
  );
  const files = await readdir(temporary, { recursive: true, withFileTypes: true });
  return {
    processes: Object.fromEntries(taken),
    redisKeys: await redis.dbsize(),
    ledgerRows: Object.fromEntries(rows.rows.map(({ name, rows: count }) => [name, count])),
    temporaryFiles: files.filter((each) => !each.isDirectory()).length,
    sessions: sessions.rows[0]?.n ?? 0,
  };
}

/** What may differ between two looks at something that gathers nothing: a share, and a number besides. */
interface Slack {
  share: number;
  more: number;
}
const SLACK: Record<string, Slack> = {
  // Of a collector that sees no need yet.
  rss: { share: 0.25, more: 60 },
  // Connections of a pool that were wanted at one moment and not at the other.
  handles: { share: 0, more: 25 },
  sockets: { share: 0, more: 20 },
  // The last fifty jobs of sync that succeeded and the last fifty that failed are kept; locks and jobs of the moment.
  redisKeys: { share: 0, more: 120 },
  ledgerRows: { share: 0.02, more: 120 },
  temporaryFiles: { share: 0, more: 2 },
  sessions: { share: 0, more: 12 },
};

/** Names of what has grown from `before` to `after` by more than its slack, with both measurements. */
export function grown(before: Measurements, after: Measurements): string[] {
  const pairs: [string, string, number, number][] = [
    ['redisKeys', 'redisKeys', before.redisKeys, after.redisKeys],
    ['temporaryFiles', 'temporaryFiles', before.temporaryFiles, after.temporaryFiles],
    ['sessions', 'sessions', before.sessions, after.sessions],
  ];
  for (const [name, measurements] of Object.entries(after.processes))
    for (const kind of ['rss', 'handles', 'sockets'] as const)
      pairs.push([kind, `${kind} of ${name}`, before.processes[name]?.[kind] ?? 0, measurements[kind]]);
  for (const [table, rows] of Object.entries(after.ledgerRows))
    pairs.push(['ledgerRows', `rows of ${table}`, before.ledgerRows[table] ?? 0, rows]);
  return pairs
    .filter(([kind, , from, to]) => {
      const { share, more } = SLACK[kind] ?? { share: 0, more: 0 };
      return to > from * (1 + share) + more;
    })
    .map(([, name, from, to]) => `${name}: ${from} → ${to}`);
}
