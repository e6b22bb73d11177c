/** What `status` says in a terminal. */

import { showGeneration } from '../config/values/generation-name.ts';
import { ledgerName } from '../ledger/progress/generation-progress.ts';
import { forecastLines } from './forecast-lines.ts';
import { generationLines } from './generation-lines.ts';
import { timeLeft } from '../finalize/forecast/wording.ts';
import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { indexWords } from '../ledger/progress/index-state.ts';
import { adoptedWords } from '../ledger/run/adoption-words.ts';
import type { ListedRow } from '../ledger/rows/quarantine.ts';
import { TABLE_REMEDY } from '../ledger/run/run-target.ts';
import { MAX_COUNTED } from '../ledger/changes/drain-lease.ts';
import { VERIFY_AGAIN } from '../ledger/verification/verified-options.ts';
import { count, duration, percent } from '../observability/format.ts';
import { usageWords } from '../embedding/usage/usage-words.ts';
import type { StatusReport } from '../planning/status-report.ts';
import { readLines } from './read-lines.ts';
import { throttleLines } from './throttle-lines.ts';
import { stillness, waitLines } from './wait-lines.ts';
import { watchStatusLines } from './watch-lines.ts';

/** Many looks of a finalizer. */
const LONG_UNSEEN_SECONDS = 15;

export function statusLines(report: StatusReport): string[] {
  const { snapshot, drift, options, unverifiedOptions, queue, paused, quarantine } = report;
  const { rows, batches, index, model, sync } = snapshot;
  const age = sync.oldestSeconds === null ? '' : `, the oldest ${duration(sync.oldestSeconds)} old`;
  const masked = Object.entries(snapshot.masked).map(([type, values]) => `${count(values)} ${type}`);
  const rate =
    snapshot.rowsPerSecond === null
      ? stillness(snapshot)
      : `${count(Math.round(snapshot.rowsPerSecond))} rows/s`;
  const eta =
    snapshot.etaSeconds === null
      ? ''
      : snapshot.etaSeconds === 0
        ? ''
        : `, ETA ${duration(snapshot.etaSeconds)}`;
  const reason = [snapshot.readOnly ?? '', snapshot.reason].filter((each) => each !== '').join('; ');
  // Neither NULL nor a vector of zeros, which is quarantined, stands in an index.
  const leftOut = rows.skipped + rows.quarantined;
  return [
    `${showGeneration(ledgerName(snapshot))}  run ${snapshot.run ?? '-'}  ${snapshot.state}${reason === '' ? '' : `: ${reason}`}`,
    ...(queue === null ? [] : [`queue    ${queue}`]),
    ...waitLines(snapshot, paused),
    ...(snapshot.table === null ? [] : [`table    ${snapshot.table}. ${TABLE_REMEDY}`]),
    ...(options === null
      ? []
      : [
          `options  others than the run was planned for, which workers and searches go by: ${options}; \`pgvector-backfill enqueue\` plans a run for these`,
        ]),
    ...(unverifiedOptions === null ? [] : [`verified no more: ${unverifiedOptions}. ${VERIFY_AGAIN}`]),
    `rows     ${count(rows.eligible)} eligible = ${count(rows.embedded)} embedded + ${count(rows.skipped)} skipped + ${count(rows.quarantined)} quarantined + ${count(rows.pending)} pending + ${count(rows.stale)} stale`,
    ...(snapshot.adoption === null ? [] : [`adopted  ${adoptedWords(rows.adopted, snapshot.adoption)}`]),
    `coverage ${percent(snapshot.coverage)}, ${rate}${eta}`,
    `batches  ${count(batches.merged)} merged, ${count(batches.staged)} staged, ${count(batches.pending)} pending, ${count(batches.failed)} failed`,
    `sync     ${sync.mode}, ${count(sync.pending)}${sync.pending === MAX_COUNTED ? ' or more' : ''} changes to do${age}${sync.reason === '' ? '' : `: ${sync.reason}`}`,
    ...throttleLines(snapshot),
    ...readLines(snapshot),
    ...generationLines(report.generations),
    `texts    ${rows.passages === 0 ? '' : `${count(rows.passages)} passages of the embedded rows; `}${count(rows.truncated)} cut at ${rows.passages === 0 ? "the model's limit" : 'model.maxChunks'}; masked: ${masked.length === 0 ? 'nothing' : masked.join(', ')}`,
    ...(model === null || drift === null
      ? []
      : [
          `model    ${model.name}, ${model.dimensions} dimensions, fingerprint ${model.fingerprint.slice(0, 12)}: ${drift.drift === true ? 'DRIFT, ' : ''}${drift.detail}`,
          `use      ${usageWords(drift.usage)}`,
        ]),
    `index    ${index.name === null ? 'not built yet' : `${index.name} (${index.method}${index.forecast?.type === undefined ? '' : ` on ${index.forecast.type}`}), ${indexWords(index) ?? 'not valid'}${timeLeft(index)}${unseen(index)}`}${leftOut === 0 ? '' : `; ${count(leftOut)} rows without a vector are in no index`}`,
    ...watchStatusLines(snapshot.watch),
    ...forecastLines(snapshot),
    ...quarantineLines(quarantine, rows.quarantined),
  ];
}

/** A finalizer looks every second: of one that is gone, this is the last word and not the present state. */
function unseen({ seenSecondsAgo }: ProgressSnapshot['index']): string {
  if (seenSecondsAgo === null || seenSecondsAgo < LONG_UNSEEN_SECONDS) return '';
  return `, as it was ${duration(seenSecondsAgo)} ago: no worker has looked since, though the server may be at it; \`pgvector-backfill worker\` goes on with it`;
}

function quarantineLines(listed: readonly ListedRow[], all: number): string[] {
  if (listed.length === 0) return [];
  const tries = (row: ListedRow): string => (row.attempts === 1 ? '' : ` (${row.attempts} attempts)`);
  return [
    `quarantined${listed.length < all ? `, the last ${listed.length} of ${count(all)}` : ''}; \`pgvector-backfill retry --quarantined\` tries them again:`,
    ...listed.map((row) => `  key ${row.key}: ${row.reason}${tries(row)}`),
  ];
}
