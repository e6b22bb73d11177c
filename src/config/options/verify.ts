/** What a verification accepts. */

import { z } from 'zod';
import { option, parseNumber } from '../option.ts';
import { wholeNumber } from './schemas.ts';

export const verify = {
  recall: option({
    schema: z.number().min(0).max(1),
    parse: parseNumber,
    fallback: 0.9,
    help: 'Least recall@10 of the index against exact search that `verify` accepts',
  }),
  samples: option({
    schema: wholeNumber(1, 10_000),
    parse: parseNumber,
    fallback: 50,
    help: 'Rows sampled as queries by `verify`',
  }),
  tolerance: option({
    schema: z.number().min(0).max(1),
    parse: parseNumber,
    fallback: 0.02,
    help: 'Drop of nDCG@10 or recall@10, against the legacy search or the last passed verification, that `verify` accepts',
  }),
  latencyMs: option({
    schema: z.number().positive().optional(),
    parse: parseNumber,
    help: 'Longest p95 of a vector search, the embedding of its query included, that `verify` accepts, ms; only reported where absent',
  }),
  validHours: option({
    schema: z.number().positive(),
    parse: parseNumber,
    fallback: 24,
    help: 'Hours for which a passed verification opens the gate of `cutover`',
  }),
};
