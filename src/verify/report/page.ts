/** The report of the gate. */

import { html } from 'hono/html';
import { parseGenerationName, showGeneration } from '../../config/values/generation-name.ts';
import type { Comparison } from '../../search/compare.ts';
import type { Agreement } from '../measures/agreement.ts';
import { showValue, type Check } from '../check.ts';
import type { Curve } from '../measures/recall-curve.ts';
import type { Latency } from '../measures/latency.ts';
import { RELEVANCE_NOTES } from '../checks/relevance.ts';
import type { Recommendation } from '../measures/recommended-settings.ts';
import type { Relevance } from '../measures/relevance.ts';
import type { Verification } from '../verify.ts';
import { curveCharts, intervalChart, latencyChart, relevanceChart, seriesName } from './charts.ts';
import { decimal } from './figures.ts';
import { htmlPage, picture, table, type Part } from './layout.ts';
import type { Groups } from '../groups/measure-groups.ts';
import { groupSection } from './group-section.ts';
import { liveSection } from './live-section.ts';
import { sampleSection } from './query-examples.ts';

export interface ReportInput {
  /** Of the generation, in the ledger. */
  backfill: string;
  run: string;
  at: Date;
  verification: Verification;
  /** Recall that the curve is held against. */
  recallTarget: number;
  /** Side by side answers with titles of rows; only where the operator has asked for them. */
  samples: readonly Comparison[];
  /** Null where they were not asked for. */
  groups?: Groups | null;
}

export async function reportPage(input: ReportInput): Promise<string> {
  const { run, at, verification, samples, groups = null } = input;
  const backfill = showGeneration(input.backfill);
  const { passed, checks, full } = verification;
  return htmlPage(
    `${backfill}: verify ${passed ? 'passed' : 'did not pass'}`,
    html`<h1>
        ${backfill}: the gate
        <span class="${passed ? 'pass' : 'fail'}">${passed ? 'passed' : 'did not pass'}</span>
      </h1>
      <p>
        Run ${run}, ${at.toISOString()}.
        ${samples.length === 0 ? 'Figures and names only: no text of rows or queries.' : 'With sample answers at the end.'}
      </p>
      ${checksSection(checks)}
      ${full === null ? '' : liveSection(full, parseGenerationName(input.backfill).generation)}
      ${full?.relevance ? relevanceSection(full.relevance) : ''}
      ${full?.agreement ? agreementSection(full.agreement) : ''}
      ${full?.curve ? curveSection(full.curve, full.recommendation, input.recallTarget) : ''}
      ${full?.latency ? latencySection(full.latency) : ''} ${groupSection(groups)}
      ${samples.length === 0 ? '' : sampleSection(samples)}`,
  );
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
        showValue(check.value),
        showValue(check.threshold),
        html`${check.detail}${check.remedy === null ? '' : html`<br /><strong>${check.remedy}</strong>`}`,
      ]),
    )}`;
}

function relevanceSection(relevance: Relevance): Part {
  const rows = relevance.systems.map(({ name, ndcg10, low, high, recall100, mrr, difference }) => [
    name,
    decimal(ndcg10),
    `${decimal(low)} to ${decimal(high)}`,
    decimal(recall100),
    decimal(mrr),
    difference === null
      ? ''
      : `${decimal(difference.value)} (${decimal(difference.low)} to ${decimal(difference.high)})`,
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

function agreementSection(agreement: Agreement): Part {
  const { queries, source, k, overlap, measure, rankCorrelation, legacyEmpty } = agreement;
  return html`<h2>Agreement</h2>
    <p>
      Nobody has judged: how far the vector search and the legacy search answer alike, over ${queries}
      ${source === 'file' ? 'queries of the file' : 'first lines of rows'}. Which of them is better, this does
      not tell.
    </p>
    ${table(
      ['', 'mean'],
      [
        [`overlap@${k}`, decimal(overlap)],
        [`${measure} (p = 0.9)`, decimal(rankCorrelation)],
        ['queries for which legacy finds nothing', String(legacyEmpty)],
      ],
    )}`;
}

function recommended(found: Recommendation | null, target: number): Part {
  if (found === null)
    return html`<p class="fail">No setting reaches ${target} with its whole interval; reads keep theirs.</p>`;
  const settings = Object.entries(found.settings).map(([name, value]) => `${name} = ${value}`);
  return html`<p>
    Reads are run with <strong>${settings.join(', ')}</strong>, the cheapest that reach ${target} everywhere:
    recall ${decimal(found.recall)} where it is least, at least ${decimal(found.low)};
    ${decimal(found.p50Ms, 2)} ms for the plain
    query.${found.filtersBelow.length === 0 ? '' : ` Not with these filters, which no setting helps: ${found.filtersBelow.join(', ')}.`}
  </p>`;
}

function curveSection(curve: Curve, found: Recommendation | null, target: number): Part {
  const rows = curve.series.flatMap((series) =>
    series.points.map(({ value, recall, low, high, p50Ms }) => [
      series.filter ?? '',
      seriesName(series),
      String(value),
      decimal(recall),
      `${decimal(low)} to ${decimal(high)}`,
      decimal(p50Ms, 2),
      String(series.queries),
    ]),
  );
  return html`<h2>Recall of the index</h2>
    ${recommended(found, target)}
    <p>
      Recall@${curve.k} against exact search by ${curve.setting}, with 95 % intervals; dashed the recall that
      is wanted and the setting that was chosen.
    </p>
    ${curveCharts(curve, { target, chosen: found?.settings ?? null }).map(
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
    ...[p50Ms, p95Ms, p99Ms].map((value) => decimal(value, 2)),
  ]);
  return html`<h2>Latency</h2>
    <p>
      ${latency.queries} queries, each by every search in turn, after ${latency.warmUp} that were not counted.
    </p>
    ${table(['ms', 'p50', 'p95', 'p99'], rows)} ${picture(latencyChart(latency))}`;
}
