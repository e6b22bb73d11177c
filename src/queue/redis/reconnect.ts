/** A new connection for a backend of BullMQ's on Redis, in place of one that does not answer, whatever its driver waits for. */

import { RedisConnection } from 'bullmq';
import type { Cluster, Redis } from 'ioredis';
import { disconnect, type DisconnectableClient } from './disconnect.ts';

type Client = DisconnectableClient & {
  isCluster?: boolean;
  options: { connectionName?: string | null; redisOptions?: { connectionName?: string | null } };
};
interface Backend {
  connection: Held;
  blockingConnection?: Held;
  emit(event: string, ...given: unknown[]): boolean;
}
/** Its client is nobody's but its own, by its types. */
interface Held {
  _client?: Client | undefined;
}

export function connectionOf(backend: object, waits: boolean): Held | undefined {
  const { connection, blockingConnection } = backend as Backend;
  return waits ? blockingConnection : connection;
}

/**
 * @param connect makes a client like the ones before it
 * @returns the new client of the backend's commands, or of its waiting for jobs; null where the driver tries to reach a server
 *   that is away: there is nothing to be won
 */
export function reconnect(
  backend: object,
  waits: boolean,
  connect: (connectionName: string | null) => Redis | Cluster,
): Redis | Cluster | null {
  const held = backend as Backend;
  const client = connectionOf(backend, waits)?._client;
  if (client === undefined || isTrying(client)) return null;
  const fresh = connect(client.options.connectionName ?? client.options.redisOptions?.connectionName ?? null);
  const connection = new RedisConnection(fresh, { shared: !waits, blocking: waits });
  connection.on('error', (error: Error) => held.emit('error', error));
  const given = connection as unknown as Held;
  if (waits) held.blockingConnection = given;
  else held.connection = given;
  disconnect(client, true);
  return fresh;
}

/** A cluster's client that is being connected may be so for ever, as its nodes are asked one after the other. */
const isTrying = ({ status, isCluster }: Client): boolean =>
  status === 'reconnecting' || (status === 'connecting' && isCluster !== true);
