/** How changes of the table are found and followed. */

import { z } from 'zod';
import { option, parseNumber } from '../option.ts';
import { wholeNumber } from './schemas.ts';

export const sync = {
  mode: option({
    schema: z.enum(['auto', 'trigger', 'sweep', 'off']),
    fallback: 'auto' as const,
    help: 'How changed rows are found: trigger, sweep (the table is read at intervals), auto (trigger if this role may create one, else sweep) or off',
  }),
  everySeconds: option({
    schema: wholeNumber(1, 3600),
    parse: parseNumber,
    fallback: 5,
    help: 'Seconds between two checks for captured changes',
  }),
  sweepSeconds: option({
    schema: wholeNumber(1, 604_800),
    parse: parseNumber,
    fallback: 600,
    help: 'Seconds from the start of one sweep to the start of the next, if changes are found by sweep; with triggers too, if text or where can change without a write to the row',
  }),
  slowSweepSeconds: option({
    schema: wholeNumber(0, 31_536_000),
    parse: parseNumber,
    fallback: 86_400,
    help: 'The same with triggers, where a sweep is slow and finds what no trigger sees; it uses a tenth of its time; 0 turns it off',
  }),
};
