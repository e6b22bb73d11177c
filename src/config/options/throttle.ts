/** Limits at which workers hold, and how fast they may be. */

import { z } from 'zod';
import { option, parseNumber } from '../option.ts';
import { limits, wholeNumber } from './schemas.ts';

const [amounts, sizes] = [limits(false), limits(true)];

export const throttle = {
  replicaLag: option({
    schema: amounts,
    fallback: { hold: 10, stop: null },
    help: 'Replay lag of the slowest replica, seconds, at which workers hold; hold:stop to pause the run too; off for never',
  }),
  replicaLagBytes: option({
    schema: sizes,
    fallback: { hold: 1024 ** 3, stop: null },
    help: 'The same in WAL that a replica has not replayed, such as 1GB or 1GB:20GB',
  }),
  slotBacklog: option({
    schema: sizes,
    fallback: { hold: 16 * 1024 ** 3, stop: null },
    help: 'WAL that is kept for the replication slot furthest behind',
  }),
  archiveBacklog: option({
    schema: amounts,
    fallback: { hold: 100, stop: null },
    help: 'WAL files that wait for the archiver',
  }),
  walRate: option({
    schema: sizes,
    fallback: { hold: null, stop: null },
    help: "WAL a second of the whole server, the run's own included, such as 50MB",
  }),
  autovacuum: option({
    schema: amounts,
    fallback: { hold: 2, stop: null },
    help: 'Autovacuum of the table: 1 holds for any, 2 for one to prevent wraparound',
  }),
  lockWaiters: option({
    schema: amounts,
    fallback: { hold: 5, stop: null },
    help: 'Sessions that wait for locks of the table or of its rows',
  }),
  activeSessions: option({
    schema: amounts,
    fallback: { hold: 0.5, stop: null },
    help: "Others' sessions at work, as a share of max_connections, 0 to 1",
  }),
  diskUsed: option({
    schema: amounts,
    fallback: { hold: 0.9, stop: 0.97 },
    help: 'Share of the disk that is used, 0 to 1, where a worker runs on the machine of the server and may look',
  }),
  sql: option({
    schema: z.string().min(1).optional(),
    help: 'A check of your own: a query that gives one number, run read-only; one that fails holds',
  }),
  sqlValue: option({
    schema: amounts,
    fallback: { hold: 1, stop: null },
    help: 'Value of throttle.sql at which workers hold',
  }),
  checkSeconds: option({
    schema: z.number().min(0.1).max(60),
    parse: parseNumber,
    fallback: 1,
    help: 'Seconds that one look at the signals counts for',
  }),
  statementMs: option({
    schema: wholeNumber(10, 30_000),
    parse: parseNumber,
    fallback: 250,
    help: 'Milliseconds that a merge statement should take; its rows adapt, from 50 up to mergeRows',
  }),
  rowsPerSecond: option({
    schema: z.number().min(0.1).max(1_000_000).optional(),
    parse: parseNumber,
    help: 'Most rows a second that all workers together merge; no limit where absent',
  }),
};
