/** The report of `verify`: written whatever the result, as it shows what is wrong. */

import { chmod, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, messageOf } from '../../errors.ts';
import type { Comparison } from '../../search/compare.ts';
import type { QueryInput, VerifyInput } from '../input.ts';
import { spread } from '../queries/query-source.ts';
import { compareSamples } from './query-examples.ts';
import type { Verification } from '../verify.ts';

const OWNER_ONLY = 0o600;

/** As the verb was called. */
interface Asked {
  flags: Readonly<Record<string, unknown>>;
  host: { cwd: string };
}

export interface ReportWanted {
  path: string;
  /** Queries whose answers are shown with their text. */
  samples: number;
}

/** @throws ConfigError where flags do not go together, or the file cannot be written: before anything is measured. */
export async function reportWanted({ flags, host }: Asked): Promise<ReportWanted | null> {
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
  const path = resolve(host.cwd, report);
  await write(path, '', 'a', count > 0);
  return { path, samples: count };
}

/** @throws ConfigError where the file cannot be written. */
export async function writeReport(
  { path, samples }: ReportWanted,
  input: VerifyInput,
  { queries }: QueryInput,
  verification: Verification,
): Promise<void> {
  const shown = samples === 0 ? [] : await answers(input, spread(queries ?? [], samples));
  // The charting library takes longer to load than most checks to run.
  const { reportPage } = await import('./page.ts');
  const page = await reportPage({
    backfill: input.target.backfill,
    run: input.run.id,
    at: new Date(),
    verification,
    recallTarget: input.settings.verify.recall,
    samples: shown,
  });
  await write(path, page, 'w', samples > 0);
}

/** `secret`: with texts of rows, so that it is its owner's alone, also where it was there before. */
async function write(path: string, content: string, flag: 'a' | 'w', secret: boolean): Promise<void> {
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

async function answers(
  { pool, target, settings, openEmbedder }: VerifyInput,
  queries: NonNullable<QueryInput['queries']>,
): Promise<Comparison[]> {
  const embedder = await openEmbedder();
  try {
    return await compareSamples({ pool, target, settings, embedder }, queries);
  } finally {
    await embedder.close();
  }
}
