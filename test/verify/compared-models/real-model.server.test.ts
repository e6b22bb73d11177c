/**
 * A comparison of models against whole runs of them, on a real model and a collection that people have judged, where a folder with
 * both is named by BACKFILL_REFERENCE_DATA: models/all-MiniLM-L6-v2/ and cranfield/ with docs.jsonl, queries.jsonl and qrels.tsv.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadArticles } from '../../../src/demo/load-articles.ts';
import { readRecords } from '../../../src/demo/records.ts';
import type { SampleRecord } from '../../../src/demo/record-shape.ts';
import { meanOf } from '../../../src/relevance/bootstrap.ts';
import { NDCG_K, ndcg } from '../../../src/relevance/metrics.ts';
import { readJudgements, readQueries } from '../../../src/relevance/query-file.ts';
import type { ComparedModel, ComparedModels } from '../../../src/verify/compared-models/compare-models.ts';
import { measurable } from '../../../src/verify/measures/relevance.ts';
import { rankVector } from '../../../src/verify/measures/systems.ts';
import { embedQueries } from '../../../src/verify/queries/query-vectors.ts';
import { openBackfill, type TestBackfill } from '../../setup/backfill.ts';
import { runCommand } from '../../setup/command.ts';
import { sharedEmbedder } from '../../setup/embedder.ts';
import { hasPostgres, realDatabase } from '../../setup/databases.ts';

const data = process.env['BACKFILL_REFERENCE_DATA'] ?? '';
const collection = join(data, 'cranfield');
const model = join(data, 'models', 'all-MiniLM-L6-v2');
const isHere = data !== '' && hasPostgres() && existsSync(collection) && existsSync(model);

if (!isHere)
  process.stderr.write(
    'NOT RUN: models compared against whole runs of the real model. BACKFILL_REFERENCE_DATA names no folder with both, or there is no real PostgreSQL.\n',
  );

const TOLERANCE = 0.005;

describe.skipIf(!isHere)('models compared on judged queries', () => {
  const files = { queries: join(collection, 'queries.jsonl'), judgements: join(collection, 'qrels.tsv') };
  let backfill: TestBackfill;
  beforeAll(async () => {
    backfill = await openBackfill(
      await realDatabase(),
      { localPath: join(data, 'models'), name: 'all-MiniLM-L6-v2', dimensions: 384 },
      {
        BACKFILL_TABLE: 'articles',
        BACKFILL_TEXT: 'title,body',
        BACKFILL_MODEL_QUANTIZED: 'true',
        BACKFILL_THREADS: '2',
      },
    );
    const records: SampleRecord[] = [];
    for await (const record of readRecords(join(collection, 'docs.jsonl'))) records.push(record);
    await loadArticles(backfill.pool, records);
  });
  afterAll(() => backfill.close());

  it('come to what whole runs of them come to', async () => {
    const { code, json } = await runCommand(
      'compare-models',
      [
        '--json',
        '--models',
        'trained:full,all-MiniLM-L6-v2',
        '--queries',
        files.queries,
        '--judgements',
        files.judgements,
      ],
      backfill.env,
    );
    const { queries, models } = json() as ComparedModels;
    expect({ code, queries }).toMatchObject({ code: 0, queries: { source: 'judged', count: 225 } });
    const [trained, int8] = (models as ComparedModel[]).map(({ modes }) => modes[0]?.ndcg10 ?? 0);
    // As it was measured once, by another program.
    expect(trained).toBeCloseTo(0.4, 1);
    await backfill.enqueue();
    await backfill.work();
    const judgements = await readJudgements(files.judgements);
    const embedded = await embedQueries(
      await sharedEmbedder(backfill.config.settings),
      measurable({ queries: await readQueries(files.queries), judgements }),
    );
    const context = {
      pool: backfill.pool,
      target: await backfill.target(),
      settings: backfill.config.settings,
      read: {},
    };
    const scores: number[] = [];
    for (const query of embedded) {
      const { served } = await rankVector(context, query, { k: NDCG_K, depth: NDCG_K });
      scores.push(ndcg(served, judgements.get(query.id) ?? new Map()));
    }
    const run = meanOf(scores);
    expect(Math.abs(run - (int8 ?? 0))).toBeLessThan(TOLERANCE);
  });
});
