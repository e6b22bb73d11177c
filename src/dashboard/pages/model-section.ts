/** The model that a run's vectors are made with: how it is used, and who says so. */

import { html } from 'hono/html';
import { contradictions, usageFacts } from '../../embedding/usage/usage-words.ts';
import type { GenerationView } from '../feed/progress-feed.ts';
import { NOTHING, partId, table, type Markup } from './layout.ts';

export function modelSection({ known, snapshot }: GenerationView): Markup {
  const { model } = snapshot;
  const used = known?.usage ?? [];
  if (model === null) return NOTHING;
  return html`<section id="${partId('model', snapshot)}">
    <h2>Model</h2>
    <p>${model.name}, ${model.dimensions} dimensions, fingerprint ${model.fingerprint.slice(0, 12)}</p>
    ${
      used.length === 0
        ? NOTHING
        : table(
            'How the model is used',
            ['Option', 'Value', 'Who says it'],
            usageFacts(used).map(({ path, value, source }) => [path, value, source]),
          )
    }
    ${contradictions(used).map(
      ({ words }) => html`<p><strong class="badge warn">warn</strong> <span>${words}</span></p>`,
    )}
  </section>`;
}
