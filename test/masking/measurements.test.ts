import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { corpus } from './corpus.ts';
import { figuresText, measure } from './measurements.ts';

/** As measured, less what another draw of the same kinds may cost. */
const MIN_PRECISION = 0.995;
const MIN_RECALL = 0.995;
const MIN_OF_A_KIND = 0.95;

it('on the generated corpus masks what it has to and hardly anything else, in every kind', () => {
  const figures = measure();
  expect(figures.strings).toBeGreaterThan(3000);
  expect(new Set(corpus().map(({ value }) => value)).size).toBeGreaterThan(3000);
  expect(figures.precision).toBeGreaterThan(MIN_PRECISION);
  expect(figures.recall).toBeGreaterThan(MIN_RECALL);
  const weak = [...figures.values, ...figures.alarms].filter(
    ({ right, strings }) => right / strings < MIN_OF_A_KIND,
  );
  expect(weak).toEqual([]);
});

it('docs/masking.md tells these figures', async () => {
  const page = await readFile(new URL('../../docs/masking.md', import.meta.url), 'utf8');
  // The formatter pads the table.
  const bare = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
  expect(bare(page), 'npm run docs:masking').toContain(bare(figuresText(measure())));
});
