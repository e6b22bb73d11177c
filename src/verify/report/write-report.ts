/** The report of `verify`: written whatever the result, as it shows what is wrong. */

import type { Comparison } from '../../search/compare.ts';
import type { Groups } from '../groups/measure-groups.ts';
import type { QueryInput, VerifyInput } from '../input.ts';
import { spreadOver } from '../queries/query-source.ts';
import { compareSamples } from './query-examples.ts';
import type { Verification } from '../verify.ts';
import { writeReportFile, type ReportWanted } from './wanted.ts';

/** @throws ConfigError where the file cannot be written. */
export async function writeReport(
  { path, samples }: ReportWanted,
  input: VerifyInput,
  { queries }: QueryInput,
  verification: Verification,
  groups: Groups | null = null,
): Promise<void> {
  const shown = samples === 0 ? [] : await answers(input, spreadOver(queries ?? [], samples));
  // The charting library takes longer to load than most checks to run.
  const { reportPage } = await import('./page.ts');
  const page = await reportPage({
    backfill: input.target.backfill,
    run: input.run.id,
    at: new Date(),
    verification,
    recallTarget: input.settings.verify.recall,
    samples: shown,
    groups,
  });
  await writeReportFile(path, page, 'w', samples > 0);
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
