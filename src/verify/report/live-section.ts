/** Both generations and the legacy search in the report. */

import { html } from 'hono/html';
import type { FullResult } from '../full-measurement.ts';
import { table, type Part } from './layout.ts';
import { liveSentences, sideBySide } from './side-by-side.ts';

export function liveSection(full: FullResult, own: number): Part | string {
  const { live } = full;
  if (live == null) return '';
  const { head, rows } = sideBySide(full, live, own);
  return html`<h2>Generation ${own} beside generation ${live.generation}</h2>
    <p>
      Generation ${live.generation} (${live.model}, ${live.dimensions}
      dimensions)${live.answersReads ? ' answers reads' : ' answers no reads'}. Each is asked by its own model
      and index, on the same queries in turn.
    </p>
    ${table(head, rows)}
    <ul>
      ${liveSentences(full).map((sentence) => html`<li>${sentence}</li>`)}
    </ul>`;
}
