import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { corpus } from './corpus.ts';
import { measurementsText, measure } from './measurements.ts';

/** As measured, less what another draw of the same kinds may cost. */
const MIN_PRECISION = 0.995;
const MIN_RECALL = 0.995;
const MIN_OF_A_KIND = 0.95;

it('on the generated corpus masks what it has to and hardly anything else, in every kind', () => {
  const measurements = measure();
  expect(measurements.strings).toBeGreaterThan(3000);
  expect(new Set(corpus().map(({ value }) => value)).size).toBeGreaterThan(3000);
  expect(measurements.precision).toBeGreaterThan(MIN_PRECISION);
  expect(measurements.recall).toBeGreaterThan(MIN_RECALL);
  const weak = [...measurements.values, ...measurements.alarms].filter(
    ({ right, strings }) => right / strings < MIN_OF_A_KIND,
  );
  expect(weak).toEqual([]);
});

it('docs/masking.md tells these measurements', async () => {
  const page = await readFile(new URL('../../docs/masking.md', import.meta.url), 'utf8');
  // The formatter pads the table.
  const bare = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
  expect(bare(page), 'npm run docs:masking').toContain(bare(measurementsText(measure())));
});
