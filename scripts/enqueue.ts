import { ConfigError } from '../src/errors.ts';
import { latestRun } from '../src/ledger/run/run.ts';
import { ledgerPresent } from '../src/db/migrate.ts';
import type { Pool } from '../src/db/pool.ts';
import type { Config } from '../src/config/load.ts';
import type { Embedder } from '../src/embedding/embedder.ts';
import { missingDdl } from '../src/planning/ddl.ts';
import { tableGrowthLine } from '../src/finalize/forecast/table-growth.ts';
import { forecastRun, indexForecastLine } from '../src/finalize/forecast/run-forecast.ts';
import { previewPlan } from '../src/planning/plan.ts';
import { chooseCapture, missingCapture } from '../src/sync/capture.ts';
import type { Target } from '../src/table/backfill-target.ts';
import { findingLines } from './doctor.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command, Invocation } from '../src/cli/command.ts';
import { count } from '../src/observability/format.ts';
import { enqueueRun, withPreflight } from '../src/planning/enqueue-run.ts';
import { withDatabase } from '../src/cli/session.ts';
import { withProgress } from '../src/terminal/progress-bar.ts';

export const enqueueCommand: Command = {
  name: 'enqueue',
  summary:
    'Checks, adds columns and staging table, plans key ranges and puts one job for each on the queue. Twice is a no-op.',
  flags: {
    'dry-run': { type: 'boolean', help: 'Print plan, sizes, forecast and DDL; change nothing' },
    rows: { type: 'string', value: 'N', help: 'Canary: only the first N eligible rows by key' },
  },
  async run(invocation) {
    const config = await invocation.config();
    const limitRows = parseRows(invocation.flags['rows']);
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'enqueue', logger, (pool) =>
      withPreflight(config, pool, invocation.openEmbedder, async (preflight) => {
        const { findings, blocking } = preflight;
        for (const line of findingLines(findings.filter((each) => each.level !== 'ok')))
          invocation.warn(line);
        if (!preflight.passed) {
          invocation.emit({
            error: {
              code: 'DOCTOR',
              message: blocking.map((each) => each.message).join(' '),
              findings: blocking,
            },
          });
          // A fault in an option is the operator's to correct in the configuration; anything else is a gate.
          return blocking.some((each) => each.option !== undefined) ? EXIT.usage : EXIT.gate;
        }
        if (invocation.flags['dry-run'] === true)
          return dryRun(invocation, config, pool, preflight.target, preflight.embedder, limitRows);
        const result = await withProgress(invocation, (onProgress) =>
          enqueueRun(config, pool, logger, preflight, limitRows, onProgress),
        );
        invocation.emit(result);
        for (const sentence of result.mended) invocation.say(`Mended: ${sentence}.`);
        invocation.say(
          `Run ${result.run} of ${config.backfill}: ${count(result.rows)} rows in ${count(result.batches)} batches; ${count(result.enqueued)} jobs added, ${count(result.alreadyDone)} batches already done.`,
        );
        invocation.say(
          result.enqueued > 0
            ? 'Next: pgvector-backfill worker, and pgvector-backfill status --watch'
            : result.mended.length > 0
              ? 'No job was missing. pgvector-backfill status shows the run.'
              : 'Nothing to add. pgvector-backfill status shows the run.',
        );
        return EXIT.done;
      }),
    );
  },
};

function parseRows(raw: string | boolean | undefined): number | null {
  if (raw === undefined) return null;
  const rows = Number(raw);
  if (Number.isInteger(rows) && rows >= 1) return rows;
  throw new ConfigError(`--rows must be a whole number of at least 1 (got ${String(raw)}).`, {
    code: 'USAGE',
  });
}

async function dryRun(
  invocation: Invocation,
  config: Config,
  pool: Pool,
  target: Target,
  embedder: Embedder,
  limitRows: number | null,
): Promise<number> {
  const { settings, backfill } = config;
  const run = (await ledgerPresent(pool)) ? await latestRun(pool, backfill) : null;
  const ddl = (await missingDdl(pool, target, embedder.dimensions)).map((each) => each.sql);
  const { mode } = await chooseCapture(pool, target, settings);
  ddl.push(...(await missingCapture(pool, target, mode)));
  const plan = await previewPlan(pool, target, {
    batchRows: settings.batchRows,
    limitRows,
    resuming: false,
    fingerprint: embedder.fingerprint,
  });
  const forecast = await forecastRun({
    pool,
    target,
    settings,
    dimensions: embedder.dimensions,
    rows: plan.rows,
    calibrate: true,
  });
  invocation.emit({
    backfill,
    run: run?.id ?? null,
    rows: plan.rows,
    batches: plan.batches,
    enqueued: 0,
    alreadyDone: 0,
    mended: [],
    dryRun: true,
    ddl,
    forecast,
  });
  invocation.say(
    `${count(plan.rows)} eligible rows in ${count(plan.batches)} batches of ${count(settings.batchRows)}; model ${embedder.model}, ${embedder.dimensions} dimensions.`,
  );
  invocation.say(run === null ? 'No run yet.' : `Latest run: ${run.id}, ${run.state}.`);
  invocation.say(`Forecast: ${tableGrowthLine(forecast.tableGrowth)}; then ${indexForecastLine(forecast)}.`);
  invocation.say(ddl.length === 0 ? 'No DDL is needed.' : 'DDL:');
  for (const sql of ddl) invocation.say(`  ${sql};`);
  invocation.say('Nothing was changed.');
  return EXIT.done;
}

await runAsProgram(enqueueCommand, import.meta);
