/**
 * Vitest's global setup, once for all projects: compiles the program for tests that start processes, makes the models,
 * finds or starts the real servers and a database to copy, and says in one line what runs and what does not.
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestProject } from 'vitest/node';
import { findChromium } from './browser.ts';
import { assertContainers, startPostgres, startRedis, type StartedServer } from './containers.ts';
import { notRunLine } from './not-run.ts';
import { findNginx } from './find-nginx.ts';
import { findPgBouncer } from './find-pgbouncer.ts';
import { findPromtool } from './find-promtool.ts';
import { COMPILED, prepare } from './prepared.ts';
import { dropDatabases, makeTemplate, serverVersions } from './template.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Server (not database) to make test databases on; null where there is none. */
    postgresUrl: string | null;
    redisUrl: string | null;
    /** Database of that server with extension, ledger and queue, to copy. */
    template: string;
    /** Names of this run's databases begin with it. */
    databasePrefix: string;
    /** Whether a test can start servers of its own, to kill them. */
    containers: boolean;
    /** Folder of the compiled program, as a URL that ends with a slash. */
    compiled: string;
    /** Folder of the models that no test changes. */
    models: string;
    /** Where the first test that needs it puts a fresh cluster of the embedded server. */
    embeddedImage: string;
    /** Path of a browser for tests of pages; null where there is none. */
    chromium: string | null;
    /** Path of PgBouncer for tests behind a pooler; null where there is none. */
    pgbouncer: string | null;
    /** Path of nginx for tests behind a proxy; null where there is none. */
    nginx: string | null;
    /** Path of promtool for tests of alert rules; null where there is none. */
    promtool: string | null;
    /** Of the servers under test, as they say it themselves. */
    versions: string;
    /** Why something of these is not here; empty where everything is. */
    notHere: string[];
  }
}

const NO_PGBOUNCER = 'PgBouncer: it is not installed (Debian: apt-get install pgbouncer)';
const NO_NGINX = 'nginx: it is not installed (Debian: apt-get install nginx-light)';

const NO_PROMTOOL =
  'promtool: it is not installed (Debian: in the package prometheus), nor does PROMTOOL_PATH name it';

const LOUD = '\u001B[1;33m';
const PLAIN = '\u001B[0m';

const NO_CHROMIUM = 'browser: CHROMIUM_PATH is not set and no Chromium is installed';

const embeddedOnly = process.env['TEST_EMBEDDED_ONLY'] === '1';

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

/** `--project unit` needs no server. */
const wantsServers = ({ vitest }: TestProject): boolean =>
  vitest.config.project.length === 0 ||
  vitest.config.project.some((name) => name !== 'unit' && name !== 'isolated');

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const withServers = wantsServers(project);
  const folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-test-'));
  const models = join(folder, 'models');
  const prepared = prepare(models);
  const started: StartedServer[] = [];
  const reasons: string[] = [];
  const find = async (
    name: string,
    variable: string,
    start: () => Promise<StartedServer>,
  ): Promise<string | null> => {
    if (embeddedOnly || !withServers) return null;
    const given = process.env[variable];
    if (given !== undefined && given !== '') return given;
    try {
      const server = await start();
      started.push(server);
      return server.url;
    } catch (error) {
      reasons.push(`${name}: ${variable} is not set and no container could be started (${firstLine(error)})`);
      return null;
    }
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.stop()));
  };

  if (process.env['REQUIRE_REAL_SERVERS'] === '1' && findChromium() === null)
    throw new Error(`REQUIRE_REAL_SERVERS is set, but: ${NO_CHROMIUM}`);
  const pgbouncer = findPgBouncer();
  if (process.env['REQUIRE_REAL_SERVERS'] === '1' && withServers && pgbouncer === null)
    throw new Error(`REQUIRE_REAL_SERVERS is set, but: ${NO_PGBOUNCER}`);
  const nginx = findNginx();
  if (process.env['REQUIRE_REAL_SERVERS'] === '1' && withServers && nginx === null)
    throw new Error(`REQUIRE_REAL_SERVERS is set, but: ${NO_NGINX}`);
  const promtool = findPromtool();
  if (process.env['REQUIRE_REAL_SERVERS'] === '1' && promtool === null)
    throw new Error(`REQUIRE_REAL_SERVERS is set, but: ${NO_PROMTOOL}`);
  if (embeddedOnly) reasons.push('TEST_EMBEDDED_ONLY is set');
  const [postgresUrl, redisUrl] = await Promise.all([
    find('PostgreSQL', 'TEST_DATABASE_URL', () => startPostgres({ direct: true })),
    find('Redis', 'TEST_REDIS_URL', () => startRedis({ direct: true })),
  ]);
  if (reasons.length > 0 && process.env['REQUIRE_REAL_SERVERS'] === '1') {
    await stop();
    throw new Error(`REQUIRE_REAL_SERVERS is set, but: ${reasons.join('; ')}`);
  }
  const containers = !embeddedOnly && withServers && (await canStartContainers(reasons));
  const databasePrefix = `test_${randomBytes(3).toString('hex')}_`;
  const template = `${databasePrefix}template`;
  if (postgresUrl !== null) await makeTemplate(postgresUrl, template);
  const versions = await serverVersions(postgresUrl, redisUrl, template);

  const chromium = findChromium();
  if (chromium === null) reasons.push(NO_CHROMIUM);
  if (pgbouncer === null && postgresUrl !== null) reasons.push(NO_PGBOUNCER);
  if (nginx === null && withServers) reasons.push(NO_NGINX);
  if (promtool === null) reasons.push(NO_PROMTOOL);

  await prepared;
  project.provide('compiled', pathToFileURL(`${COMPILED}/`).href);
  project.provide('models', models);
  project.provide('databasePrefix', databasePrefix);
  project.provide('template', template);
  project.provide('versions', versions);
  project.provide('embeddedImage', join(folder, 'embedded.tar'));
  project.provide('postgresUrl', postgresUrl);
  project.provide('redisUrl', redisUrl);
  project.provide('containers', containers);
  project.provide('chromium', chromium);
  project.provide('pgbouncer', pgbouncer);
  project.provide('nginx', nginx);
  project.provide('promtool', promtool);
  project.provide('notHere', reasons);
  process.stdout.write(
    `Servers under test: embedded${postgresUrl === null ? '' : ', PostgreSQL'}${redisUrl === null ? '' : ', Redis'}${containers ? ', and containers of a test’s own' : ''}${chromium === null ? '' : ', Chromium'}${pgbouncer === null ? '' : ', PgBouncer'}${nginx === null ? '' : ', nginx'}${promtool === null ? '' : ', promtool'}\n`,
  );
  return async () => {
    // A server that somebody lent is left as it was; one of our own goes as a whole.
    if (postgresUrl !== null && started.every(({ url }) => url !== postgresUrl))
      await dropDatabases(postgresUrl, databasePrefix);
    await stop();
    await rm(folder, { recursive: true, force: true });
    const line = notRunLine({ reasons, ...leftOut(project, postgresUrl !== null) });
    if (line !== null) process.stdout.write(`\n${LOUD}${line}${PLAIN}\n`);
  };
}

async function canStartContainers(reasons: string[]): Promise<boolean> {
  try {
    await assertContainers();
    return true;
  } catch (error) {
    // Where a server was not found for the same reason, that has been said.
    if (reasons.length === 0) reasons.push(`containers: ${firstLine(error)}`);
    return false;
  }
}

function leftOut(
  project: TestProject,
  hasPostgres: boolean,
): { skippedTests: number | null; embeddedOnlySuites: number } {
  let skipped = 0;
  let embedded = 0;
  for (const { children } of project.vitest.state.getTestModules()) {
    skipped += [...children.allTests('skipped')].length;
    // The title of a `describe.each(backends())('… on $name')`; vitest puts quotes around the name.
    embedded += [...children.suites()].filter((suite) => suite.name.endsWith(" on 'embedded'")).length;
  }
  return {
    skippedTests: project.vitest.config.testNamePattern === undefined ? skipped : null,
    embeddedOnlySuites: hasPostgres ? 0 : embedded,
  };
}
