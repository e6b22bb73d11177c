/** A whole run in this process, without a queue and with a model that costs nothing: for properties of many tables. */

import { createHash } from 'node:crypto';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import {
  createIndexSql,
  findIndex,
  wantedIndex,
  type FoundIndex,
} from '../../src/finalize/index-definition.ts';
import { accountFor, type Accounting } from '../../src/ledger/rows/accounting.ts';
import { createRun, findRun, type Run } from '../../src/ledger/run/run.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { noteMadeTable } from '../../src/ledger/backfill/made-table.ts';
import { moveRun } from '../../src/ledger/run/move-run.ts';
import { scopeOf } from '../../src/ledger/run/scope.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { IdenticalVectorsCheck } from '../../src/pipeline/identical-vectors.ts';
import type { PipelineContext } from '../../src/pipeline/pipeline-context.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { applyDdl } from '../../src/planning/ddl.ts';
import { blockers, diagnose } from '../../src/planning/doctor.ts';
import { planRun } from '../../src/planning/plan.ts';
import { applyCapture } from '../../src/sync/capture.ts';
import { drainChanges } from '../../src/sync/drain-changes.ts';
import { catchUp } from '../../src/sync/catch-up.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { Throttle } from '../../src/throttle/throttle.ts';

/** Vectors of unit length that tell every text from every other; a text without a letter or digit is unknown to it. */
export function hashEmbedder(dimensions = 8): Embedder {
  const vectorOf = (text: string): number[] => {
    const digest = createHash('sha256').update(text).digest();
    const parts = Array.from({ length: dimensions }, (_, at) => (digest[at % 32] ?? 0) - 127.5);
    const length = Math.hypot(...parts);
    return parts.map((part) => part / length);
  };
  return {
    model: 'hash',
    dimensions,
    fingerprint: 'f'.repeat(64),
    precision: 'fp32',
    maxCharacters: 2048,
    maxTokens: 256,
    countTokens: (texts) => Promise.resolve(new Int32Array(texts.length).fill(1)),
    embed: (texts) =>
      Promise.resolve({
        vectors: Float32Array.from(texts.flatMap(vectorOf)),
        tokens: new Int32Array(texts.length).fill(1),
        truncated: new Uint8Array(texts.length),
        faults: Uint8Array.from(texts, (text) => (/[\p{L}\p{N}]/u.test(text) ? 0 : 1)),
        masked: {},
      }),
    close: () => Promise.resolve(),
  };
}

export interface RunResult {
  context: PipelineContext;
  run: Run;
  index: FoundIndex;
  account(): Promise<Accounting>;
  /** What was captured is brought in line; captured changes that are left. */
  sync(): Promise<number>;
}

/** What doctor holds against it, by `check`; empty where it would let it pass. */
export async function complaints(pool: Pool, { backfill, settings }: Config): Promise<string[]> {
  const { findings } = await diagnose({
    pool,
    backfill,
    settings,
    openEmbedder: () => Promise.resolve(hashEmbedder()),
    withQueue: false,
  });
  return blockers(findings).map(({ check, message }) => `${check}: ${message}`);
}

/** DDL, triggers, plan, batches, gap sweep, index. The ledger has to be there. */
export async function runAll(
  pool: Pool,
  { backfill, settings }: Config,
  embedder: Embedder,
  { index: withIndex = true } = {},
): Promise<RunResult> {
  const describe = (): ReturnType<typeof describeTarget> => describeTarget(pool, backfill, settings);
  const described = await describe();
  await saveBackfill(pool, described, {});
  await applyDdl(pool, described, embedder.dimensions, {
    table: (client, table) => noteMadeTable(client, backfill, table),
  });
  const target = await describe();
  await saveBackfill(pool, target, {});
  await applyCapture(pool, target, settings);
  const { fingerprint, model, dimensions } = embedder;
  const facts = { fingerprint, model, dimensions, batchRows: settings.batchRows };
  const created = await createRun(pool, backfill, {
    ...facts,
    scope: scopeOf(settings),
    tableOid: target.oid,
  });
  await planRun(pool, target, created, { ...facts, limitRows: null, resuming: false });
  await moveRun(pool, created.id, ['planned'], 'running', '');
  const run = (await findRun(pool, created.uid)) as Run;
  const logger = silentLogger;
  const throttle = new Throttle({ pool, backfill, settings, logger });
  const context = {
    pool,
    target,
    settings,
    embedder,
    logger,
    throttle,
    collapse: new IdenticalVectorsCheck(),
  };
  for (let number = 1; number <= run.batchesPlanned; number++) await processBatch(context, run, number);
  await catchUp(context, run, true);
  const wanted = wantedIndex(target, settings, run.rowsPlanned);
  if (withIndex) await pool.query(createIndexSql(target, wanted));
  return {
    context,
    run,
    index: await findIndex(pool, target, wanted),
    account: () => accountFor(pool, target, fingerprint),
    async sync() {
      await drainChanges(context, run);
      const left = await pool.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM pgvector_backfill.change WHERE backfill = $1',
        [backfill],
      );
      return left.rows[0]?.n ?? 0;
    },
  };
}
