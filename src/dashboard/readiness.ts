/** Whether the dashboard can do its work: for probes, which are told what does not answer and nothing more. */

import type { Pool } from '../db/pool.ts';
import type { JobQueue } from '../queue/connection.ts';
import { withTimeLimit } from '../time-limit.ts';

const LIMIT_MS = 2000;

function answers(ask: () => Promise<unknown>): Promise<boolean> {
  const asked = ask().then(
    () => true,
    () => false,
  );
  return withTimeLimit(LIMIT_MS, asked, () => false);
}

/** Null where both answer within two seconds. */
export async function readinessProblem(pool: Pool, queue: JobQueue): Promise<string | null> {
  const [database, jobs] = await Promise.all([
    answers(() => pool.query('SELECT 1')),
    answers(() => queue.getJobCounts('waiting')),
  ]);
  const silent = [database ? null : 'the database', jobs ? null : 'the queue'].filter(
    (each) => each !== null,
  );
  return silent.length === 0
    ? null
    : `${silent.join(' and ')} ${silent.length === 1 ? 'does' : 'do'} not answer`;
}
