/** Before the build: the merge has left a dead version of each row, which the build would read past. */

import { TransientError, messageOf } from '../../errors.ts';
import type { BuildInput } from './attempt.ts';
import type { BuildSession } from './session.ts';
import { monitored } from './monitor.ts';

/** Looked after as the build is: of a large table it takes its time. What it cannot do, the build goes on without. */
export async function vacuumTable(input: BuildInput, session: BuildSession): Promise<void> {
  const { target, logger } = input;
  try {
    await monitored(input, session, `VACUUM (ANALYZE, SKIP_LOCKED) ${target.store.table}`, 'vacuum');
  } catch (error) {
    if (error instanceof TransientError) throw error;
    logger.warn({ err: messageOf(error) }, 'VACUUM before the index build');
  }
}
