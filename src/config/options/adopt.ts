/** When vectors that are there already are taken over. */

import { z } from 'zod';
import { option, parseNumber } from '../option.ts';
import { wholeNumber } from './schemas.ts';

export const adopt = {
  sampleRows: option({
    schema: wholeNumber(1, 1_000_000),
    parse: parseNumber,
    // One vector in a thousand that is another one is missed by 5,000 rows once in 150 times.
    fallback: 5000,
    verb: 'enqueue',
    help: 'Rows that `enqueue --adopt` embeds again to compare their vectors; all where the table has fewer',
  }),
  minAgreement: option({
    schema: z.number().min(-1).max(1),
    parse: parseNumber,
    fallback: 0.999,
    verb: 'enqueue',
    help: "Minimum cosine of a vector that is there and the model's own for the two to agree",
  }),
  maxDisagreement: option({
    schema: z.number().min(0).max(1),
    parse: parseNumber,
    fallback: 0,
    verb: 'enqueue',
    help: 'Maximum share of the sampled vectors that may disagree for the others to be taken over all the same; those of the sample are embedded',
  }),
};
