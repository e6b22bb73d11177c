/** How the pages put figures into words and curves. */

import { expect, it } from 'vitest';
import { withoutFlapping } from '../../src/dashboard/pages/progress-page.ts';
import { ratePlots } from '../../src/dashboard/pages/rate-plots.ts';
import { doneAbout } from '../../src/dashboard/pages/run-sections.ts';
import { accessOf, searchPage } from '../../src/dashboard/pages/search-page.ts';
import { duration, roundUp } from '../../src/observability/format.ts';

it('ends an axis at a round number that no value is above', () => {
  expect([0, 0.3, 1, 7, 213, 499, 501, 1000].map(roundUp)).toEqual([1, 0.5, 1, 10, 500, 500, 1000, 1000]);
});

it('draws a curve with its axes in figures, and none without two points', async () => {
  const at = (
    seconds: number,
    rowsPerSecond: number,
  ): { at: number; rowsPerSecond: number; etaSeconds: null } => ({
    at: seconds * 1000,
    rowsPerSecond,
    etaSeconds: null,
  });
  expect(String(await ratePlots([at(0, 10)])).trim()).toBe('');
  const shown = String(await ratePlots([at(0, 0), at(60, 100), at(120, 150)]));
  expect(shown).toContain('Rows a second over the last 2 min 0 s: highest 150, now 150');
  expect(shown).toContain('points="0.0,100.0 300.0,50.0 600.0,25.0"');
  expect(shown).not.toContain('Time left');
});

it('says when a run will be done, with the day where that is another one', () => {
  const now = new Date('2026-03-01T23:50:30Z');
  expect(doneAbout(null, now)).toBe('');
  expect(doneAbout(30, now)).toBe('');
  expect(doneAbout(300, now)).toBe('about 23:55 UTC');
  expect(doneAbout(3600, now)).toBe('about 2026-03-02 00:50 UTC');
});

it('shows days where a run takes days', () => {
  expect([59, 3599, 86_399, 86_400, 200_000].map(duration)).toEqual([
    '59 s',
    '59 min 59 s',
    '23 h 59 min',
    '1 d 0 h',
    '2 d 7 h',
  ]);
});

it('makes one event of those of a signal that comes and goes', () => {
  const event = (kind: string, message: string): Parameters<typeof withoutFlapping>[0][number] => ({
    at: '2026-03-01T00:00:00.000Z',
    level: 'info',
    kind,
    message,
  });
  const shown = withoutFlapping([
    event('throttle.go', 'newest'),
    event('throttle.hold', 'a'),
    event('throttle.go', 'b'),
    event('run.tuned', 'c'),
    event('throttle.hold', 'd'),
  ]);
  expect(shown.map(({ message, more }) => [message, more])).toEqual([
    ['newest', 2],
    ['c', 0],
    ['d', 0],
  ]);
});

it('names the way to the rows from a plan', () => {
  expect(accessOf('Limit  (cost=1..2)\n  ->  Index Scan using a_idx on a  (cost=1..2)\n')).toBe(
    'Index Scan using a_idx on a',
  );
  expect(accessOf('Gather\n  ->  Parallel Seq Scan on a  (cost=1..2)')).toBe('Parallel Seq Scan on a');
  expect(accessOf('Result  (cost=0..1)')).toBeNull();
});

it('compares both answers, and says where the legacy one is cut short by a filter', async () => {
  const hit = (
    key: string,
    distance: number | null,
  ): { key: string; title: string; distance: number | null } => ({
    key,
    title: '',
    distance,
  });
  const page = (legacyFilteredOf: number | null): Promise<string> =>
    Promise.resolve(
      searchPage({
        backfill: 'docs',
        filters: ['news'],
        query: { text: 'q', k: 2, filter: 'news' },
        result: {
          answer: {
            text: 'q',
            legacy: [hit('7', null)],
            vector: [
              {
                ...hit('9', 0.1),
                passage: { number: 4, start: 10, end: 400, text: `<b>${'😀'.repeat(301)}` },
              },
              hit('7', 0.2),
            ],
            legacyFilteredOf,
            legacyFault: null,
            overlap: 1,
            legacyMs: 40,
            vectorMs: 1.5,
            embeddingMs: 2.5,
            sql: {
              legacy: { sql: 'SELECT 1', plan: 'Seq Scan on docs  (cost=0..1)' },
              vector: {
                sql: 'SELECT 2',
                plan: 'Limit\n  ->  Index Scan using docs_idx on docs  (cost=0..1)',
              },
            },
          },
        },
        judging: null,
      }),
    ).then(String);
  const shown = await page(100);
  expect(shown).toMatch(/of its first 100 keys\s+those that meet it/);
  expect(shown).toContain('vector rank 2');
  expect(shown).toMatch(/Passage 4: &lt;b&gt;(😀){297} …\s/u);
  expect(shown).toContain('legacy rank 1');
  expect(shown).toContain('Index Scan using docs_idx on docs');
  expect(shown.replaceAll(/\s+/g, ' ')).toContain(
    '<b>4.0 ms</b> <small>1.5 in the database, 2.5 for the model',
  );
  expect(await page(null)).not.toContain('knows nothing of the filter');
});
