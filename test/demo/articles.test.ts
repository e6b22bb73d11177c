import { expect, test } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { demoQueries, judgedQueries } from '../../src/demo/sample-queries.ts';

const all = articles();
const byId = new Map(all.map((article) => [article.id, article]));

test('ids are unique, ascending, and have gaps', () => {
  const ids = all.map(({ id }) => id);
  expect(byId.size).toBe(all.length);
  expect(ids).toEqual(ids.toSorted((a, b) => Number(a - b)));
  expect(Number(ids.at(-1)! - ids[0]!)).toBeGreaterThan(all.length);
});

test('the table is large enough, and no two texts are the same', () => {
  expect(all.length).toBeGreaterThanOrEqual(300);
  expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
  const bodies = all.map(({ body }) => body ?? '').filter((body) => body !== '');
  expect(new Set(bodies).size).toBe(bodies.length);
});

test('holds the edge cases of real tables', () => {
  expect(all.filter(({ body }) => body === null).length).toBeGreaterThan(0);
  expect(all.filter(({ body }) => body === '').length).toBeGreaterThan(0);
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set(['published', 'draft', 'archived']));
});

test('times of updates ascend and are the same in every run', () => {
  expect(all[0]!.updatedAt).toEqual(new Date('2024-01-08T06:30:00Z'));
  expect(all.every((article, i) => i === 0 || article.updatedAt > all[i - 1]!.updatedAt)).toBe(true);
  expect(articles()).toEqual(all);
});

test('every judged answer is an article that the searches can find', () => {
  for (const { text, relevant } of judgedQueries) {
    expect(relevant.length, text).toBeGreaterThan(0);
    expect(new Set(relevant).size, text).toBe(relevant.length);
    for (const id of relevant) expect(byId.get(id)?.status, `${text}: ${id}`).toBe('published');
  }
  expect(new Set(judgedQueries.map(({ text }) => text)).size).toBe(judgedQueries.length);
});

test('the demo shows judged searches', () => {
  expect(demoQueries).toHaveLength(5);
  expect(judgedQueries.map(({ text }) => text)).toEqual(expect.arrayContaining([...demoQueries]));
});
