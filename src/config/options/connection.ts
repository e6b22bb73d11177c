/** Where the database and the queue are, and how much is logged. */

import { z } from 'zod';
import { option } from '../option.ts';
import { columnName } from '../values/column-name.ts';
import { databaseUrlProblem, queueUrlProblem } from '../values/server-url.ts';
import { checked } from './schemas.ts';

const databaseUrl = checked(databaseUrlProblem);

export const connection = {
  /** In a file, `database` may be the URL alone, or `{ url, direct }`. */
  database: {
    url: option({
      scope: 'global',
      env: 'DATABASE_URL',
      flag: 'database',
      isGroup: true,
      schema: databaseUrl,
      secret: true,
      help: 'PostgreSQL database that holds the table: postgres://user@host/db; in a file also { url, direct }',
    }),
    direct: option({
      scope: 'global',
      env: 'DIRECT_DATABASE_URL',
      formerly: 'directDatabase',
      schema: databaseUrl.optional(),
      secret: true,
      help: 'The same database without a pooler in transaction mode, for what needs a session of its own: the index build, and a queue in this database; if not set, database',
    }),
  },
  vectorSchema: option({
    scope: 'global',
    schema: columnName.optional(),
    help: 'Schema for the extension pgvector where it is not in the database yet; the schema must exist. If not set, the first of the search path that this user may create in',
  }),
  queue: option({
    scope: 'global',
    env: 'QUEUE_URL',
    schema: checked(queueUrlProblem),
    fallback: 'redis://127.0.0.1:6379',
    secret: true,
    help: 'Queue server: redis:// (default), redis+cluster://h1,h2, redis+sentinel://h1,h2/master, or postgres://',
  }),
  logLevel: option({
    scope: 'global',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    fallback: 'info' as const,
    help: 'Log level: trace, debug, info, warn, error or silent',
  }),
};
