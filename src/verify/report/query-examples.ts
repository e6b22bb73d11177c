/** Answers side by side, for the operator's eye. */

import { html } from 'hono/html';
import { GateError } from '../../errors.ts';
import type { Query } from '../../relevance/query-file.ts';
import { compareSearches, type CompareInput, type Comparison, type Hit } from '../../search/compare.ts';
import type { Part } from './layout.ts';

const HITS = 10;

/** Without those that the model makes no vector of. */
export async function compareSamples(input: CompareInput, queries: readonly Query[]): Promise<Comparison[]> {
  const samples: Comparison[] = [];
  for (const { text } of queries) {
    try {
      samples.push(await compareSearches(input, text, HITS));
    } catch (error) {
      if (!(error instanceof GateError)) throw error;
    }
  }
  return samples;
}

export function sampleSection(samples: readonly Comparison[]): Part {
  const list = (hits: readonly Hit[]): Part =>
    hits.length === 0
      ? html`<p>(nothing found)</p>`
      : html`<ol>
          ${hits.map(({ key, title }) => html`<li>${title} <small>${key}</small></li>`)}
        </ol>`;
  return html`<h2>Samples</h2>
    ${samples.map(
      ({ text, legacy, vector, overlap }) =>
        html`<h3>${text}</h3>
          <table>
            <tr>
              <th>legacy</th>
              <th>vector (${overlap} in both)</th>
            </tr>
            <tr>
              <td>${list(legacy)}</td>
              <td>${list(vector)}</td>
            </tr>
          </table>`,
    )}`;
}
