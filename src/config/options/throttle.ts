/** Limits at which workers hold, and how fast they may be. */

import { z } from 'zod';
import { option, parseNumber } from '../option.ts';
import { limits, wholeNumber } from './schemas.ts';

const [amounts, sizes] = [limits(false), limits(true)];

export const throttle = {
  replicaLag: option({
    schema: amounts,
    fallback: { hold: 10, stop: null },
    help: 'Replay lag of the slowest replica in seconds at which workers hold; hold:stop also pauses the run at stop; off for never',
  }),
  replicaLagBytes: option({
    schema: sizes,
    fallback: { hold: 1024 ** 3, stop: null },
    help: 'The same as WAL that a replica has not replayed, such as 1GB or 1GB:20GB',
  }),
  slotBacklog: option({
    schema: sizes,
    fallback: { hold: 16 * 1024 ** 3, stop: null },
    help: 'WAL kept for the replication slot that is furthest behind',
  }),
  archiveBacklog: option({
    schema: amounts,
    fallback: { hold: 100, stop: null },
    help: 'WAL files waiting to be archived',
  }),
  walRate: option({
    schema: sizes,
    fallback: { hold: null, stop: null },
    help: 'WAL per second of the whole server, that of the run included, such as 50MB',
  }),
  autovacuum: option({
    schema: amounts,
    fallback: { hold: 2, stop: null },
    help: 'Autovacuum of the table: 1 holds for any, 2 only for one to prevent wraparound',
  }),
  lockWaiters: option({
    schema: amounts,
    fallback: { hold: 5, stop: null },
    help: 'Sessions that wait for locks on the table or its rows',
  }),
  activeSessions: option({
    schema: amounts,
    fallback: { hold: 0.5, stop: null },
    help: 'Active sessions of others as a share of max_connections, 0 to 1',
  }),
  diskUsed: option({
    schema: amounts,
    fallback: { hold: 0.9, stop: 0.97 },
    help: 'Used share of the disk, 0 to 1; known only to a worker that runs on the server and may read its data directory',
  }),
  sql: option({
    schema: z.string().min(1).optional(),
    help: 'A check of your own: a query for one number, run read-only; workers hold if it fails',
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
    help: 'Seconds for which one reading of the signals is used',
  }),
  statementMs: option({
    schema: wholeNumber(10, 30_000),
    parse: parseNumber,
    fallback: 250,
    help: 'Target duration of a merge statement in milliseconds; its rows adapt to it, from 50 up to mergeRows',
  }),
  rowsPerSecond: option({
    schema: z.number().min(0.1).max(1_000_000).optional(),
    parse: parseNumber,
    help: 'Maximum rows per second that all workers together merge; if not set, no limit',
  }),
};
