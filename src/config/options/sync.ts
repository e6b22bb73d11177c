/** How changes of the table are found and followed. */

import { z } from 'zod';
import { option, parseNumber } from '../option.ts';
import { wholeNumber } from './schemas.ts';

export const sync = {
  mode: option({
    schema: z.enum(['auto', 'trigger', 'sweep', 'off']),
    fallback: 'auto' as const,
    help: 'How rows that are added, edited or deleted later are found: trigger, sweep (the table is read again and again), auto (trigger where the rights allow it, else sweep) or off',
  }),
  everySeconds: option({
    schema: wholeNumber(1, 3600),
    parse: parseNumber,
    fallback: 5,
    help: 'Seconds between two looks for captured changes',
  }),
  sweepSeconds: option({
    schema: wholeNumber(1, 604_800),
    parse: parseNumber,
    fallback: 600,
    help: 'Seconds from the start of one sweep of the table to the start of the next, where changes are found by sweep; beside triggers too, where text or where change without a write of the row',
  }),
  slowSweepSeconds: option({
    schema: wholeNumber(0, 31_536_000),
    parse: parseNumber,
    fallback: 86_400,
    help: 'The same beside triggers, where a sweep takes a tenth of its time: it finds what no trigger could see; 0 for never',
  }),
};
