/** Batches: how large they are, how often they are tried, and how a worker goes through them. */

import { option, parseNumber } from '../option.ts';
import { wholeNumber } from './schemas.ts';

export const batch = {
  batchRows: option({
    schema: wholeNumber(1, 100_000),
    parse: parseNumber,
    fallback: 1000,
    help: 'Rows of one batch (one job); 4000 where it is not set and the model is a table of vectors, without layers',
  }),
  mergeRows: option({
    schema: wholeNumber(1, 10_000),
    parse: parseNumber,
    fallback: 1000,
    help: 'Maximum rows of the legacy table that one UPDATE statement changes',
  }),
  attempts: option({
    schema: wholeNumber(1, 100),
    parse: parseNumber,
    fallback: 8,
    help: 'Attempts before a batch counts as failed',
  }),
};

export const worker = {
  concurrency: option({
    flag: 'concurrency',
    schema: wholeNumber(1, 64),
    parse: parseNumber,
    fallback: 2,
    help: 'Batches that one worker process runs at the same time',
  }),
  threads: option({
    flag: 'threads',
    schema: wholeNumber(1, 256).optional(),
    parse: parseNumber,
    help: 'Inference processes of one worker, one thread each; if not set, as many as the processors it may use',
  }),
  drainSeconds: option({
    flag: 'drain-seconds',
    schema: wholeNumber(1, 3600),
    parse: parseNumber,
    fallback: 60,
    help: 'Seconds that running batches have to finish after SIGTERM; another worker retries what is not done by then',
  }),
};
