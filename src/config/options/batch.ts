/** Batches: how large they are, how often they are tried, and how a worker goes through them. */

import { option, parseNumber } from '../option.ts';
import { wholeNumber } from './schemas.ts';

export const batch = {
  batchRows: option({
    schema: wholeNumber(1, 100_000),
    parse: parseNumber,
    fallback: 1000,
    help: 'Rows of one batch (one job)',
  }),
  mergeRows: option({
    schema: wholeNumber(1, 10_000),
    parse: parseNumber,
    fallback: 1000,
    help: 'Most rows of the legacy table that one UPDATE statement touches',
  }),
  attempts: option({
    schema: wholeNumber(1, 100),
    parse: parseNumber,
    fallback: 8,
    help: 'Attempts of a batch before it counts as failed',
  }),
};

export const worker = {
  concurrency: option({
    flag: 'concurrency',
    schema: wholeNumber(1, 64),
    parse: parseNumber,
    fallback: 2,
    help: 'Batches that one worker process has in flight',
  }),
  threads: option({
    flag: 'threads',
    schema: wholeNumber(1, 256).optional(),
    parse: parseNumber,
    help: 'Inference processes of one worker, a thread each; the processors it may use where absent',
  }),
  drainSeconds: option({
    flag: 'drain-seconds',
    schema: wholeNumber(1, 3600),
    parse: parseNumber,
    fallback: 60,
    help: 'Seconds that SIGTERM gives the batches in flight; what is not done by then is retried by another worker',
  }),
};
