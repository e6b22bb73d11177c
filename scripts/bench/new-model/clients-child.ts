/** Applications that keep searching: a process of its own, so that what they wait for is the database and their model alone. */

import pg from 'pg';
import { messageOf } from '../../../src/errors.ts';
import { createSearch } from '../../../src/search/create-search.ts';
import { isStable } from './rows.ts';

export interface ClientsSetup {
  database: string;
  backfill: string;
  queries: readonly string[];
  clients: number;
  /** Between the answer and the next question of one client, ms. */
  pauseMs: number;
}

export type ToClients =
  | { type: 'start'; setup: ClientsSetup }
  | { type: 'phase'; name: string }
  | { type: 'report' }
  | { type: 'stop' };

/** Of one phase. */
export interface PhaseTimes {
  name: string;
  ms: number[];
}

export interface ClientsReport {
  answers: number;
  failed: number;
  failures: string[];
  /** Hits whose distance differed from an earlier answer of the same generation to the same query. */
  inconsistent: number;
  /** Answers without hits, or that named no generation. */
  nameless: number;
  /** Hits of rows that nobody writes to: query, key, distance as it was told first, by generation. */
  hits: { generation: number; query: number; key: string; distance: number }[];
  /** When the last answer by each generation was begun, ms since 1970. */
  lastBegun: Record<string, number>;
  byGeneration: Record<string, number>;
  phases: PhaseTimes[];
}

const TOLERANCE = 1e-4;
const report: ClientsReport = {
  answers: 0,
  failed: 0,
  failures: [],
  inconsistent: 0,
  nameless: 0,
  hits: [],
  lastBegun: {},
  byGeneration: {},
  phases: [],
};
const told = new Map<string, number>();
let phase: PhaseTimes = { name: 'start', ms: [] };
const stop = new AbortController();

async function client(
  setup: ClientsSetup,
  search: ReturnType<typeof createSearch>,
  first: number,
): Promise<void> {
  for (let at = first; !stop.signal.aborted; at++) {
    const query = (at * 7) % setup.queries.length;
    const begun = Date.now();
    const started = performance.now();
    try {
      const { hits, generation } = await search.search(setup.queries[query] ?? '', {
        k: 10,
        key: `user ${at % 97}`,
      });
      phase.ms.push(performance.now() - started);
      report.answers++;
      if (generation === null || hits.length === 0) report.nameless++;
      else note(generation, query, hits, begun);
    } catch (error) {
      report.failed++;
      if (report.failures.length < 5) report.failures.push(messageOf(error));
    }
    if (setup.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, setup.pauseMs));
  }
}

function note(
  generation: number,
  query: number,
  hits: readonly { key: string; distance: number | null }[],
  begun: number,
): void {
  report.lastBegun[generation] = Math.max(report.lastBegun[generation] ?? 0, begun);
  report.byGeneration[generation] = (report.byGeneration[generation] ?? 0) + 1;
  for (const { key, distance } of hits) {
    if (!isStable(Number(key)) || distance === null) continue;
    const name = `${generation} ${query} ${key}`;
    const before = told.get(name);
    if (before === undefined) {
      told.set(name, distance);
      report.hits.push({ generation, query, key, distance });
    } else if (Math.abs(before - distance) > TOLERANCE) report.inconsistent++;
  }
}

async function run(setup: ClientsSetup): Promise<void> {
  const pool = new pg.Pool({ connectionString: setup.database, max: setup.clients + 2 });
  const search = createSearch({ pool, backfill: setup.backfill });
  await Promise.all(Array.from({ length: setup.clients }, (_, at) => client(setup, search, at * 13)));
  await search.close();
  await pool.end();
}

let running: Promise<void> = Promise.resolve();
process.on('message', (message: ToClients) => {
  if (message.type === 'start') {
    running = run(message.setup).catch((error: unknown) => {
      report.failed++;
      report.failures.push(messageOf(error));
    });
  } else if (message.type === 'phase') {
    report.phases.push(phase);
    phase = { name: message.name, ms: [] };
  } else {
    const isLast = message.type === 'stop';
    const say = (): void => {
      // A report that is still being written goes with the channel.
      process.send?.({ ...report, phases: [...report.phases, phase] }, undefined, undefined, () => {
        if (isLast) process.disconnect();
      });
    };
    if (isLast) stop.abort();
    void (isLast ? running : Promise.resolve()).then(say);
  }
});
