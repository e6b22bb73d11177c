/** The report that is asked for, and its file. */

import { chmod, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, messageOf } from '../../errors.ts';

const OWNER_ONLY = 0o600;

export interface ReportWanted {
  path: string;
  /** Queries whose answers are shown with their text. */
  samples: number;
}

/** @throws ConfigError where flags do not go together, or the file cannot be written: before anything is measured. */
export async function reportWanted(
  flags: Record<string, string | boolean | undefined>,
  cwd: string,
): Promise<ReportWanted | null> {
  const { report, samples, queries } = flags;
  const count = samples === undefined ? 0 : Number(samples);
  if (!Number.isInteger(count) || count < 0 || count > 1000)
    throw new ConfigError(`--samples must be a whole number up to 1000 (got ${String(samples)}).`, {
      code: 'USAGE',
      remedy: 'For example: --report verify.html --queries FILE --samples 20.',
    });
  if (samples !== undefined && (report === undefined || queries === undefined))
    throw new ConfigError('--samples needs --report and --queries.', {
      code: 'USAGE',
      remedy: 'For example: --report verify.html --queries FILE --samples 20.',
    });
  if (typeof report !== 'string') return null;
  const path = resolve(cwd, report);
  await writeReportFile(path, '', 'a', count > 0);
  return { path, samples: count };
}

/** `secret`: with texts of rows, so that it is its owner's alone, also where it was there before. */
export async function writeReportFile(
  path: string,
  content: string,
  flag: 'a' | 'w',
  secret: boolean,
): Promise<void> {
  try {
    await writeFile(path, content, { flag, ...(secret ? { mode: OWNER_ONLY } : {}) });
    if (secret && (await stat(path)).isFile()) await chmod(path, OWNER_ONLY);
  } catch (error) {
    throw new ConfigError(`The report cannot be written to ${path}: ${messageOf(error)}.`, {
      code: 'REPORT_UNWRITABLE',
      remedy: 'Name another file with --report.',
      cause: error,
    });
  }
}
