import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../src/config/load.ts';
import { queueName } from '../src/queue/address.ts';
import { lookAtQueues, type QueueLook } from '../src/queue/probes/queue-snapshot.ts';
import { installationId } from '../src/ledger/backfill/installation.ts';
import { ledgerPresent } from '../src/db/migrate.ts';
import type { Pool } from '../src/db/pool.ts';
import { GateError } from '../src/errors.ts';
import { showReadChoice } from '../src/ledger/reads/read-mode.ts';
import { listQuarantine, type ListedRow } from '../src/ledger/rows/quarantine.ts';
import { VERIFY_AGAIN, verifiedWithOtherOptions } from '../src/ledger/verification/verified-options.ts';
import { latestRun } from '../src/ledger/run/run.ts';
import { TABLE_REMEDY } from '../src/ledger/run/run-target.ts';
import { scopeDifference } from '../src/ledger/run/scope.ts';
import { MAX_COUNTED } from '../src/ledger/changes/drain-lease.ts';
import { forecastLines } from '../src/terminal/forecast-lines.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command, Invocation } from '../src/cli/command.ts';
import { count, duration, percent } from '../src/observability/format.ts';
import { stillness, waitLines } from '../src/terminal/wait-lines.ts';
import { throttleLines } from '../src/terminal/throttle-lines.ts';
import { modelDrift, type ModelDrift } from '../src/embedding/model-drift.ts';
import { ProgressView } from '../src/terminal/progress-view.ts';
import { watchedProgress, withDatabase } from '../src/cli/session.ts';
import { timeLeft } from '../src/finalize/forecast/wording.ts';
import { progressSnapshot, standing, type ProgressSnapshot } from '../src/ledger/progress/snapshot.ts';

const WATCH_MS = 1000;
/** Many looks of a finalizer. */
const LONG_UNSEEN_SECONDS = 15;
/** Quarantined rows that are shown. */
const LISTED = 20;
/** A look that takes longer is told of. */
const LATE_MS = 1900;
/** What has not answered for so long is a connection that the network has lost. */
const MAX_SILENCE_MS = 30_000;

export const status: Command = {
  name: 'status',
  summary:
    'One snapshot of the run: coverage, rate, ETA, state and reason, cut and masked texts, model, index. Reads the ledger, and asks whether the queue answers.',
  flags: {
    watch: { type: 'boolean', help: 'Go on showing it until interrupted; with --json one object a line' },
  },
  async run(invocation) {
    const config = await invocation.config(['text']);
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(
      config,
      'status',
      logger,
      async (pool) => {
        if (!(await ledgerPresent(pool))) {
          throw new GateError('This database has no ledger yet.', {
            code: 'NO_LEDGER',
            remedy: 'Run `pgvector-backfill enqueue` first.',
          });
        }
        if (invocation.flags['watch'] === true) await watch(invocation, pool, config);
        else {
          const installation = await installationId(pool);
          const where = { url: config.settings.queue, backfill: config.backfill, installation };
          // Never rejects: it may be asked beside the ledger.
          const queueAsked = lookAtQueues(where);
          const ledger = await progressSnapshot(pool, config.backfill);
          const quarantined = await listQuarantine(pool, config.backfill, LISTED);
          const run = await latestRun(pool, config.backfill);
          const options = run === null ? null : scopeDifference(run.scope, config.settings);
          const unverifiedOptions = run === null ? null : await verifiedWithOtherOptions(pool, run);
          const drift = ledger.model === null ? null : await modelDrift(config.settings, ledger.model);
          const look = await queueAsked;
          const { trouble: queue, paused } = look;
          const snapshot = beside(look, ledger);
          invocation.emit({
            ...snapshot,
            queue,
            pausedQueues: paused,
            options,
            unverifiedOptions,
            model: snapshot.model === null ? null : { ...snapshot.model, ...drift },
            quarantine: quarantined,
          });
          for (const line of statusLines(snapshot, drift, { options, unverifiedOptions, queue, paused }))
            invocation.say(line);
          for (const line of quarantineLines(quarantined, snapshot.rows.quarantined)) invocation.say(line);
        }
        return EXIT.done;
      },
      { queryTimeoutMs: MAX_SILENCE_MS },
    );
  },
};

/** Nothing moves while the queue is away, or nobody may take its batches. */
const beside = ({ trouble, paused }: QueueLook, snapshot: ProgressSnapshot): ProgressSnapshot =>
  trouble === null && !paused.includes(queueName(snapshot.backfill, 'embed')) ? snapshot : standing(snapshot);

async function watch(invocation: Invocation, pool: Pool, config: Config): Promise<void> {
  const line = new ProgressView(invocation.host.stdout);
  // Nobody reads any more: `status --watch | head -1`.
  const closed = new AbortController();
  let last: ProgressSnapshot | null = null;
  const { backfill, settings } = config;
  // Asked once: PostgreSQL may be away at a later look.
  const where = { url: settings.queue, backfill, installation: await installationId(pool) };
  invocation.host.stdout.once('error', () => closed.abort());
  try {
    while (!closed.signal.aborted) {
      const late = setTimeout(() => {
        if (last !== null && !invocation.json)
          line.show({ ...standing(last), reason: 'PostgreSQL does not answer: waiting for it' });
      }, LATE_MS);
      const [seen, look] = await Promise.all([
        watchedProgress(pool, backfill, invocation.signal, closed.signal),
        lookAtQueues(where),
      ]).finally(() => clearTimeout(late));
      last = seen;
      const { trouble: queue, paused } = look;
      const snapshot = beside(look, seen);
      if (invocation.json) invocation.emit({ ...snapshot, queue, pausedQueues: paused });
      else line.show(queue === null ? snapshot : { ...snapshot, reason: queue });
      await delay(WATCH_MS, undefined, { signal: invocation.signal });
    }
  } catch (error) {
    if (!invocation.signal.aborted && !closed.signal.aborted) throw error;
    line.end();
  }
}

/** What stands beside the snapshot. `options`: set otherwise than the run was planned for; `verification`: what searches ask that was not verified. */
interface Differences {
  options: string | null;
  unverifiedOptions: string | null;
  /** Why the queue is waited for. */
  queue: string | null;
  /** Queues that somebody else has paused. */
  paused: readonly string[];
}

function statusLines(
  snapshot: ProgressSnapshot,
  drift: ModelDrift | null,
  { options, unverifiedOptions, queue, paused }: Differences,
): string[] {
  const { rows, batches, index, model, sync } = snapshot;
  const age = sync.oldestSeconds === null ? '' : `, the oldest ${duration(sync.oldestSeconds)} old`;
  const masked = Object.entries(snapshot.masked).map(([type, values]) => `${count(values)} ${type}`);
  const rate =
    snapshot.rowsPerSecond === null
      ? stillness(snapshot)
      : `${count(Math.round(snapshot.rowsPerSecond))} rows/s`;
  const eta =
    snapshot.etaSeconds === null
      ? ''
      : snapshot.etaSeconds === 0
        ? ''
        : `, ETA ${duration(snapshot.etaSeconds)}`;
  const reason = [snapshot.readOnly ?? '', snapshot.reason].filter((each) => each !== '').join('; ');
  // Neither NULL nor a vector of zeros, which is set aside, stands in an index.
  const leftOut = rows.skipped + rows.quarantined;
  return [
    `${snapshot.backfill}  run ${snapshot.run ?? '-'}  ${snapshot.state}${reason === '' ? '' : `: ${reason}`}`,
    ...(queue === null ? [] : [`queue    ${queue}`]),
    ...waitLines(snapshot, paused),
    ...(snapshot.table === null ? [] : [`table    ${snapshot.table}. ${TABLE_REMEDY}`]),
    ...(options === null
      ? []
      : [
          `options  others than the run was planned for, which workers and searches go by: ${options}; \`pgvector-backfill enqueue\` plans a run for these`,
        ]),
    ...(unverifiedOptions === null ? [] : [`verified no more: ${unverifiedOptions}. ${VERIFY_AGAIN}`]),
    `rows     ${count(rows.eligible)} eligible = ${count(rows.embedded)} embedded + ${count(rows.skipped)} skipped + ${count(rows.quarantined)} quarantined + ${count(rows.pending)} pending + ${count(rows.stale)} stale`,
    `coverage ${percent(snapshot.coverage)}, ${rate}${eta}`,
    `batches  ${count(batches.merged)} merged, ${count(batches.staged)} staged, ${count(batches.pending)} pending, ${count(batches.failed)} failed`,
    `sync     ${sync.mode}, ${count(sync.pending)}${sync.pending === MAX_COUNTED ? ' or more' : ''} changes to do${age}${sync.reason === '' ? '' : `: ${sync.reason}`}`,
    ...throttleLines(snapshot),
    ...readLines(snapshot),
    `texts    ${count(rows.truncated)} cut at the model's limit; masked: ${masked.length === 0 ? 'nothing' : masked.join(', ')}`,
    ...(model === null || drift === null
      ? []
      : [
          `model    ${model.name}, ${model.dimensions} dimensions, fingerprint ${model.fingerprint.slice(0, 12)}: ${drift.drift === true ? 'DRIFT, ' : ''}${drift.detail}`,
        ]),
    `index    ${index.name === null ? 'not built yet' : `${index.name} (${index.method}${index.forecast?.type === undefined ? '' : ` on ${index.forecast.type}`}), ${index.valid ? 'valid' : (index.phase ?? 'not valid')}${timeLeft(index)}${unseen(index)}`}${leftOut === 0 ? '' : `; ${count(leftOut)} rows without a vector are in no index`}`,
    ...forecastLines(snapshot),
  ];
}

/** A finalizer looks every second: of one that is gone, this is the last word and not the present state. */
function unseen({ seenSecondsAgo }: ProgressSnapshot['index']): string {
  if (seenSecondsAgo === null || seenSecondsAgo < LONG_UNSEEN_SECONDS) return '';
  return `, as it was ${duration(seenSecondsAgo)} ago: no worker has looked since, though the server may be at it; \`pgvector-backfill worker\` goes on with it`;
}

function readLines({ readMode, shadow, canary }: ProgressSnapshot): string[] {
  const { since, by } = readMode;
  const ms = ({ p50, p95 }: { p50: number | null; p95: number | null }): string =>
    p50 === null || p95 === null ? '-' : `${p50.toFixed(1)} / ${p95.toFixed(1)} ms`;
  const asked = shadow.searches + shadow.errors + shadow.timeouts + shadow.skipped;
  return [
    `reads    ${showReadChoice(readMode)}${since === null ? '' : ` since ${since}`}${by === null ? '' : ` by ${by}`}`,
    ...(asked === 0
      ? readMode.mode === 'shadow'
        ? ['shadow   no search of an application was compared yet']
        : []
      : [
          `shadow   ${count(shadow.searches)} compared, ${count(shadow.errors)} errors, ${count(shadow.timeouts)} timeouts, ${count(shadow.skipped)} skipped; overlap ${percent(shadow.overlap ?? 0)}, rank correlation ${(shadow.rankCorrelation ?? 0).toFixed(3)}; p50 / p95: legacy ${ms(shadow.legacyMs)}, vector ${ms(shadow.vectorMs)}`,
        ]),
    ...(canary.vector + canary.legacy === 0
      ? []
      : [
          `canary   ${count(canary.vector)} answered by vectors, ${count(canary.legacy)} by the legacy search, ${count(canary.errors)} of them for an error`,
        ]),
  ];
}

function quarantineLines(listed: readonly ListedRow[], all: number): string[] {
  if (listed.length === 0) return [];
  const tries = (row: ListedRow): string => (row.attempts === 1 ? '' : ` (${row.attempts} attempts)`);
  return [
    `set aside${listed.length < all ? `, the last ${listed.length} of ${count(all)}` : ''}; \`pgvector-backfill retry --quarantined\` tries them again:`,
    ...listed.map((row) => `  key ${row.key}: ${row.reason}${tries(row)}`),
  ];
}

await runAsProgram(status, import.meta);
