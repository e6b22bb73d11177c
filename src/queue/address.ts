/** Which server an address leads to, and how it is shown. */

export const isPostgres = (url: string): boolean => /^postgres(ql)?:/.test(url);

/** Scheme, hosts and path of a queue URL, never its credentials: what follows '?' may hold some too. */
export function describeQueue(url: string): string {
  const [, scheme = '', rest = ''] = /^([^:]+:\/\/)([^?#]*)/.exec(url) ?? [];
  return scheme + rest.slice(rest.lastIndexOf('@') + 1);
}

/** As messages name it. */
export const QUEUE_OPTION = 'the option queue (--queue, env QUEUE_URL, file key queue)';

export type QueueRole = 'embed' | 'finalize' | 'sync';
export const QUEUE_ROLES: readonly QueueRole[] = ['embed', 'finalize', 'sync'];

/** `articles` and `embed` → the queue's name as Bull Board shows it. */
export function queueName(backfill: string, role: QueueRole): string {
  return `${backfill}-${role}`;
}

/** BullMQ's own schema on its PostgreSQL backend; its default, so that other tools find it. */
export const QUEUE_SCHEMA = 'bullmq';
