/** What is measured of the index after the move, how often, and what that may cost. */

import { z } from 'zod';
import { option, parseBoolean, parseNumber } from '../option.ts';
import { wholeNumber } from './schemas.ts';

export const watch = {
  mode: option({
    schema: z.enum(['auto', 'on', 'off']),
    fallback: 'auto' as const,
    help: 'Whether workers measure the live index at intervals: auto (once vectors answer every read; not while the legacy search has a share of them), on (from ready on), or off',
  }),
  everySeconds: option({
    schema: wholeNumber(10, 31_536_000),
    parse: parseNumber,
    fallback: 86_400,
    help: 'Seconds from the start of one pass of the watch to the start of the next',
  }),
  rows: option({
    schema: wholeNumber(1, 10_000),
    parse: parseNumber,
    fallback: 100,
    help: 'Rows sampled as queries in a pass, other ones each time',
  }),
  queries: option({
    schema: wholeNumber(1, 10_000),
    parse: parseNumber,
    fallback: 100,
    help: 'Recorded searches that are asked in a pass, beside the rows, if watch.keepQueries is true',
  }),
  keepQueries: option({
    schema: z.boolean(),
    parse: parseBoolean,
    fallback: false,
    help: 'Whether createSearch records the vector of one search a minute, and nothing else of it, for passes to ask it again; the role of the application needs a right for it (docs/watch.md); takes effect with the next `enqueue`',
  }),
  keepQueriesDays: option({
    schema: wholeNumber(1, 3650),
    parse: parseNumber,
    fallback: 30,
    help: 'Days for which recorded vectors are kept; workers remove older ones, and all if watch.keepQueries is false',
  }),
  maxRows: option({
    schema: wholeNumber(1000, 1_000_000_000),
    parse: parseNumber,
    fallback: 1_000_000,
    help: 'Vectors that the index is held against for each query of a pass: all of them, or a sample of about so many if the table has more',
  }),
  maxSeconds: option({
    schema: wholeNumber(1, 86_400),
    parse: parseNumber,
    fallback: 60,
    help: 'Seconds after which a pass asks no further query; also the limit of each of its statements',
  }),
  keepPassesDays: option({
    schema: wholeNumber(1, 36_500),
    parse: parseNumber,
    fallback: 400,
    help: 'Days for which what a pass has measured is kept',
  }),
};
