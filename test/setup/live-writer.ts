/** An application at work: adds, edits, empties and deletes rows of table `docs (id, body)` until it is told to stop. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../../src/db/pool.ts';
import { uniform } from '../../src/random.ts';

export interface LiveWriter {
  /** Rows written so far. */
  readonly written: number;
  /** Ends it; rejects where one of its statements has failed. */
  stop(): Promise<void>;
}

const WORDS = [
  'bread',
  'dough',
  'bicycle',
  'kitten',
  'mortgage',
  'guitar',
  'garden',
  'doctor',
  'engine',
  'rain',
];
const ROWS = 4;

/** The SQL of a text nobody has written before. */
const text = (seed: number): string =>
  `'${WORDS[seed % 10]} ${WORDS[(seed >> 3) % 10]} ' || ${WORDS.length} || ' ${WORDS[(seed >> 6) % 10]} ' || ${seed}`;

/** `most`: highest id of the table at its start. `pauseMs`: between two statements, each of up to four rows. */
export function startWriter(pool: Pool, most: number, pauseMs: number): LiveWriter {
  const random = uniform(7);
  const pick = (below: number): number => Math.floor(random() * below);
  const stopped = new AbortController();
  let written = 0;
  let added = most;
  async function write(): Promise<void> {
    while (!stopped.signal.aborted) {
      const first = 1 + pick(added);
      const kind = pick(10);
      const between = `id BETWEEN ${first} AND ${first + ROWS - 1}`;
      const body = text(pick(1_000_000));
      const sql =
        kind < 5
          ? `UPDATE docs SET body = ${body} || id WHERE ${between}`
          : kind < 6
            ? `UPDATE docs SET body = NULL WHERE id = ${first}`
            : kind < 8
              ? `INSERT INTO docs (id, body) SELECT n, ${body} || n FROM generate_series(${added + 1}, ${(added += ROWS)}) n`
              : kind < 9
                ? `DELETE FROM docs WHERE ${between}`
                : // Back with a low key, behind whatever has been planned or read.
                  `INSERT INTO docs (id, body) SELECT n, ${body} FROM generate_series(${first}, ${first + ROWS - 1}) n ON CONFLICT DO NOTHING`;
      written += (await pool.query(sql)).rowCount ?? 0;
      await delay(pauseMs);
    }
  }
  return running(write(), stopped, () => written);
}

/** What goes on until `stopped`, and what it has written. */
export function running(ended: Promise<void>, stopped: AbortController, written: () => number): LiveWriter {
  ended.catch(() => {});
  return {
    get written() {
      return written();
    },
    stop: () => {
      stopped.abort();
      return ended;
    },
  };
}
