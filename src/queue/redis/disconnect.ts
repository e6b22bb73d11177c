/** The end of a Redis client in whatever state it is: it has no further connection, and nobody waits for it. */

/** As ioredis has it, a single server's or a cluster's; what begins with `prev`, and the last two, by its source alone. */
export interface DisconnectableClient {
  status: string;
  disconnect(): void;
  stream?: { destroy(): void } | undefined;
  prevCommandQueue?: { shift(): { command: { reject(error: Error): void } } | undefined } | null;
  flushQueue?(error: Error): void;
  setStatus?(status: string): void;
}

/** By these words BullMQ knows that a connection has ended. */
const ended = (): Error => new Error('Connection is closed.');

/**
 * `disconnect` alone does not end it. Between two tries the driver then makes no further one, and never says that it has
 * ended; and what was sent before the last loss of the connection is kept apart, where nothing rejects it any more.
 * A connection that stands is closed behind what was sent, or by force after the driver's `disconnectTimeout` of 2 s.
 * @param now what was sent need not arrive
 */
export function disconnect(client: DisconnectableClient, now = false): void {
  if (client.status === 'end') return;
  const wasBetweenTries = client.status === 'reconnecting';
  client.disconnect();
  if (now) client.stream?.destroy();
  rejectPending(client);
  if (!wasBetweenTries) return;
  client.flushQueue?.(ended());
  client.setStatus?.('end');
}

/** Commands that wait for their answers over a reconnection, and would wait for ever once there is no other. */
export function rejectPending(client: DisconnectableClient): void {
  for (
    let kept = client.prevCommandQueue?.shift();
    kept !== undefined;
    kept = client.prevCommandQueue?.shift()
  )
    kept.command.reject(ended());
}
