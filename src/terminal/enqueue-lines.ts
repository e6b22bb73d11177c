/** What `enqueue` says in a terminal. */

import type { Embedder } from '../embedding/embedder.ts';
import { tableGrowthLine } from '../finalize/forecast/table-growth.ts';
import { count } from '../observability/format.ts';
import { indexForecastLine } from '../finalize/forecast/run-forecast.ts';
import type { DryRun } from '../planning/dry-run.ts';
import type { EnqueueResult } from '../planning/enqueue.ts';

export function dryRunLines(
  { run, rows, batches, ddl, forecast }: DryRun,
  batchRows: number,
  { model, dimensions }: Pick<Embedder, 'model' | 'dimensions'>,
): string[] {
  return [
    `${count(rows)} eligible rows in ${count(batches)} batches of ${count(batchRows)}; model ${model}, ${dimensions} dimensions.`,
    run === null ? 'No run yet.' : `Latest run: ${run.id}, ${run.state}.`,
    `Forecast: ${tableGrowthLine(forecast.tableGrowth)}; then ${indexForecastLine(forecast)}.`,
    ddl.length === 0 ? 'No DDL is needed.' : 'DDL:',
    ...ddl.map((sql) => `  ${sql};`),
    'Nothing was changed.',
  ];
}

export function enqueuedLines(
  backfill: string,
  { run, rows, batches, enqueued, alreadyDone, mended }: EnqueueResult,
): string[] {
  return [
    ...mended.map((sentence) => `Mended: ${sentence}.`),
    `Run ${run} of ${backfill}: ${count(rows)} rows in ${count(batches)} batches; ${count(enqueued)} jobs added, ${count(alreadyDone)} batches already done.`,
    enqueued > 0
      ? 'Next: pgvector-backfill worker, and pgvector-backfill status --watch'
      : mended.length > 0
        ? 'No job was missing. pgvector-backfill status shows the run.'
        : 'Nothing to add. pgvector-backfill status shows the run.',
  ];
}
