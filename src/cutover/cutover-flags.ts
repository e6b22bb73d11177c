/** Flags of `cutover` and `complete` → what is wanted. */

import { ConfigError } from '../errors.ts';
import { parseReadMode, type ReadChoice } from '../ledger/reads/read-mode.ts';

type Flag = string | boolean | undefined;

/** @throws ConfigError `USAGE` for anything but a read mode that is moved to */
export function wantedChoice(to: Flag): Pick<ReadChoice, 'mode' | 'percent'> {
  const choice = typeof to === 'string' ? parseReadMode(to) : null;
  if (choice?.mode === 'legacy')
    throw new ConfigError('--to legacy is a rollback.', {
      code: 'USAGE',
      remedy: 'Use `pgvector-backfill rollback --execute`, which asks for no verification.',
    });
  if (choice !== null) return choice;
  throw new ConfigError(
    `--to must be shadow, interleave:PERCENT or canary:PERCENT (1 to 100), vector or hybrid${to === undefined ? '' : ` (got ${String(to)})`}.`,
    { code: 'USAGE', remedy: 'Begin with --to shadow, then --to canary:10.' },
  );
}

/** Of `rollback`. @throws ConfigError `USAGE` for anything but that */
export function isToLegacy(to: Flag): boolean {
  if (to === undefined || to === 'legacy') return to === 'legacy';
  throw new ConfigError(`--to of a rollback can only be legacy (got ${String(to)}).`, {
    code: 'USAGE',
    remedy:
      'Without it reads go back to what they were before; `pgvector-backfill cutover` moves them anywhere else.',
  });
}

/** Null where none is given. @throws ConfigError `USAGE` where no reason is */
export function wantedOverride(raw: Flag): string | null {
  if (raw === undefined) return null;
  const override = String(raw).trim();
  if (override !== '') return override;
  throw new ConfigError('--override needs a reason.', {
    code: 'USAGE',
    remedy: 'Say why the gate is passed by: --override "the reason".',
  });
}

/** What `complete` leaves out. @throws ConfigError `USAGE` where it is both */
export function wantedCompletion(flags: Record<string, Flag>): { onlySync: boolean; keepSync: boolean } {
  const [onlySync, keepSync] = [flags['drop-sync'] === true, flags['keep-sync'] === true];
  if (onlySync && keepSync)
    throw new ConfigError('--drop-sync and --keep-sync exclude each other.', {
      code: 'USAGE',
      remedy: 'Take one of them.',
    });
  return { onlySync, keepSync };
}

/** Of a generation that reads have left nothing is kept. @throws ConfigError `USAGE` where something is to be */
export function assertWholeEnd(flags: Record<string, Flag>, generation: number): void {
  const flag = ['drop-sync', 'keep-sync'].find((name) => flags[name] === true);
  if (flag === undefined) return;
  throw new ConfigError(
    `--${flag} is for the generation that is live: generation ${generation} goes as a whole.`,
    {
      code: 'USAGE',
      remedy: `Leave --${flag} or --generation out.`,
    },
  );
}
