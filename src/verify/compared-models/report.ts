/** The report of a comparison of models. */

import { html } from 'hono/html';
import { intervals } from '../report/charts.ts';
import { htmlPage, picture, table, type Part } from '../report/layout.ts';
import { writeReportFile } from '../report/wanted.ts';
import { isFailed, type ComparedModels } from './compare-models.ts';
import { comparedWords } from './words.ts';

/** @throws ConfigError where the file cannot be written */
export async function writeComparison(
  path: string,
  backfill: string,
  compared: ComparedModels,
  at = new Date(),
): Promise<void> {
  const words = comparedWords(compared);
  const { relevance, resources, failures } = words;
  const shown = compared.models.flatMap((model) =>
    isFailed(model)
      ? []
      : model.modes.map((mode, nth) => ({ ...mode, name: nth === 0 ? model.asked : mode.mode })),
  );
  const page = await htmlPage(
    `${backfill}: models compared`,
    html`<h1>${backfill}: models compared</h1>
      <p>${at.toISOString()}. Figures and names only: no text of rows or queries.</p>
      <p>${words.asked}</p>
      <p><strong>${words.chosen}</strong></p>
      ${failures.map(
        ({ asked, message, remedy }): Part =>
          html`<p><span class="fail">${asked} cannot be used:</span> ${message} ${remedy ?? ''}</p>`,
      )}
      ${shown.length === 0 ? '' : picture(intervals('nDCG@10 of each model with its 95 % interval', shown))}
      ${table(relevance.head, relevance.rows)}
      <h2>For all rows</h2>
      <p>${words.forecast}</p>
      ${table(resources.head, resources.rows)}
      <p><small>${words.note}</small></p>`,
  );
  await writeReportFile(path, page, 'w', false);
}
