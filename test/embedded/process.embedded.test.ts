import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { startEmbeddedServer } from '../../src/embedded/start-server.ts';
import { embeddedImage } from '../setup/embedded.ts';
import { rowOf } from './harness.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function started(options: Parameters<typeof startEmbeddedServer>[0] = {}) {
  const server = await startEmbeddedServer(options);
  cleanUps.push(() => server.stop());
  return server;
}

async function connected(url: string) {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  cleanUps.push(() => client.end());
  return client;
}

/** Not `once`: that rejects on the error event, which comes first. */
const endOf = (client: Client) => new Promise<void>((resolve) => client.once('end', resolve));

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const goesAway = (pid: number) => vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000 });

/** A process of its own that starts a server, prints its address, and waits to be killed. */
async function startWithin(detach: boolean): Promise<{ parent: ChildProcess; url: string; pid: number }> {
  const start = new URL('src/embedded/start-server.js', inject('compiled')).href;
  const script = `import { startEmbeddedServer } from ${JSON.stringify(start)};
    const server = await startEmbeddedServer(${JSON.stringify({ image: await embeddedImage() })});
    ${detach ? 'server.detach();' : ''}
    console.log(JSON.stringify({ url: server.url, pid: server.pid }));
    process.stdin.resume();`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  cleanUps.push(() => parent.kill('SIGKILL'));
  const ended = once(parent, 'exit').then(() => Promise.reject(new Error('It ended without an address.')));
  const [line] = (await Promise.race([once(parent.stdout, 'data'), ended])) as [Buffer];
  ended.catch(() => {});
  return { parent, ...(JSON.parse(line.toString()) as { url: string; pid: number }) };
}

test('nobody is let in without the password, and it stands in no list of processes', async () => {
  const server = await started({ image: await embeddedImage() });
  const { password } = new URL(server.url);
  expect(password.length).toBeGreaterThan(20);
  for (const wrong of ['', 'x', `${password}x`]) {
    const url = new URL(server.url);
    url.password = wrong;
    // Of a test's own surroundings none is taken in its place.
    const client = new Client({ connectionString: url.href, password: () => wrong });
    client.on('error', () => {});
    await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
  }
  expect(await rowOf(await connected(server.url), 'SELECT 1 AS one')).toEqual({ one: 1 });
  const listed = await readFile(`/proc/${server.pid}/cmdline`, 'utf8').catch(() => '');
  expect(listed).not.toContain(password);
});

test('the server ends when the process that started it is killed', async () => {
  const { parent, url, pid } = await startWithin(false);
  const client = await connected(url);
  const ended = endOf(client);
  parent.kill('SIGKILL');
  await ended;
  await goesAway(pid);
});

test('a crash of the WASM side ends the server with a loud line, and its clients notice', async () => {
  const { parent, url, pid } = await startWithin(false);
  const said: string[] = [];
  parent.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const [victim, bystander] = [await connected(url), await connected(url)];
  const ended = endOf(bystander);
  // Endless recursion runs over the stack of the WASM module, which PGlite does not survive.
  await victim.query("CREATE FUNCTION endless(n int) RETURNS int LANGUAGE sql AS 'SELECT endless(n + 1)'");
  await expect(victim.query('SELECT endless(1)')).rejects.toThrow('Connection terminated');
  await ended;
  await goesAway(pid);
  expect(said.join('')).toContain('FATAL: the embedded server has crashed');
});

test('a detached server lives on, and ends on SIGTERM', async () => {
  const { parent, url, pid } = await startWithin(true);
  cleanUps.push(() => isAlive(pid) && process.kill(pid, 'SIGKILL'));
  const exited = once(parent, 'exit');
  // Ends by itself: nothing of the server keeps it.
  parent.stdin?.end();
  expect(await exited).toEqual([0, null]);
  expect(await rowOf(await connected(url), 'SELECT 1 AS one')).toEqual({ one: 1 });
  process.kill(pid, 'SIGTERM');
  await goesAway(pid);
});

test('stop ends the connections and the process, and may be called again', async () => {
  const lines: string[] = [];
  const server = await started({
    image: await embeddedImage(),
    logger: { info: (line) => lines.push(line) },
  });
  expect(lines).toEqual([expect.stringContaining('for demo and tests on 127.0.0.1')]);
  const client = await connected(server.url);
  await client.query('BEGIN');
  const ended = endOf(client);
  await server.stop();
  await ended;
  expect(isAlive(server.pid)).toBe(false);
  await server.stop();
});

test('a port that is taken is reported with what to do', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  cleanUps.push(() => holder.close());
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  await expect(startEmbeddedServer({ port, image: await embeddedImage() })).rejects.toMatchObject({
    name: 'ConfigError',
    code: 'EMBEDDED_PORT_UNAVAILABLE',
    message: expect.stringContaining(String(port)) as string,
    remedy: expect.stringContaining('another port') as string,
  });
});

test('a data directory keeps its data, and is not shared by two servers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'embedded-'));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const dataDir = join(folder, 'data');
  const first = await started({ dataDir });
  await rowOf(await connected(first.url), 'CREATE TABLE kept AS SELECT 7 AS n');
  await expect(startEmbeddedServer({ dataDir })).rejects.toMatchObject({ code: 'EMBEDDED_DATA_DIR_IN_USE' });
  await first.stop();
  const second = await started({ dataDir });
  expect(await rowOf(await connected(second.url), 'SELECT n FROM kept')).toEqual({ n: 7 });

  // A server that was killed leaves its claim behind; the next one takes over, and recovers.
  await rowOf(await connected(second.url), 'UPDATE kept SET n = 8 RETURNING n');
  process.kill(second.pid, 'SIGKILL');
  await goesAway(second.pid);
  const third = await started({ dataDir });
  expect(await rowOf(await connected(third.url), 'SELECT n FROM kept')).toEqual({ n: 8 });
});
