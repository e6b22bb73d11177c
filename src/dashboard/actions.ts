/** The buttons: what the commands of the same names do. */

import { Hono } from 'hono';
import type { Config } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { explainedByServer } from '../db/explained-error.ts';
import { BackfillError, ConfigError } from '../errors.ts';
import { configOf, wantedGeneration } from '../ledger/generation/choose.ts';
import { latestRun, type Run } from '../ledger/run/run.ts';
import { count } from '../observability/format.ts';
import { pause, resume } from '../planning/pause.ts';
import { retry } from '../planning/retry.ts';
import type { GenerationQueues, Queues } from './generation-queues.ts';

export interface ActionsInput {
  pool: Pool;
  /** As configured: of the generation that is named, or meant without, its own are found. */
  backfill: string;
  settings: Settings;
  queues: GenerationQueues;
  /** Why the queue is waited for; null where it answers. */
  queueTrouble: () => Promise<string | null>;
}

export type ActionName = 'pause' | 'resume' | 'retry' | 'retry-quarantined';
type Action = (input: Own, run: Run) => Promise<string>;

/** Of one generation. */
type Own = Pick<ActionsInput, 'pool' | 'backfill' | 'settings'> & { queues: Queues };

/** @returns what to tell the operator. */
async function tryAgain(input: Own, run: Run, quarantined: boolean): Promise<string> {
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
    for (const name of Object.keys(ACTIONS) as ActionName[])
      app.post(`/${name}`, async (context) => {
        const { generation } = await context.req.parseBody();
        const named = typeof generation === 'string' ? generation : undefined;
        const words = await told(input.pool, act(input, name, named));
        const of = named === undefined ? '' : `Generation ${named}: `;
        this.#told = { number: this.#told.number + 1, words: `${of}${words}` };
        return context.redirect(`../?done=${this.#told.number}`, 303);
      });
    return app;
  }
}

/** @param named number of the generation; where it is absent, the one that the verbs mean */
async function act(input: ActionsInput, name: ActionName, named: string | undefined): Promise<string> {
  const { pool, backfill, settings } = input;
  let own: Config;
  try {
    own = await configOf(pool, { backfill, settings, file: null }, wantedGeneration(named));
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  const run = await latestRun(pool, own.backfill);
  if (run === null) return 'There is no run yet: run `pgvector-backfill enqueue`.';
  const queues = input.queues.of(own.backfill);
  if (queues === null) return 'The queues of this generation are not open here.';
  return (await missed(input, name)) ?? ACTIONS[name]({ pool, ...own, queues }, run);
}
