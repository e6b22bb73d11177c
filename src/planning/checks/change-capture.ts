/** How rows that are written during and after the run will be found. Reads catalogs only. */

import type { Settings } from '../../config/settings.ts';
import type { Queryable } from '../../db/pool.ts';
import { BackfillError, messageOf } from '../../errors.ts';
import { chooseCapture } from '../../sync/capture.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

const MEANING = {
  trigger: 'changes of the table are captured by triggers',
  sweep: 'changes of the table are found by reading it again and again',
  off: 'rows that are added or edited later wait for the next `pgvector-backfill enqueue`',
} as const;

export async function checkChangeCapture(
  db: Queryable,
  target: Target,
  settings: Settings,
): Promise<Finding> {
  try {
    const { mode, reason } = await chooseCapture(db, target, settings);
    if (reason === '') return { level: 'ok', check: 'sync', message: `${mode}: ${MEANING[mode]}` };
    return {
      level: 'warn',
      check: 'sync',
      message: `${mode}: ${reason}.`,
      remedy: `GRANT TRIGGER ON ${target.table} to the owner of the table and connect as that role, for changes to be found in seconds and at less cost.`,
      option: 'sync.mode',
    };
  } catch (error) {
    return {
      level: 'error',
      check: 'sync',
      message: messageOf(error),
      ...(error instanceof BackfillError && error.remedy !== undefined ? { remedy: error.remedy } : {}),
      option: 'sync.mode',
    };
  }
}
