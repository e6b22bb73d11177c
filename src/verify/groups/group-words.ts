/** Groups by the sizes of which searches were measured, as tables and sentences of terminal and report. */

import { count } from '../../observability/format.ts';
import type { ReadSettings } from '../../ledger/reads/read-settings.ts';
import type { Figures } from './group-figures.ts';
import type { Groups } from './measure-groups.ts';

export const groupsTitle = ({ column, groups, rows, source, nullRows }: Groups): string =>
  `Searches within the ${count(groups)} groups of column ${column}: ${count(rows)} rows with a vector${source === 'sample' ? ', by a sample of the pages' : ''}${nullRows === 0 ? '' : `; ${count(nullRows)} more have NULL there, which no search by equality finds`}`;

const NONE = '-';
const figures = (each: Figures | null): string[] =>
  each === null
    ? [NONE, NONE, NONE, NONE, NONE]
    : [
        each.recall.toFixed(3),
        `[${each.low.toFixed(3)}, ${each.high.toFixed(3)}]`,
        `${each.found.toFixed(1)} of ${each.wanted.toFixed(1)}`,
        each.p50Ms.toFixed(2),
        each.p95Ms.toFixed(2),
      ];

const range = (min: number, max: number): string =>
  min === max ? count(min) : `${count(min)} to ${count(max)}`;

/** As searches run, decile by decile. */
export const servedTable = ({ deciles, k }: Groups): { head: string[]; rows: string[][] } => ({
  head: [
    'decile',
    'groups',
    'rows',
    'rows of a group',
    `recall@${k}`,
    '95 %',
    'hits',
    'p50 ms',
    'p95 ms',
    'read by',
  ],
  rows: deciles.map(({ decile, groups, rows, minRows, maxRows, served, node }) => [
    String(decile),
    count(groups),
    count(rows),
    range(minRows, maxRows),
    ...figures(served),
    node === null ? NONE : (node.split(' (', 1)[0] ?? NONE),
  ]),
});

/** By the vector index with other settings of its scan, a column each. */
export function scanTable({ deciles, k }: Groups): { head: string[]; rows: string[][] } {
  const names = [
    ...new Set(deciles.flatMap(({ variants }) => variants.map(({ settings }) => showScan(settings)))),
  ];
  if (names.length === 0) return { head: [], rows: [] };
  const cell = (each: Figures | undefined): string =>
    each === undefined
      ? NONE
      : `${each.recall.toFixed(3)}, ${each.found.toFixed(1)} hits, ${each.p50Ms.toFixed(2)} ms`;
  return {
    head: [`decile: recall@${k}, p50`, ...names],
    rows: deciles.map(({ decile, variants }) => [
      String(decile),
      ...names.map((name) => cell(variants.find(({ settings }) => showScan(settings) === name))),
    ]),
  };
}

/** `strict_order`, and how many entries it goes through at most where that is told. */
function showScan(settings: ReadSettings): string {
  const scan = settings['hnsw.iterative_scan'] ?? settings['ivfflat.iterative_scan'] ?? '';
  const tuples = settings['hnsw.max_scan_tuples'];
  return scan === 'off' || tuples === undefined ? scan : `${scan}, ${count(Number(tuples))} entries`;
}

export function groupSentences({ deciles, copy, advice }: Groups): string[] {
  const left = deciles.flatMap(({ decile, leftOut }) =>
    leftOut === null ? [] : [`decile ${decile}: ${leftOut}`],
  );
  return [
    ...left,
    ...(copy.leftOut === null ? [] : [`an index of one group was not measured: ${copy.leftOut}`]),
    ...(advice.length === 0
      ? ['nothing to mend was found']
      : advice.map(({ detail, sql }) => (sql === null ? detail : `${detail}: ${sql}`))),
  ];
}
