import type { Flag } from '../../src/cli/command.ts';

export const CUTOVER_FLAGS: Record<string, Flag> = {
  to: { type: 'string', value: 'MODE', help: 'shadow, interleave:PERCENT, canary:PERCENT, vector or hybrid' },
  generation: {
    type: 'string',
    value: 'N',
    help: 'By the vectors of which generation; where absent the one that is live or on trial, or the newest that is ready',
  },
  reason: { type: 'string', value: 'TEXT', help: 'Why; kept in the event log' },
  override: {
    type: 'string',
    value: 'TEXT',
    help: 'Although the gate does not pass, for this reason; kept in the event log',
  },
  execute: { type: 'boolean', help: 'Do it; without this nothing is changed' },
};
