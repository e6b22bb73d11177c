/** A plain URL that leads to a server of another kind: to one node of a Redis Cluster, or to a Sentinel. */

import type { Redis } from 'ioredis';
import { optionName } from '../../config/option-name.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { describeQueue } from '../address.ts';

/**
 * The keys of all our queues are in one slot, by a name that the ledger's id gives: whether this node has them is a matter of
 * chance, and of the next resharding. A cluster of one node has them all.
 * @throws ConfigError
 */
export async function assertServerKind(redis: Redis, url: string): Promise<void> {
  // A user without the right to ask is told of that by what BullMQ asks.
  const info = await redis.info().catch(() => '');
  const server = describeQueue(url);
  if (info.includes('redis_mode:sentinel'))
    throw new ConfigError(
      `Cannot use the queue server at ${server}: it is a Sentinel, which holds no jobs.`,
      {
        code: 'QUEUE_REFUSES',
        remedy: `Write ${server.replace(/^(rediss?):/, '$1+sentinel:').replace(/\/\d*$/, '')}/NAME in ${optionName('queue')}, with the name that SENTINEL MASTERS shows; further Sentinels follow behind a comma.`,
      },
    );
  if (!info.includes('cluster_enabled:1')) return;
  const facts = await redis.cluster('INFO').catch(messageOf);
  const primaries = /cluster_size:(\d+)/.exec(facts)?.[1];
  if (primaries === '0' || primaries === '1') return;
  throw new ConfigError(
    `Cannot use the queue server at ${server}: it is a node of a Redis Cluster${primaries === undefined ? '' : ` of ${primaries}`}, each of which has a part of the keys.`,
    {
      code: 'QUEUE_REFUSES',
      remedy: `Write ${server.replace(/^(rediss?):/, '$1+cluster:')} in ${optionName('queue')}; user and password stay where they are, further nodes follow behind a comma.`,
    },
  );
}
