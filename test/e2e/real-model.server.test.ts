/**
 * A whole run by a real sentence transformer, where a folder of models is named as for test/embedding/reference.test.ts:
 * BACKFILL_REFERENCE_DATA=/path npx vitest run --project server test/e2e/real-model.server.test.ts.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { presentDtypes } from '../../src/embedding/model-files/dtype.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { judgedQueries } from '../../src/demo/sample-queries.ts';
import { openBackfill } from '../setup/backfill.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';

const NAME = 'all-MiniLM-L6-v2';
const localPath = join(process.env['BACKFILL_REFERENCE_DATA'] ?? '', 'models');
const isThere = existsSync(join(localPath, NAME));

if (!isThere)
  process.stderr.write(
    `NOT RUN: a whole run by a real sentence transformer. BACKFILL_REFERENCE_DATA names no folder with models/${NAME}.\n`,
  );

const queries = judgedQueries.map(({ text }, at) => ({ id: `q${at}`, text }));
const judgements = new Map(
  judgedQueries.map(({ relevant }, at) => [
    `q${at}`,
    new Map(relevant.map((key): [string, number] => [String(key), 1])),
  ]),
);

describe.runIf(hasPostgres() && isThere)('a whole run by a real sentence transformer', () => {
  it.each(presentDtypes(join(localPath, NAME)))('%s: accounts, builds, verifies and finds', async (dtype) => {
    const model = { localPath, name: NAME, dimensions: 384 };
    const backfill = await openBackfill(await realDatabase(), model, {
      BACKFILL_TABLE: 'public.articles',
      BACKFILL_TEXT: 'title,body',
      BACKFILL_WHERE: "status <> 'draft'",
      BACKFILL_MODEL_QUANTIZED: '',
      BACKFILL_MODEL_DTYPE: dtype,
      BACKFILL_VERIFY_SAMPLES: '15',
    });
    await loadArticles(backfill.pool, articles());
    await backfill.enqueue();
    const { rows } = await backfill.work();
    expect(rows.eligible).toBe(rows.embedded + rows.skipped + rows.quarantined);
    const { passed, checks, full } = await backfill.verify({ queries, judgements });
    expect(checks.filter((check) => !check.passed)).toEqual([]);
    expect(passed).toBe(true);
    const score = (name: string): number =>
      full?.relevance?.systems.find((system) => system.name === name)?.ndcg10 ?? 0;
    expect(score('vector')).toBeGreaterThan(score('legacy'));
    await backfill.close();
  });
});
