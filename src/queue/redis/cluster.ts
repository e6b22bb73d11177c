/** A Redis Cluster's client that leaves no connection behind. */

import { Cluster, type ClusterNode, type ClusterOptions, type Redis } from 'ioredis';

/**
 * ioredis forgets the client of a node that has come back where an older one of the same address ends behind it (a node that was
 * silent does that): nobody ends it any more, and its connection keeps the process alive.
 */
export class ClusterClient extends Cluster {
  readonly #nodes = new Set<Redis>();
  readonly #seeds: ClusterNode[];

  constructor(seeds: ClusterNode[], options: ClusterOptions) {
    super(seeds, options);
    this.#seeds = seeds;
    this.on('+node', (node: Redis) => {
      this.#nodes.add(node);
      node.once('end', () => this.#nodes.delete(node));
    });
    this.on('end', () => {
      for (const node of this.#nodes) node.disconnect();
    });
  }

  /** BullMQ waits for jobs by one of these. */
  override duplicate(seeds: ClusterNode[] = [], options: ClusterOptions = {}): ClusterClient {
    return new ClusterClient(seeds.length > 0 ? seeds : this.#seeds, { ...this.options, ...options });
  }
}
