/** What is asked about a process from outside: its metrics, and whether it lives. */

import { z } from 'zod';
import { option, parseNumber } from '../option.ts';
import { listenHost, wholeNumber } from './schemas.ts';

export const metrics = {
  host: option({
    scope: 'global',
    verb: 'worker',
    env: 'BACKFILL_METRICS_HOST',
    flag: 'metrics-host',
    schema: listenHost,
    fallback: '127.0.0.1',
    help: 'Address on which a worker serves metrics and health; they contain no row and no secret',
  }),
  port: option({
    scope: 'global',
    verb: 'worker',
    env: 'BACKFILL_METRICS_PORT',
    flag: 'metrics-port',
    schema: wholeNumber(0, 65_535).optional(),
    parse: parseNumber,
    help: "Port of a worker's /metrics, /healthz and /readyz; 0 takes a free one; if not set, they are not served",
  }),
};

export const health = {
  file: option({
    scope: 'global',
    env: 'BACKFILL_HEALTH_FILE',
    schema: z.string().min(1).optional(),
    help: 'File that worker and dashboard touch every 10 s, until only a restart helps them: if it is older than a minute, restart the process; if not set, none is written',
  }),
};
