/** The report: one HTML file without script, with every picture in it. */

import { html, raw } from 'hono/html';
import type { Comparison } from '../../search/compare.ts';
import type { Check } from '../check.ts';
import type { Curve } from '../curve.ts';
import type { Latency } from '../latency.ts';
import { RELEVANCE_NOTES } from '../relevance-check.ts';
import type { Relevance } from '../relevance.ts';
import type { Verification } from '../verify.ts';
import { curveCharts, intervalChart, latencyChart, relevanceChart, seriesName } from './charts.ts';
import { sampleSection } from './samples.ts';

/** A template of hono: what is put in is escaped. */
export type Part = ReturnType<typeof html>;

export interface ReportInput {
  backfill: string;
  run: string;
  at: Date;
  verification: Verification;
  /** Side by side answers with titles of rows; only where the operator has asked for them. */
  samples: readonly Comparison[];
}

const STYLE = `
:root { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 } td, th { padding: .3rem .5rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; overflow-wrap: anywhere }
td:nth-child(-n + 2), th { overflow-wrap: normal } td:first-child { white-space: nowrap }
td { font-variant-numeric: tabular-nums } .pass { color: #1a7f37 } .fail { color: #c62828; font-weight: 600 } .note { color: #8a5a00 }
svg { max-width: 100%; height: auto } small { color: #555 }
`;
/** Nothing is fetched and nothing runs, whatever a name or a title holds. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

export async function reportPage(input: ReportInput): Promise<string> {
  const { backfill, run, at, verification, samples } = input;
  const { passed, checks, full } = verification;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <title>${backfill}: verify ${passed ? 'passed' : 'did not pass'}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <h1>
          ${backfill}: the gate
          <span class="${passed ? 'pass' : 'fail'}">${passed ? 'passed' : 'did not pass'}</span>
        </h1>
        <p>
          Run ${run}, ${at.toISOString()}.
          ${samples.length === 0 ? 'Figures and names only: no text of rows or queries.' : 'With sample answers at the end.'}
        </p>
        ${checksSection(checks)} ${full?.relevance ? relevanceSection(full.relevance) : ''}
        ${full?.curve ? curveSection(full.curve) : ''} ${full?.latency ? latencySection(full.latency) : ''}
        ${samples.length === 0 ? '' : sampleSection(samples)}
      </body>
    </html> `;
  return (await page).toString();
}

const shown = (value: Check['value']): string =>
  typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(4) : String(value ?? '-');
const figure = (value: number | null, digits = 3): string => value?.toFixed(digits) ?? '-';
const picture = (svg: string): Part => html`<div>${raw(svg)}</div>`;

function table(head: readonly string[], rows: readonly (readonly (string | Part)[])[]): Part {
  return html`<table>
    <tr>
      ${head.map((cell) => html`<th>${cell}</th>`)}
    </tr>
    ${rows.map(
      (row) =>
        html`<tr>
          ${row.map((cell) => html`<td>${cell}</td>`)}
        </tr>`,
    )}
  </table>`;
}

function checksSection(checks: readonly Check[]): Part {
  const word = ({ passed, remedy }: Check): Part =>
    passed
      ? html`<span class="${remedy === null ? 'pass' : 'note'}">pass</span>`
      : html`<span class="fail">FAIL</span>`;
  return html`<h2>Checks</h2>
    ${table(
      ['', 'Check', 'Value', 'Needs', 'What it says'],
      checks.map((check) => [
        word(check),
        check.name,
        shown(check.value),
        shown(check.threshold),
        html`${check.detail}${check.remedy === null ? '' : html`<br /><strong>${check.remedy}</strong>`}`,
      ]),
    )}`;
}

function relevanceSection(relevance: Relevance): Part {
  const rows = relevance.systems.map(({ name, ndcg10, low, high, recall100, mrr, difference }) => [
    name,
    figure(ndcg10),
    `${figure(low)} to ${figure(high)}`,
    figure(recall100),
    figure(mrr),
    difference === null
      ? ''
      : `${figure(difference.value)} (${figure(difference.low)} to ${figure(difference.high)})`,
  ]);
  return html`<h2>Relevance</h2>
    <p>
      ${relevance.queries} judged queries; 95 % intervals by paired bootstrap with ${relevance.resamples}
      resamples of the queries.
    </p>
    ${table(['', 'nDCG@10', '95 %', 'recall@100', 'MRR', 'nDCG@10 to legacy'], rows)}
    ${picture(intervalChart(relevance))} ${picture(relevanceChart(relevance))}
    <p><small>${RELEVANCE_NOTES.measures}. ${RELEVANCE_NOTES.ties}.</small></p>`;
}

function curveSection(curve: Curve): Part {
  const rows = curve.series.flatMap((series) =>
    series.points.map(({ value, recall, low, high, p50Ms }) => [
      series.filter ?? '',
      seriesName(series),
      String(value),
      figure(recall),
      `${figure(low)} to ${figure(high)}`,
      figure(p50Ms, 2),
      String(series.queries),
    ]),
  );
  return html`<h2>Recall of the index</h2>
    <p>Recall@${curve.k} against exact search by ${curve.setting}; 95 % intervals by Wilson.</p>
    ${curveCharts(curve).map(
      ({ title, recall, cost }) =>
        html`<h3>${title}</h3>
          ${picture(recall)}${picture(cost)}`,
    )}
    <details>
      <summary>All points</summary>
      ${table(['filter', 'curve', curve.setting, 'recall', '95 %', 'median ms', 'queries'], rows)}
    </details>`;
}

function latencySection(latency: Latency): Part {
  const rows = latency.systems.map(({ name, p50Ms, p95Ms, p99Ms }) => [
    name === 'vector' ? 'vector (embedding + index)' : name,
    ...[p50Ms, p95Ms, p99Ms].map((value) => figure(value, 2)),
  ]);
  return html`<h2>Latency</h2>
    <p>
      ${latency.queries} queries, each by every search in turn, after ${latency.warmUp} that were not counted.
    </p>
    ${table(['ms', 'p50', 'p95', 'p99'], rows)} ${picture(latencyChart(latency))}`;
}
