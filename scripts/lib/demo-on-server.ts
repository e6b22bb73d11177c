/** The demo on a server that is up: table, model, backfill. */

import type { Invocation } from '../../src/cli/command.ts';
import { createPool } from '../../src/db/pool.ts';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles, spreadTitles } from '../../src/demo/load-articles.ts';
import { demoQueries } from '../../src/demo/sample-queries.ts';
import { readRecords } from '../../src/demo/records.ts';
import { runDemo, type DemoRun } from '../../src/demo/run-demo.ts';
import { QUEUE_ROLES } from '../../src/queue/connection.ts';
import { ProgressView } from '../../src/terminal/progress-view.ts';
import { DEFAULT_MIN_DOCUMENTS } from '../../src/training/train.ts';
import { startWorkers } from '../../workers/process.ts';
import { trainDemoModel } from './demo-model.ts';
import { settledConfig } from './settled-config.ts';

const QUERIES = 5;

/** @param file of records, in place of the sample */
export async function demoOnServer(
  invocation: Invocation,
  env: Record<string, string>,
  file: string | undefined,
): Promise<DemoRun> {
  const { say, warn, signal, openEmbedder } = invocation;
  const config = await settledConfig({ env, cwd: env['BACKFILL_MODEL_LOCAL_PATH'] ?? '.' });
  const logger = invocation.logger('warn');
  const pool = createPool(config.settings.database.url, { name: 'demo', max: 6, logger, pinned: true });
  const view = new ProgressView(invocation.host.stderr);
  try {
    const source =
      file === undefined
        ? articles()
        : readRecords(file, { onNotes: (notes) => notes.forEach(warn), signal });
    say(`Table articles: ${await loadArticles(pool, source)} rows. Training a small model on their texts…`);
    // Of the user's own records no word that a single one holds; the sample is in this package anyway.
    say(await trainDemoModel(config, pool, file === undefined ? 1 : DEFAULT_MIN_DOCUMENTS, signal));
    return await runDemo({
      config,
      pool,
      logger,
      queries: file === undefined ? demoQueries : await spreadTitles(pool, QUERIES),
      signal,
      openEmbedder,
      onProgress: (snapshot) => view.show(snapshot),
      startWorkers: (options) => startWorkers(config, pool, logger, QUEUE_ROLES, options),
    });
  } finally {
    view.end();
    await pool.end();
  }
}
