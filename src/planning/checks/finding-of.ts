/** An error as a finding. */

import { hidesRows } from '../../db/row-security.ts';
import { BackfillError, ConfigError, messageOf } from '../../errors.ts';
import type { Finding } from './finding.ts';

/** @param option that is at fault, where the error is one of configuration */
export function findingOf(check: string, error: unknown, option?: string): Finding {
  const remedy = error instanceof BackfillError ? error.remedy : undefined;
  return {
    level: 'error',
    check: hidesRows(error) ? 'row-security' : check,
    message: messageOf(error),
    ...(remedy === undefined ? {} : { remedy }),
    ...(option === undefined || !(error instanceof ConfigError) ? {} : { option }),
  };
}
