/** The generations of a backfill, a line each, where there is more than one or its number says something. */

import type { GenerationProgress } from '../ledger/progress/generation-progress.ts';
import { count, duration, percent } from '../observability/format.ts';

export function generationLines(generations: readonly GenerationProgress[]): string[] {
  if (generations.length <= 1 && (generations[0]?.generation ?? 1) === 1) return [];
  return generations.map(generationLine);
}

function generationLine(of: GenerationProgress): string {
  const { generation, state, reason, model, dimensions, store, column, coverage, rows, reads } = of;
  return [
    `generation ${generation}  ${state}${reason === '' ? '' : `: ${reason}`}`,
    ...(of.stall === null ? [] : [`waits: ${of.stall.reason}`]),
    reads === null ? 'no reads' : `reads ${reads}`,
    `${model ?? 'no model yet'}${dimensions === null ? '' : `, ${dimensions} dimensions`}${store === 'table' ? ', beside the table' : column === null ? '' : `, column ${column}`}`,
    `coverage ${percent(coverage)}, ${count(rows.pending + rows.stale)} rows left${pace(of)}`,
    `sync lag ${duration(of.sync.lagSeconds)}, ${count(of.sync.pending)} changes`,
    `index ${of.index.valid ? 'valid' : (of.index.phase ?? 'not built yet')}`,
    verdict(of),
  ].join('; ');
}

function pace({ rowsPerSecond, etaSeconds }: GenerationProgress): string {
  const rate = rowsPerSecond === null ? '' : `, ${count(Math.round(rowsPerSecond))} rows/s`;
  return etaSeconds === null || etaSeconds === 0 ? rate : `${rate}, ETA ${duration(etaSeconds)}`;
}

function verdict({ verification }: GenerationProgress): string {
  if (verification === null) return 'not verified';
  return verification.passed
    ? `verified ${verification.at}`
    : `did not pass ${verification.failed.join(', ')} ${verification.at}`;
}
