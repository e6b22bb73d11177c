/** What the demo says at its end. */

import type { Comparison } from '../search/compare.ts';
import type { DemoRun } from './run-demo.ts';
import { count } from '../observability/format.ts';

const WIDTH = 50;

export function demoLines(
  { verification, snapshot, comparisons, model, dimensions, indexSeconds }: DemoRun,
  seconds: number,
): string[] {
  const { accounting: rows, measures, passed } = verification;
  return [
    '',
    `Rows     ${count(rows.eligible)} eligible = ${count(rows.embedded)} embedded + ${count(rows.skipped)} skipped (no text) + ${count(rows.quarantined)} quarantined; missing: ${count(rows.missing + rows.stale)}`,
    `Rate     ${snapshot.rowsPerSecond === null ? '-' : `${count(Math.round(snapshot.rowsPerSecond))} rows/s`} with ${model}, ${dimensions} dimensions`,
    `Index    ${snapshot.index.name} (${snapshot.index.method})${indexSeconds === null ? '' : `, built in ${indexSeconds.toFixed(1)} s`}`,
    `Plan     ${measures.planNode ?? '-'}`,
    `Recall   ${measures.recallAt10 === null ? '-' : measures.recallAt10.toFixed(3)} @10 against exact search; p50 ${measures.vectorP50Ms?.toFixed(1)} ms by index, ${measures.exactP50Ms?.toFixed(1)} ms exact`,
    `Verify   ${passed ? 'passed' : 'did NOT pass'}`,
    '',
    ...comparisons.flatMap((comparison) => sideBySide(comparison)),
    `Done in ${seconds.toFixed(1)} s. Your own table: see "A real table" in the README; your own records: pgvector-backfill demo --from FILE.jsonl`,
  ];
}

/** Both answers beside each other, without timings: on the embedded server they would say little. */
function sideBySide({ text, legacy, vector }: Comparison): string[] {
  const lines = [`"${text}"`, `  ${'legacy (words and letters)'.padEnd(WIDTH)}vector (meaning)`];
  const rows = Math.max(legacy.length, vector.length, 1);
  for (let row = 0; row < rows; row++) {
    const left = legacy[row]?.title ?? (row === 0 ? '(nothing found)' : '');
    lines.push(
      `  ${left.slice(0, WIDTH - 2).padEnd(WIDTH)}${(vector[row]?.title ?? '').slice(0, WIDTH)}`.trimEnd(),
    );
  }
  return [...lines, ''];
}

/** The server goes on; how to use it and how to end it. */
export function keepLines(environment: Record<string, string>, pid: number): string[] {
  const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;
  return [
    '',
    'The embedded server is still up. To go on with it:',
    '',
    ...Object.entries(environment).map(
      ([name, value]) => `export ${name}=${quoted(value.replaceAll(/\s+/g, ' '))}`,
    ),
    '',
    'pgvector-backfill status',
    'pgvector-backfill search "infant will not stop screaming"',
    'pgvector-backfill dashboard',
    '',
    `End it with: kill ${pid}`,
  ];
}

/** The object of `demo --json`. @param kept how to reach the server, where it goes on */
export function demoJson(
  { verification, snapshot, comparisons, model, dimensions, indexSeconds }: DemoRun,
  seconds: number,
  kept?: object,
): object {
  const { accounting, measures, passed } = verification;
  return {
    rows: { ...accounting, perSecond: snapshot.rowsPerSecond },
    index: {
      name: snapshot.index.name,
      method: snapshot.index.method,
      valid: snapshot.index.valid,
      seconds: indexSeconds,
    },
    verify: { passed, missingRows: accounting.missing + accounting.stale, ...measures },
    queries: comparisons.map(({ text, legacy, vector }) => ({ text, legacy, vector })),
    model,
    dimensions,
    seconds,
    ...(kept === undefined ? {} : { kept }),
  };
}
