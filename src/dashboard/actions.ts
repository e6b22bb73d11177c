/** The buttons: what the commands of the same names do. */

import { Hono } from 'hono';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { explainedByServer } from '../db/explained-error.ts';
import { BackfillError } from '../errors.ts';
import { latestRun, type Run } from '../ledger/run/run.ts';
import { count } from '../observability/format.ts';
import { pause, resume } from '../planning/pause.ts';
import { retry } from '../planning/retry.ts';
import type { JobQueue } from '../queue/connection.ts';

export interface ActionsInput {
  pool: Pool;
  backfill: string;
  settings: Settings;
  queues: { embed: JobQueue; finalize: JobQueue; sync: JobQueue };
  /** Why the queue is waited for; null where it answers. */
  queueTrouble: () => Promise<string | null>;
}

export type ActionName = 'pause' | 'resume' | 'retry' | 'retry-quarantined';
type Action = (input: ActionsInput, run: Run) => Promise<string>;

/** @returns what to tell the operator. */
async function tryAgain(input: ActionsInput, run: Run, quarantined: boolean): Promise<string> {
  const { pool, settings, queues } = input;
  const { batches, rows } = await retry({ pool, settings, run, queue: queues.embed, quarantined });
  return batches + rows === 0
    ? 'Nothing to try again.'
    : `${count(batches)} batches and ${count(rows)} quarantined rows get another try.`;
}

const ACTIONS: Record<ActionName, Action> = {
  async pause({ pool }, run) {
    const { state } = await pause(pool, run, 'paused by the operator from the dashboard');
    return state === 'paused' ? 'The run is paused.' : `The run is ${state}: there is nothing to pause.`;
  },
  async resume(input, run) {
    const { state, mended } = await resume(input, run);
    return [`Resumed: the run is ${state}.`, ...mended.map((sentence) => `Mended: ${sentence}.`)].join(' ');
  },
  retry: (input, run) => tryAgain(input, run, false),
  'retry-quarantined': (input, run) => tryAgain(input, run, true),
};

/** What the server refuses for a reason of its own, such as that it takes no writes, is told as what was done would be. */
const told = (pool: Pool, words: Promise<string>): Promise<string> =>
  words.catch(async (error: unknown) => {
    const explained = await explainedByServer(pool, error);
    if (!(explained instanceof BackfillError) || explained === error) throw error;
    return `${explained.message} ${explained.remedy ?? ''}`.trim();
  });

/** What needs the queue, where it is away: nothing is begun that could not be ended. A pause is the ledger's alone. */
async function missed({ queueTrouble }: ActionsInput, name: string): Promise<string | null> {
  const words = name === 'pause' ? null : await queueTrouble();
  return words === null ? null : `Nothing was done. ${words}`;
}

/**
 * POST only, and behind `protectActions`. What was done is told on the page that follows, by a number that means
 * nothing to others: an address cannot put words on the page.
 */
export class Actions {
  #told = { number: 0, words: '' };

  /** Words of the last action where `number` is its own. */
  notice(number: string | undefined): string | null {
    return number === String(this.#told.number) && this.#told.number > 0 ? this.#told.words : null;
  }

  routes(input: ActionsInput): Hono {
    const app = new Hono();
    for (const [name, act] of Object.entries(ACTIONS))
      app.post(`/${name}`, async (context) => {
        const run = await latestRun(input.pool, input.backfill);
        const words =
          run === null
            ? 'There is no run yet: run `pgvector-backfill enqueue`.'
            : ((await missed(input, name)) ?? (await told(input.pool, act(input, run))));
        this.#told = { number: this.#told.number + 1, words };
        return context.redirect(`../?done=${this.#told.number}`, 303);
      });
    return app;
  }
}
