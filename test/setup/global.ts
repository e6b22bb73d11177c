/** Vitest's global setup: finds or starts the real servers, and says in one line what runs and what does not. */

import type { TestProject } from 'vitest/node';
import { startPostgres, startRedis, type StartedServer } from './containers.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Server (not database) to make test databases on; null where there is none. */
    postgresUrl: string | null;
    redisUrl: string | null;
  }
}

const LOUD = '\u001B[1;33m';
const PLAIN = '\u001B[0m';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: StartedServer[] = [];
  const reasons: string[] = [];
  const find = async (
    name: string,
    variable: string,
    start: () => Promise<StartedServer>,
  ): Promise<string | null> => {
    if (process.env['TEST_EMBEDDED_ONLY'] === '1') {
      reasons.push(`${name}: TEST_EMBEDDED_ONLY is set`);
      return null;
    }
    const given = process.env[variable];
    if (given !== undefined && given !== '') return given;
    try {
      const server = await start();
      started.push(server);
      return server.url;
    } catch (error) {
      reasons.push(
        `${name}: ${variable} is not set and no container could be started (${(error instanceof Error ? error.message : String(error)).split('\n')[0]})`,
      );
      return null;
    }
  };
  const postgresUrl = await find('PostgreSQL', 'TEST_DATABASE_URL', startPostgres);
  const redisUrl = await find('Redis', 'TEST_REDIS_URL', startRedis);
  project.provide('postgresUrl', postgresUrl);
  project.provide('redisUrl', redisUrl);
  process.stdout.write(
    `Servers under test: embedded${postgresUrl === null ? '' : ', PostgreSQL'}${redisUrl === null ? '' : ', Redis'}\n`,
  );
  if (reasons.length > 0 && process.env['REQUIRE_REAL_SERVERS'] === '1') {
    throw new Error(`REQUIRE_REAL_SERVERS is set, but: ${reasons.join('; ')}`);
  }
  return async () => {
    await Promise.all(started.map((server) => server.stop()));
    if (reasons.length > 0) {
      process.stdout.write(
        `\n${LOUD}NOT RUN: everything that needs real servers, only the embedded default was tested. ${reasons.join('; ')}.${PLAIN}\n`,
      );
    }
  };
}
