import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tableTexts } from '../../src/training/table-texts.ts';
import { keyColumn } from '../table/make-key.ts';

let db: PGlite;
beforeAll(async () => {
  db = await PGlite.create();
});
afterAll(() => db.close());

test('reads every eligible row once, in pages by key', async () => {
  await db.exec(`CREATE TABLE "Odd name" (id int PRIMARY KEY, title text, hidden boolean);
    INSERT INTO "Odd name" SELECT i * 3 - 3000, 'text ' || i, i % 10 = 0 FROM generate_series(1, 2500) i`);
  const source = {
    table: 'public."Odd name"',
    ref: '"Odd name"',
    key: [keyColumn('id', 'integer')],
    text: `concat_ws(chr(10), "Odd name"."title")`,
    where: '(NOT hidden)',
  };
  const texts: string[] = [];
  for await (const text of tableTexts({ query: (sql, values) => db.query(sql, values) as never }, source))
    texts.push(text);
  expect(texts).toEqual(
    Array.from({ length: 2500 }, (_, i) => i + 1)
      .filter((i) => i % 10 !== 0)
      .map((i) => `text ${i}`),
  );
});
