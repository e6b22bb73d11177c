/** Ends what a verb has under way in the database when the operator interrupts it, so that the verb comes to its end by itself. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type pg from 'pg';
import { BackfillError } from '../errors.ts';

const present = new AsyncLocalStorage<AbortSignal>();

/** Pools and connections that are opened within `work` are ended by the signal. */
export const interruptible = <T>(signal: AbortSignal, work: () => T): T => present.run(signal, work);
/** Those within `work` are not: for what puts things away. */
export const uninterrupted = <T>(work: () => T): T => present.exit(work);

/** Not one that is worth another try. */
export const interrupted = (): BackfillError =>
  new BackfillError('Interrupted.', {
    code: 'INTERRUPTED',
    remedy: 'What was done stays done; the same command goes on from there.',
  });

/** In long work that asks the database nothing. @throws BackfillError `INTERRUPTED` */
export function stopIfInterrupted(): void {
  if (present.getStore()?.aborted === true) throw interrupted();
}

/** As much of a pool as is looked at. */
type Watched = Pick<pg.Pool, 'on' | 'connect'>;
/** Opens a connection of its own that ends the statements of these backends. */
type Cancel = (pids: number[]) => Promise<void>;

/** Longest wait for the server to take the cancellation; behind it, it finds out by itself that its client is gone. */
const CANCEL_MS = 1000;

/** From the abort on nobody gets a connection, and those that are out are ended, their statements on the server first. */
export function endWithInterruption(pool: Watched, cancel: Cancel): void {
  const signal = present.getStore();
  if (signal === undefined) return;
  const out = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => void out.add(client));
  pool.on('release', (_, client) => void out.delete(client));
  pool.on('remove', (client) => void out.delete(client));
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  pool.connect = (async () => {
    if (signal.aborted) throw interrupted();
    const client = await connect();
    if (!signal.aborted) return client;
    client.release(true);
    throw interrupted();
  }) as pg.Pool['connect'];
  signal.addEventListener('abort', () => void endAll([...out], cancel), { once: true });
}

/** The same for a connection without a pool. */
export function endClientWithInterruption(client: pg.Client, cancel: Cancel): void {
  const signal = present.getStore();
  if (signal === undefined) return;
  const onAbort = (): void => void endAll([client], cancel);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  client.on('end', () => signal.removeEventListener('abort', onAbort));
}

/** The driver's own, of which its types say nothing. */
interface Wire {
  processID: number | null;
  connection?: { stream?: { destroy(): void } };
}

async function endAll(clients: readonly (pg.PoolClient | pg.Client)[], cancel: Cancel): Promise<void> {
  const wires = clients as unknown as readonly Wire[];
  const pids = wires.flatMap(({ processID }) => (processID === null ? [] : [processID]));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CANCEL_MS);
  });
  if (pids.length > 0) await Promise.race([cancel(pids).catch(() => {}), late]);
  clearTimeout(timer);
  // A transaction that would go on is rolled back by the server, and temporary tables go.
  for (const { connection } of wires) connection?.stream?.destroy();
}
