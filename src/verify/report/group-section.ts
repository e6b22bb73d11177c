/** Searches within groups, such as tenants, in the report. */

import { html } from 'hono/html';
import type { Groups } from '../groups/measure-groups.ts';
import { groupSentences, groupsTitle, scanTable, servedTable } from '../groups/group-words.ts';
import { table, type Part } from './layout.ts';

export function groupSection(groups: Groups | null): Part | string {
  if (groups === null) return '';
  const [served, scans] = [servedTable(groups), scanTable(groups)];
  return html`<h2>Searches within groups</h2>
    <p>${groupsTitle(groups)}.</p>
    ${table(served.head, served.rows)}
    <ul>
      ${groupSentences(groups).map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
    ${
      scans.rows.length === 0
        ? ''
        : html`<details>
            <summary>By the vector index, with other settings of its scan</summary>
            ${table(scans.head, scans.rows)}
          </details>`
    }`;
}
