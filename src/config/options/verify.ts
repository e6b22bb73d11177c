/** What a verification accepts. */

import { z } from 'zod';
import { option, parseNumber } from '../option.ts';
import { wholeNumber } from './schemas.ts';

export const verify = {
  recall: option({
    schema: z.number().min(0).max(1),
    parse: parseNumber,
    fallback: 0.9,
    help: 'Minimum recall@10 of the index against exact search for `verify` to pass',
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
    help: 'Maximum drop of nDCG@10 or recall@10, against the legacy search or the last passed verification, for `verify` to pass',
  }),
  latencyMs: option({
    schema: z.number().positive().optional(),
    parse: parseNumber,
    help: 'Maximum p95 of a vector search in ms, with the embedding of its query, for `verify` to pass; if not set, it is only reported',
  }),
  maxLossToLive: option({
    schema: z.number().min(0).max(1).optional(),
    parse: parseNumber,
    help: 'By how much nDCG@10 of another generation may be below that of the live one, with its whole 95 % interval, for `verify` to pass; needs judged queries; if not set, it is only reported',
  }),
  maxLatencyToLive: option({
    schema: z.number().positive().optional(),
    parse: parseNumber,
    help: 'How many times as long the p95 of a vector search may be in another generation as in the live one for `verify` to pass; if not set, it is only reported',
  }),
  validHours: option({
    schema: z.number().positive(),
    parse: parseNumber,
    fallback: 24,
    help: 'Hours for which `cutover` accepts a passed verification',
  }),
};
