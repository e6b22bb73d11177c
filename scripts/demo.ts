import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadConfig } from '../src/config/load.ts';
import { maskPolicy } from '../src/embedding/open-embedder.ts';
import { createPool } from '../src/db/pool.ts';
import { startEmbeddedServer } from '../src/embedded/start-server.ts';
import { articles } from '../src/demo/articles.ts';
import { loadArticles, spreadTitles } from '../src/demo/load.ts';
import { demoQueries } from '../src/demo/queries.ts';
import { assertReadable, readRecords } from '../src/demo/records.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { maskedTexts, tableTexts } from '../src/training/table-texts.ts';
import { DEFAULT_DIMENSIONS, DEFAULT_MIN_DOCUMENTS, DEFAULT_SEED } from '../src/training/train.ts';
import { trainFrom } from '../src/training/train-from.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command, Invocation } from '../src/cli/command.ts';
import { demoLines, keepLines } from '../src/demo/report.ts';
import { runDemo, type DemoRun } from '../src/demo/run.ts';
import { QUEUE_ROLES } from '../src/queue/connection.ts';
import { startWorkers } from '../workers/process.ts';
import { ProgressView } from '../src/terminal/progress-view.ts';

/** The search that the sample's application has today: words of the query, or the query to the letter. */
const LEGACY_SEARCH = `SELECT id FROM articles, websearch_to_tsquery('english', $1) AS query
  WHERE status <> 'draft' AND (to_tsvector('english', concat_ws(' ', title, body)) @@ query OR title ILIKE '%'||$1||'%' OR body ILIKE '%'||$1||'%')
  ORDER BY ts_rank(to_tsvector('english', concat_ws(' ', title, body)), query) DESC, id LIMIT $2`;

const QUERIES = 5;

export const demo: Command = {
  name: 'demo',
  drains: 'the embedded server and its files are put away',
  summary:
    'The whole road on the embedded server: sample table, enqueue, embed, index, verify, and a side-by-side search. Needs nothing but Node.',
  flags: {
    from: {
      type: 'string',
      value: 'FILE',
      help: 'Your own records: .jsonl, .ndjson, .csv or .tsv (also .gz) with id, title, text or body',
    },
    keep: {
      type: 'boolean',
      help: 'Leave the server up and print the environment for status, search and dashboard',
    },
  },
  options: [],
  async run(invocation) {
    const started = performance.now();
    const { cwd, embeddedImage: image } = invocation.host;
    const { from } = invocation.flags;
    const file = typeof from === 'string' ? resolve(cwd, from) : undefined;
    // Told before a server is started, not behind it.
    if (file !== undefined) await assertReadable(file);
    const server = await startEmbeddedServer({
      logger: { info: (line) => invocation.say(line) },
      ...(image === undefined ? {} : { image }),
    });
    const models = await mkdtemp(join(tmpdir(), 'pgvector-backfill-demo-'));
    const keep = invocation.flags['keep'] === true;
    let kept = false;
    // A second Ctrl-C ends the process at once, and what is below with it.
    const removeModels = (): void => rmSync(models, { recursive: true, force: true });
    process.on('exit', removeModels);
    try {
      const env = demoEnvironment(server.url, models);
      const result = await demoOn(invocation, env, file);
      const { passed } = result.verification;
      const seconds = (performance.now() - started) / 1000;
      invocation.emit(demoJson(result, seconds, keep ? { pid: server.pid, environment: env } : undefined));
      for (const line of demoLines(result, seconds)) invocation.say(line);
      if (keep) {
        kept = true;
        server.detach();
        for (const line of keepLines(env, server.pid)) invocation.say(line);
      }
      return passed ? EXIT.done : EXIT.gate;
    } finally {
      process.off('exit', removeModels);
      if (!kept) {
        await server.stop();
        await rm(models, { recursive: true, force: true });
      }
    }
  },
};

function demoEnvironment(url: string, models: string): Record<string, string> {
  return {
    DATABASE_URL: url,
    QUEUE_URL: url,
    BACKFILL_TABLE: 'articles',
    BACKFILL_TEXT: 'title,body',
    BACKFILL_WHERE: "status <> 'draft'",
    BACKFILL_MODEL_NAME: 'trained-on-the-table',
    BACKFILL_MODEL_LOCAL_PATH: models,
    BACKFILL_MODEL_QUANTIZED: 'false',
    BACKFILL_BATCH_ROWS: '100',
    BACKFILL_LEGACY_SEARCH: LEGACY_SEARCH,
  };
}

async function demoOn(
  invocation: Invocation,
  env: Record<string, string>,
  file: string | undefined,
): Promise<DemoRun> {
  const config = await loadConfig({ flags: {}, env, cwd: env['BACKFILL_MODEL_LOCAL_PATH'] ?? '.' });
  const logger = invocation.logger('warn');
  const pool = createPool(config.settings.database, { name: 'demo', max: 6, logger, pinned: true });
  const line = new ProgressView(invocation.host.stderr);
  try {
    const onNotes = (notes: string[]): void => notes.forEach((note) => invocation.warn(note));
    const source =
      file === undefined ? articles() : readRecords(file, { onNotes, signal: invocation.signal });
    const rows = await loadArticles(pool, source);
    invocation.say(`Table articles: ${rows} rows. Training a small model on their texts…`);
    const target = await describeTarget(pool, config.backfill, config.settings);
    const out = join(config.settings.model.localPath, config.settings.model.name);
    // Of the user's own records no word that a single one holds; the sample is in this package anyway.
    const trained = await trainFrom(maskedTexts(tableTexts(pool, target), maskPolicy(config.settings)), {
      minDocuments: file === undefined ? 1 : DEFAULT_MIN_DOCUMENTS,
      out,
      dimensions: DEFAULT_DIMENSIONS,
      seed: DEFAULT_SEED,
      signal: invocation.signal,
    });
    invocation.say(
      `Model: ${trained.vocabulary} words, ${trained.dimensions} dimensions, ${trained.seconds} s. Running the backfill…`,
    );
    const queries = file === undefined ? demoQueries : await spreadTitles(pool, QUERIES);
    return await runDemo({
      config,
      pool,
      logger,
      queries,
      signal: invocation.signal,
      openEmbedder: invocation.openEmbedder,
      startWorkers: (own, ownPool, ownLogger, openEmbedder) =>
        startWorkers(own, ownPool, ownLogger, QUEUE_ROLES, { openEmbedder }),
      onProgress: (snapshot) => line.show(snapshot),
    });
  } finally {
    line.end();
    await pool.end();
  }
}

function demoJson(
  { verification, snapshot, comparisons, model, dimensions, indexSeconds }: DemoRun,
  seconds: number,
  kept?: object,
): object {
  const { accounting, measures, passed } = verification;
  return {
    rows: { ...accounting, perSecond: snapshot.rowsPerSecond },
    index: {
      name: snapshot.index.name,
      method: snapshot.index.method,
      valid: snapshot.index.valid,
      seconds: indexSeconds,
    },
    verify: { passed, missingRows: accounting.missing + accounting.stale, ...measures },
    queries: comparisons.map(({ text, legacy, vector }) => ({ text, legacy, vector })),
    model,
    dimensions,
    seconds,
    ...(kept === undefined ? {} : { kept }),
  };
}

await runAsProgram(demo, import.meta);
