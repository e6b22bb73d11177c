/** The table of the run: which of its rows are written to, and by what. */

import type { Pool } from '../../../src/db/pool.ts';
import { uniform } from '../../../src/random.ts';

/** Nobody writes to two thirds of the rows: their vectors are what an answer can be held against. */
export const isStable = (id: number): boolean => id % 3 !== 0;

const CHUNK = 2000;

/** Every text gets an id from 1. */
export async function makeRows(pool: Pool, texts: readonly string[]): Promise<void> {
  await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
  await pool.query(
    'CREATE TABLE docs (id bigint PRIMARY KEY, body text NOT NULL, views integer NOT NULL DEFAULT 0)',
  );
  for (let from = 0; from < texts.length; from += CHUNK)
    await pool.query(
      'INSERT INTO docs (id, body) SELECT $1::bigint + at, body FROM unnest($2::text[]) WITH ORDINALITY AS t (body, at)',
      [from, texts.slice(from, from + CHUNK)],
    );
  await pool.query('ANALYZE docs');
}

/** Of the writes: texts that change, rows that come or go; the others touch what is not embedded, as most writes of a table do. */
export const TEXT_SHARE = 0.25;

export interface Writer {
  writes(): number;
  /** Those of them that change a text, add a row or delete one. */
  changes(): number;
  stop(): Promise<void>;
}

const TICK_MS = 100;

/** Updates, inserts and deletes at that rate, TEXT_SHARE of them of what is embedded, each its own transaction. */
export function startWriter(
  pool: Pool,
  texts: readonly string[],
  { perSecond, seed }: { perSecond: number; seed: number },
): Writer {
  const random = uniform(seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const text = (): string =>
    `${texts[pick(texts.length)] ?? ''} ${texts[pick(texts.length)]?.slice(0, 80) ?? ''}`;
  let writes = 0;
  let changes = 0;
  const own: number[] = [];
  const stop = new AbortController();
  const write = async (): Promise<void> => {
    writes++;
    if (random() >= TEXT_SHARE) {
      await pool.query('UPDATE docs SET views = views + 1 WHERE id = $1', [1 + pick(texts.length)]);
      return;
    }
    changes++;
    const kind = random();
    if (kind < 0.8) {
      await pool.query('UPDATE docs SET body = $2 WHERE id = $1', [
        3 * (1 + pick(Math.floor(texts.length / 3))),
        text(),
      ]);
    } else if (kind < 0.93 || own.length === 0) {
      const added = await pool.query<{ id: string }>(
        'INSERT INTO docs (id, body) SELECT 3 * (max(id) / 3 + 1), $1 FROM docs RETURNING id',
        [text()],
      );
      const id = Number(added.rows[0]?.id);
      own.push(id);
    } else {
      const [id] = own.splice(pick(own.length), 1);
      await pool.query('DELETE FROM docs WHERE id = $1', [id]);
    }
  };
  const running = (async () => {
    const started = performance.now();
    let due = 0;
    while (!stop.signal.aborted) {
      due = Math.min(((performance.now() - started) / 1000) * perSecond, due + perSecond);
      const now = Math.min(Math.floor(due - writes), perSecond);
      for (let at = 0; at < now && !stop.signal.aborted; at++) await write();
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  })();
  return {
    writes: () => writes,
    changes: () => changes,
    async stop() {
      stop.abort();
      await running;
    },
  };
}
