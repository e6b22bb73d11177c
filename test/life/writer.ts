/** An application at work on a table that keeps its size: edits, empties, deletes and brings back rows, through every outage. */

import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import type { Pool } from '../../src/db/pool.ts';
import { isUnreachable } from '../../src/db/sqlstates.ts';
import { WORDS } from '../chaos/faults.ts';
import { running, type LiveWriter } from '../setup/live-writer.ts';

/** Rows of one statement. */
const ROWS = 6;
const AGAIN_MS = 200;

/** `rows`: keys are 1 to so many. It rejects at its end where a statement failed for another reason than an outage. */
export function startLifeWriter(
  pool: Pool,
  rows: number,
  editsPerSecond: number,
  random: () => number,
): LiveWriter {
  const stopped = new AbortController();
  const pick = (below: number): number => Math.floor(random() * below);
  let written = 0;
  const text = (): string =>
    `bread ${Array.from({ length: 3 + pick(6) }, () => WORDS[pick(WORDS.length)]).join(' ')} `;

  async function writeOnce(): Promise<void> {
    const keys = Array.from({ length: ROWS }, () => 1 + pick(rows));
    const kind = pick(10);
    const { rowCount } =
      kind < 6
        ? await pool.query('UPDATE docs SET body = $2 || id WHERE id = ANY ($1)', [keys, text()])
        : kind < 7
          ? await pool.query('UPDATE docs SET body = NULL WHERE id = ANY ($1)', [keys])
          : kind < 8
            ? await pool.query('DELETE FROM docs WHERE id = ANY ($1)', [keys])
            : await pool.query(
                `INSERT INTO docs (id, body) SELECT DISTINCT n, $2 || n FROM unnest($1::bigint[]) n ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
                [keys, text()],
              );
    written += rowCount ?? 0;
  }

  async function write(): Promise<void> {
    let next = performance.now();
    while (!stopped.signal.aborted) {
      try {
        await writeOnce();
      } catch (error) {
        if (!isUnreachable(error) && !/deadlock/.test(messageOf(error))) throw error;
        await delay(AGAIN_MS);
      }
      // What an outage has held up is not made good in one burst.
      next = Math.max(next, performance.now() - AGAIN_MS) + (1000 * ROWS) / editsPerSecond;
      const due = next - performance.now();
      if (due > 0) await delay(due);
    }
  }

  return running(write(), stopped, () => written);
}
