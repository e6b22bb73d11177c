/** What `enqueue` says in a terminal. */

import { showGeneration } from '../config/values/generation-name.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { tableGrowthLine } from '../finalize/forecast/table-growth.ts';
import { count } from '../observability/format.ts';
import { indexForecastLine } from '../finalize/forecast/run-forecast.ts';
import type { DryRun } from '../planning/dry-run.ts';
import { embeddingForecastLine } from '../planning/embedding-forecast.ts';
import { passagesLine } from '../planning/passage-forecast.ts';
import type { PlannedGeneration } from '../planning/generation/plan-generation.ts';
import type { EnqueueResult } from '../planning/enqueue.ts';

export function dryRunLines(
  { run, rows, batches, ddl, forecast }: DryRun,
  planned: PlannedGeneration,
  { model, dimensions }: Pick<Embedder, 'model' | 'dimensions'>,
): string[] {
  return [
    ...besideLines(planned, { model, dimensions }),
    `${count(rows)} eligible rows in ${count(batches)} batches of ${count(planned.config.settings.batchRows)}; model ${model}, ${dimensions} dimensions.`,
    run === null ? 'No run yet.' : `Latest run: ${run.id}, ${run.state}.`,
    `Forecast: ${tableGrowthLine(forecast.tableGrowth)}; then ${indexForecastLine(forecast)}${forecast.passages === null ? '' : ` (${passagesLine(forecast.passages)})`}.`,
    ...(forecast.embedding === null
      ? []
      : [`Before that, ${embeddingForecastLine(forecast.embedding, planned.config.settings)}.`]),
    ddl.length === 0 ? 'No DDL is needed.' : 'DDL:',
    ...ddl.map((sql) => `  ${sql};`),
    'Nothing was changed.',
  ];
}

/** What another generation is, and what stays as it is. */
function besideLines(
  { config, generation, beside }: PlannedGeneration,
  { model, dimensions }: Pick<Embedder, 'model' | 'dimensions'>,
): string[] {
  if (beside === null) return [];
  const { store, column, columnType } = config.settings;
  const place = store === 'table' ? 'a table beside, of' : `column ${column}`;
  const stays = beside.isLive
    ? `stays live: reads go by it until \`pgvector-backfill cutover --generation ${generation}\``
    : 'stays as it is';
  return [
    `Generation ${generation}: ${model} into ${place} ${columnType}(${dimensions}), beside generation ${beside.generation}.`,
    `Generation ${beside.generation} (${beside.model}, ${beside.dimensions} dimensions, ${beside.column === null ? 'beside the table' : `column ${beside.column}`}) ${stays}. Both are kept in line with the text.`,
  ];
}

export function enqueuedLines(
  planned: PlannedGeneration,
  { run, rows, batches, enqueued, alreadyDone, mended }: EnqueueResult,
): string[] {
  return [
    ...mended.map((sentence) => `Mended: ${sentence}.`),
    ...(planned.beside === null
      ? []
      : [
          `Generation ${planned.generation} is planned beside generation ${planned.beside.generation}, which stays as it is.`,
        ]),
    `Run ${run} of ${showGeneration(planned.config.backfill)}: ${count(rows)} rows in ${count(batches)} batches; ${count(enqueued)} jobs added, ${count(alreadyDone)} batches already done.`,
    enqueued > 0
      ? 'Next: pgvector-backfill worker, and pgvector-backfill status --watch'
      : mended.length > 0
        ? 'No job was missing. pgvector-backfill status shows the run.'
        : 'Nothing to add. pgvector-backfill status shows the run.',
  ];
}
