/** Real servers in containers. Images by env, the public ones where nothing is set. */

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import {
  GenericContainer,
  ImageName,
  Wait,
  getContainerRuntimeClient,
  type ContainerRuntimeClient,
  type StartedTestContainer,
} from 'testcontainers';
import { measured } from './measure.ts';

export interface StartedServer {
  /** Perhaps another one after `restart`, as Docker may give it another address; a proxy in front keeps one. */
  readonly url: string;
  /** Where other containers reach it. */
  readonly inside: { host: string; port: number; password: string };
  /** SIGKILL, as of a kernel that is out of memory. What was committed stays in the container. */
  kill(): Promise<void>;
  /** Starts it again, killed or not (one that runs is stopped the hard way), and waits until it answers. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  /** A command of the shell in its container, such as pg_dump of the server's own release. @returns what it prints */
  shell(command: string): Promise<string>;
}

const POSTGRES_IMAGE = process.env['TEST_POSTGRES_IMAGE'] ?? 'pgvector/pgvector:0.8.2-pg17';
const REDIS_IMAGE = process.env['TEST_REDIS_IMAGE'] ?? 'redis:8';
/**
 * A replica is not to have fewer than its primary. All tests' builds draw on one stock of workers: none is to go without
 * because others are at it.
 */
const SETTINGS = ['max_connections=300', 'fsync=off', 'max_worker_processes=64'];
/** A machine without Docker should not wait for it; one that has to pull the image may. */
const RUNTIME_LIMIT_MS = 5000;
const PULL_LIMIT_MS = 180_000;
const START_LIMIT_MS = 120_000;
const DIRECT_LIMIT_MS = 1000;
/** Hundreds of databases take about 4 GB. On a disk their removal alone takes half a minute. */
const IN_MEMORY_FROM_BYTES = 12 * 2 ** 30;
const IN_MEMORY_FOLDER = '/run/postgres-data';

async function within<T>(limitMs: number, work: Promise<T>, complaint: string): Promise<T> {
  const limit = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(limitMs, undefined, { signal: limit.signal }).then(() => Promise.reject(new Error(complaint))),
    ]);
  } finally {
    limit.abort();
  }
}

const runtime = (): Promise<ContainerRuntimeClient> =>
  within(RUNTIME_LIMIT_MS, getContainerRuntimeClient(), 'Docker does not answer');

/** The one attempt for each image: a registry that does not answer is waited for once, not once for each server. */
const obtained = new Map<string, Promise<void>>();

function obtain(image: string): Promise<void> {
  const pull = async (): Promise<void> => {
    const { image: images } = await runtime();
    const name = ImageName.fromString(image);
    if (await images.exists(name)) return;
    await within(PULL_LIMIT_MS, images.pull(name), `${image} was not pulled in ${PULL_LIMIT_MS / 1000} s`);
  };
  const attempt = obtained.get(image) ?? pull();
  obtained.set(image, attempt);
  return attempt;
}

/** Resolves where tests can start servers of their own, and rejects with the reason where they cannot. */
export async function assertContainers(): Promise<void> {
  await Promise.all([obtain(POSTGRES_IMAGE), obtain(REDIS_IMAGE)]);
}

/** Whether it is on this machine: those of a release that a test names are not pulled for it. */
export async function hasImage(image: string): Promise<boolean> {
  return (await runtime()).image.exists(ImageName.fromString(image));
}

/**
 * Sync is off: it is for the loss of the machine, and what these servers live through is the loss of a process.
 * `args` are more arguments of `postgres`; of a setting that is given twice, the last one counts. `sharedMemoryMiB` is the
 * size of /dev/shm. `direct`: for a server that is not killed, by the shortest way, and in memory where the machine has
 * enough.
 */
export async function startPostgres(
  options: { image?: string; args?: string[]; sharedMemoryMiB?: number; direct?: boolean } = {},
): Promise<StartedServer> {
  const image = options.image ?? POSTGRES_IMAGE;
  await obtain(image);
  const password = randomBytes(12).toString('hex');
  const inMemory = options.direct === true && totalmem() >= IN_MEMORY_FROM_BYTES;
  const settings = [...SETTINGS, 'shared_buffers=256MB', 'max_parallel_workers=64'];
  settings.push(`max_wal_size=${inMemory ? '1GB' : '8GB'}`);
  // Of hundreds of databases, each is looked at once a naptime by a process of its own: seven a second, for tests of seconds.
  if (options.direct === true) settings.push('autovacuum_naptime=1h');
  const container = new GenericContainer(image)
    .withEnvironment({
      POSTGRES_PASSWORD: password,
      ...(inMemory && { PGDATA: `${IN_MEMORY_FOLDER}/data` }),
    })
    .withTmpFs(inMemory ? { [IN_MEMORY_FOLDER]: 'rw' } : {})
    .withCommand(['postgres', ...settings.flatMap((each) => ['-c', each]), ...(options.args ?? [])])
    .withSharedMemorySize((options.sharedMemoryMiB ?? 1024) * 1024 * 1024);
  const server = await startServer(
    container,
    5432,
    { name: 'postgres', password, path: '/postgres', direct: options.direct },
    askPostgres,
  );
  if (options.direct === true) await quickenPassword(server.url);
  return server;
}

/** Thousands of connections each take the 4,096 rounds that make a stolen hash expensive. */
async function quickenPassword(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // PostgreSQL before 16 has no such setting.
    await client.query(
      `SELECT set_config(name, '1', false) FROM pg_settings WHERE name = 'scram_iterations'`,
    );
    await client.query(`ALTER ROLE postgres PASSWORD ${client.escapeLiteral(new URL(url).password)}`);
  } finally {
    await client.end();
  }
}

async function askPostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end().catch(() => {});
  }
}

/** A streaming replica of a server that `startPostgres` has started of the same image, and that lets replicas in (pg_hba.conf). */
export async function startReplica(primary: StartedServer, image = POSTGRES_IMAGE): Promise<StartedServer> {
  const { host, port, password } = primary.inside;
  // Reports often: what the primary knows of a replica that stands still is what the last report said.
  const settings = [...SETTINGS, 'hot_standby=on', 'wal_receiver_status_interval=1s'];
  const script = `mkdir -p "$PGDATA" /var/run/postgresql && chown -R postgres:postgres "$PGDATA" /var/run/postgresql && chmod 700 "$PGDATA" &&
    exec setpriv --reuid=postgres --regid=postgres --init-groups bash -c 'pg_basebackup --host=${host} --port=${port} \
      --username=postgres --pgdata="$PGDATA" --write-recovery-conf --checkpoint=fast --no-sync &&
      exec postgres ${settings.map((each) => `-c ${each}`).join(' ')}'`;
  const container = new GenericContainer(image)
    .withEnvironment({ PGPASSWORD: password })
    .withCommand(['bash', '-c', script]);
  return startServer(container, 5432, { name: 'postgres', password, path: '/postgres' }, askPostgres);
}

export async function startRedis(options: { image?: string; direct?: boolean } = {}): Promise<StartedServer> {
  const image = options.image ?? REDIS_IMAGE;
  await obtain(image);
  const settings = ['--appendonly', 'yes', '--appendfsync', 'no', '--maxmemory-policy', 'noeviction'];
  const container = new GenericContainer(image).withCommand(['redis-server', ...settings]);
  return startServer(
    container,
    6379,
    { name: '', password: '', path: '', direct: options.direct },
    async (url) => {
      const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
      redis.on('error', () => {});
      try {
        await redis.ping();
      } finally {
        redis.disconnect();
      }
    },
  );
}

async function startServer(
  image: GenericContainer,
  port: number,
  {
    name,
    password,
    path,
    direct: wanted = false,
  }: { name: string; password: string; path: string; direct?: boolean | undefined },
  askOnce: (url: string) => Promise<void>,
): Promise<StartedServer> {
  const container: StartedTestContainer = await measured('container', () =>
    image
      // By this, whoever started the suite finds what a killed one left behind, and nothing of anybody else's.
      .withLabels({ 'pgvector-backfill.test-run': process.env['TEST_RUN'] ?? 'none' })
      .withExposedPorts(port)
      .withWaitStrategy(Wait.forListeningPorts())
      .withStartupTimeout(START_LIMIT_MS)
      .start(),
  );
  const inside = (): string => container.getIpAddress(container.getNetworkNames()[0] ?? '');
  // On the same machine, without the process that Docker copies every byte through. Behind that one a server that is killed
  // refuses connections, as one on a machine of its own does; here nobody would be there to refuse.
  const direct = wanted && (await takesConnections(inside(), port));
  const server: StartedServer = {
    get url() {
      const before = name === '' ? 'redis://' : `postgres://${name}:${password}@`;
      const address = direct
        ? `${inside()}:${port}`
        : `${container.getHost()}:${container.getMappedPort(port)}`;
      return `${before}${address}${path}`;
    },
    get inside() {
      return { host: inside(), port, password };
    },
    async kill() {
      const killed = (await runtime()).container.getById(container.getId());
      await killed.kill();
      await killed.wait();
    },
    async restart() {
      await measured('container', () => container.restart());
      await untilAnswers(() => askOnce(server.url));
    },
    stop: async () => void (await container.stop()),
    async shell(command) {
      const { exitCode, output, stderr } = await container.exec([
        'bash',
        '-c',
        `set -o pipefail; ${command}`,
      ]);
      if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr}`);
      return output;
    },
  };
  try {
    await untilAnswers(() => askOnce(server.url));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function takesConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: DIRECT_LIMIT_MS });
    const end = (reached: boolean): void => {
      socket.destroy();
      resolve(reached);
    };
    socket
      .on('connect', () => end(true))
      .on('timeout', () => end(false))
      .on('error', () => end(false));
  });
}

/** An open port is not yet a server: the public PostgreSQL image starts twice. */
async function untilAnswers(tryOnce: () => Promise<void>): Promise<void> {
  const end = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      await tryOnce();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await delay(100);
    }
  }
}
