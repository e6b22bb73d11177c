/** `npm run docs:masking`: what was measured, into docs/masking.md. */

import { readFile, writeFile } from 'node:fs/promises';
import { measurementsText, measure } from './measurements.ts';

const [START, END] = ['<!-- made by `npm run docs:masking` -->', '<!-- end -->'];
const page = new URL('../../docs/masking.md', import.meta.url);
const text = await readFile(page, 'utf8');
const from = text.indexOf(START) + START.length;
await writeFile(
  page,
  `${text.slice(0, from)}\n\n${measurementsText(measure())}\n${text.slice(text.indexOf(END))}`,
);
