/** What truncation, means and passages make of texts whose point comes late. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import type { ComparedModel, ComparedModels } from '../../src/verify/compared-models/compare-models.ts';
import type { LongTexts } from '../../src/verify/long-texts/compare-long-texts.ts';

const ROWS = 40;
/** Each of them ends with one of these, behind what they all have in common. */
const ENDS = ['kitten sleeps', 'mortgage interest', 'guitar strings', 'bicycle tyre puncture'];

describe.each(databases())('long texts compared on $name', ({ create }) => {
  let backfill: TestBackfill;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'long-texts-'));
    backfill = await openBackfill(await create(), sampleModel(), {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_MODEL_MAX_TOKENS: '32',
      BACKFILL_MODEL_CHUNK_OVERLAP: '4',
    });
    await createDocs(
      backfill.pool,
      ROWS,
      `repeat('bread dough yeast flour. ', 20) || E'\\n\\n' || (ARRAY['${ENDS.join("','")}'])[1 + n % ${ENDS.length}]`,
    );
    await backfill.enqueue();
    await writeFile(
      join(folder, 'queries.jsonl'),
      ENDS.map((text, at) => JSON.stringify({ id: `q${at}`, text })).join('\n'),
    );
    const relevant = Array.from({ length: ROWS }, (_, at) => `q${(at + 1) % ENDS.length} 0 ${at + 1} 1`);
    // Keys that the table does not have, or could not have.
    await writeFile(join(folder, 'qrels.tsv'), [...relevant, 'q0 0 9999 1', 'q0 0 none 1'].join('\n'));
  });
  afterAll(async () => {
    await backfill.close();
    await rm(folder, { recursive: true });
  });

  const verify = (...args: string[]): ReturnType<typeof runCommand> =>
    runCommand('verify', args, backfill.env, folder);

  it('says by judged queries what each of the three finds, and keeps nothing of it', async () => {
    const { stdout, json } = await verify(
      '--queries',
      'queries.jsonl',
      '--judgements',
      'qrels.tsv',
      '--compare-long-texts',
      '--long-text-rows',
      '10',
      '--json',
    );
    expect(stdout).not.toBe('');
    const { longTexts } = json() as { longTexts: LongTexts };
    expect(longTexts).toMatchObject({
      queries: ENDS.length,
      rows: ROWS,
      judgedRows: ROWS,
      longRows: ROWS,
      cutRows: 0,
    });
    expect(longTexts.passages).toBeGreaterThan(3 * ROWS);
    const [truncate, mean, chunks] = longTexts.modes;
    expect(longTexts.modes.map(({ mode }) => mode)).toEqual(['truncate', 'mean-of-chunks', 'chunks']);
    expect(chunks?.ndcg10).toBe(1);
    expect(truncate?.ndcg10).toBeLessThan(0.7);
    expect(mean?.ndcg10).toBeLessThanOrEqual(1);
    expect(chunks?.difference?.value).toBeCloseTo(1 - (truncate?.ndcg10 ?? 1), 6);
    expect(chunks?.difference?.low).toBeGreaterThan(0);
    expect(truncate?.difference).toBeNull();
    const { rows } = await backfill.pool.query(
      'SELECT count(*)::int AS n FROM docs WHERE embedding IS NOT NULL',
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('are tried by a comparison of models too, where they are more than a few', async () => {
    const { code, json } = await runCommand(
      'compare-models',
      ['--json', '--models', 'sample', '--queries', 'queries.jsonl', '--judgements', 'qrels.tsv'],
      backfill.env,
      folder,
    );
    const { models, best, queries } = json() as ComparedModels;
    expect(queries).toMatchObject({ source: 'judged', count: ENDS.length, unknownKeys: 2 });
    const [model] = models as ComparedModel[];
    expect(code).toBe(0);
    expect(best?.mode).not.toBe('truncate');
    expect(model).toMatchObject({ rows: ROWS, judgedRows: ROWS, longRows: ROWS });
    const [truncate, , chunks] = model?.modes ?? [];
    expect(truncate).toMatchObject({ mode: 'truncate', cutShare: 1, vectorsPerRow: 1 });
    expect(truncate?.toBest?.high).toBeLessThan(0);
    expect(chunks).toMatchObject({ mode: 'chunks', ndcg10: 1, cutShare: 0 });
    // Of passages the table beside the legacy table is forecast.
    expect(chunks?.forecast.vectors).toBe(Math.round(ROWS * (chunks?.vectorsPerRow ?? 0)));
    expect(chunks?.vectorsPerRow).toBeGreaterThan(3);
  });

  it('asks for judged queries', async () => {
    const refused = await verify('--compare-long-texts');
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('--judgements FILE');
  });
});
