/** Which server an address leads to, and how it is shown. */

import type { Telemetry } from 'bullmq';
import type { Logger } from '../observability/logger.ts';
import type { QueueClock } from './clock/queue-clock.ts';

export const isPostgres = (url: string): boolean => /^postgres(ql)?:/.test(url);

/** Scheme, hosts and path of a queue URL, never its credentials: what follows '?' may hold some too. */
export function describeQueue(url: string): string {
  const [, scheme = '', rest = ''] = /^([^:]+:\/\/)([^?#]*)/.exec(url) ?? [];
  return scheme + rest.slice(rest.lastIndexOf('@') + 1);
}

export type QueueRole = 'embed' | 'finalize' | 'sync';
export const QUEUE_ROLES: readonly QueueRole[] = ['embed', 'finalize', 'sync'];

/** `articles` and `embed` → the queue's name as Bull Board shows it. */
export function queueName(backfill: string, role: QueueRole): string {
  return `${backfill}-${role}`;
}

/** BullMQ's own schema on its PostgreSQL backend; its default, so that other tools find it. */
export const QUEUE_SCHEMA = 'bullmq';

export interface QueueAddress {
  url: string;
  backfill: string;
  /** Id of the ledger's installation: keeps the keys of two databases on one Redis apart. */
  installation: string;
  logger: Logger;
  /** What all queues of a process have in common, where they are those of several generations: faults of the server are told once. */
  server?: Pick<QueueAddress, 'url' | 'logger'> | undefined;
  /** Traces, where they are exported. */
  telemetry?: Telemetry | undefined;
  times?: QueueTimes | undefined;
  /** By which BullMQ goes on this address; absent: this machine's own. */
  clock?: QueueClock | undefined;
}

/** Of a worker; what is absent has its usual value. */
export interface QueueTimes {
  /** How long a job is one worker's without a word from it, ms. */
  lockMs?: number;
  /** Between two looks for jobs of workers that are gone, ms. */
  stalledIntervalMs?: number;
  /** How long a look waits for a job before it looks again, ms. */
  waitMs?: number;
  /** For the answer to one call of the queue server, besides what it waits for itself, ms. */
  callMs?: number;
  /** For the last word on jobs that have ended, to a server that is there, while the worker is being closed, ms. */
  farewellMs?: number;
  /** Without a look for jobs, after which a worker that has none counts as stuck, ms. */
  stuckMs?: number;
  /** What this machine takes for the time, ms since 1970. */
  wallClock?: () => number;
}
