/** A Redis Cluster of three nodes in one container, any of which can be frozen: a machine that is there and says nothing. */

import { Cluster } from 'ioredis';
import { GenericContainer } from 'testcontainers';
import { measured } from './measure.ts';
import { until } from './until.ts';

export interface TestCluster {
  url: string;
  /** The node that has the key stands still until `thaw`. */
  freeze(key: string): Promise<void>;
  thaw(): Promise<void>;
  /** By the word of a node that is not frozen. */
  isDown(): Promise<boolean>;
  stop(): Promise<void>;
}

const PORTS = [7000, 7001, 7002];
const SLOTS = ['0 5460', '5461 10922', '10923 16383'];

/** Reached by the container's own address, as the nodes tell it to clients: on Linux. */
export async function startRedisCluster(): Promise<TestCluster> {
  const start = PORTS.map(
    (port) =>
      `mkdir /tmp/${port} && (cd /tmp/${port} && redis-server --port ${port} --cluster-enabled yes --cluster-node-timeout 1000 --save '' --protected-mode no --daemonize yes --pidfile /tmp/${port}.pid)`,
  ).join('; ');
  const join = PORTS.map(
    (port, at) =>
      `redis-cli -p ${port} cluster addslotsrange ${SLOTS[at]}; redis-cli -p ${port} cluster set-config-epoch ${at + 1}; redis-cli -p 7000 cluster meet $(hostname -i) ${port}`,
  ).join('; ');
  const image = process.env['TEST_REDIS_IMAGE'] ?? 'redis:8';
  const container = await measured('container', () =>
    new GenericContainer(image)
      .withLabels({ 'pgvector-backfill.test-run': process.env['TEST_RUN'] ?? 'none' })
      .withEntrypoint(['sh', '-c', 'exec sleep infinity'])
      .withCommand([])
      .start(),
  );
  const run = async (script: string): Promise<string> =>
    (await container.exec(['sh', '-c', script])).output.trim();
  await run(start);
  await until('the nodes answer', async () => (await run('redis-cli -p 7002 ping')) === 'PONG');
  await run(join);
  for (const port of PORTS)
    await until('the cluster stands', async () =>
      (await run(`redis-cli -p ${port} cluster info`)).includes('cluster_state:ok'),
    );
  const host = container.getIpAddress(container.getNetworkNames()[0] ?? '');
  let frozen = '';
  let other = 0;
  const thaw = async (): Promise<void> => void (await run(`kill -CONT ${frozen}`));
  return {
    url: `redis+cluster://${PORTS.map((port) => `${host}:${port}`).join(',')}`,
    async freeze(key) {
      const client = new Cluster([{ host, port: PORTS[0] ?? 0 }]);
      const slot = await client.cluster('KEYSLOT', key);
      client.disconnect();
      const owner = SLOTS.findIndex((range) => slot <= Number(range.split(' ')[1]));
      other = PORTS[(owner + 1) % PORTS.length] ?? 0;
      frozen = await run(`cat /tmp/${PORTS[owner]}.pid`);
      await run(`kill -STOP ${frozen}`);
    },
    thaw,
    isDown: async () => (await run(`redis-cli -p ${other} cluster info`)).includes('cluster_state:fail'),
    async stop() {
      await container.stop({ timeout: 0 });
    },
  };
}
