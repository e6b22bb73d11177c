/** Searches that raise: tried before they answer anybody, counted where they are compared, and no end of anything else. */

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { tryReadMode, type ReadModeTrial } from '../../src/cutover/try-read-mode.ts';
import type { ReadMode } from '../../src/ledger/reads/read-mode.ts';
import { checkLegacySearch } from '../../src/planning/checks/legacy-search.ts';
import { compareSearches } from '../../src/search/compare.ts';
import { createSearch } from '../../src/search/create-search.ts';
import { LegacyTries } from '../../src/search/queries/legacy-fault.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { measureAgreement } from '../../src/verify/measures/agreement.ts';
import { legacyCheck } from '../../src/verify/checks/legacy-search.ts';
import { measureLatency } from '../../src/verify/measures/latency.ts';
import type { SearchContext } from '../../src/verify/measures/systems.ts';
import { openServedTable, wordEmbedder, type ServedTable } from '../search/served-table.ts';
import { databases } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';

/** Right for one word only, as many are. */
const RAISES = `SELECT id FROM things WHERE to_tsvector('english', body) @@ to_tsquery('english', $1) LIMIT $2`;
const WITHOUT_LIMIT = `SELECT id FROM things WHERE body LIKE $1`;

describe.each(databases())('searches that raise, on $name', ({ create }) => {
  let table: ServedTable;
  beforeAll(async () => {
    table = await openServedTable(await create());
  });
  afterAll(() => table.close());

  const contextOf = async (options: Record<string, string> = {}): Promise<SearchContext> => {
    const settings = await makeSettings({ table: 'things', text: 'body', ...options });
    return {
      pool: table.pool,
      target: await describeTarget(table.pool, 'things', settings),
      settings,
      read: {},
    };
  };
  const trial = async (mode: ReadMode, options?: Record<string, string>): Promise<ReadModeTrial> =>
    tryReadMode(await contextOf(options), { mode, percent: mode === 'canary' ? 10 : null });
  const doctor = async (legacy: string): Promise<unknown> => {
    const { pool, target, settings } = await contextOf({ 'legacy-search': legacy });
    return checkLegacySearch(pool, target, settings);
  };

  it('a mode is tried by the searches that it is made of', async () => {
    for (const mode of ['shadow', 'canary', 'vector', 'hybrid'] as const)
      expect(await trial(mode)).toEqual({ refusal: null, notes: [] });
    const noLimit = { 'legacy-search': WITHOUT_LIMIT };
    for (const mode of ['shadow', 'canary'] as const)
      expect((await trial(mode, noLimit)).refusal).toMatch(/does not take the two parameters \$1 .* \$2/);
    expect(await trial('vector', noLimit)).toEqual({ refusal: null, notes: [] });
    const { refusal, notes } = await trial('shadow', { 'legacy-search': RAISES });
    expect(refusal).toBeNull();
    expect(notes).toEqual([
      expect.stringMatching(/^the legacy search raises for 5 of \d+ queries .*: SQLSTATE 42601/),
    ]);
    expect((await trial('hybrid', { 'search-tsvector': 'nowhere' })).refusal).toMatch(
      /ranking by words .*42703/,
    );
  });

  it('doctor tries the legacy search once', async () => {
    expect(await doctor(WITHOUT_LIMIT)).toMatchObject([
      { level: 'error', check: 'legacy-search', option: 'legacySearch' },
    ]);
    expect(await doctor(RAISES)).toMatchObject([
      { level: 'warn', message: expect.stringContaining('"two words"') as string },
    ]);
    expect(await doctor('SELECT id FROM things WHERE body ILIKE $1 LIMIT $2')).toEqual([]);
  });

  it('a query that raises counts as finding nothing, in figures and side by side', async () => {
    const tries = new LegacyTries();
    const context = { ...(await contextOf({ 'legacy-search': RAISES })), tries };
    const queries = ['bread', 'secret bread'].map((text) => ({
      id: text,
      text,
      vector: '[1,0,0]',
      embeddingMs: 1,
    }));
    expect(await measureAgreement(context, queries, 'file')).toMatchObject({ queries: 2 });
    await measureLatency(context, queries);
    const [check] = legacyCheck(tries);
    expect(check).toMatchObject({ name: 'legacy-search', passed: true, value: tries.raised });
    expect([tries.asked, tries.raised]).toEqual([6, 3]);
    expect(check?.detail).not.toContain('secret');
    const compared = await compareSearches({ ...context, embedder: wordEmbedder() }, 'secret bread', 3);
    expect(compared).toMatchObject({ legacy: [], legacyFault: expect.stringContaining('42601') as string });
    expect(compared.vector).toHaveLength(3);
  });

  it('a text of more words than a tsvector holds, and a query of an endless word, end no hybrid search', async () => {
    await table.pool.query(
      `INSERT INTO things SELECT 1000, 'crumbs ' || string_agg(md5(i::text), ' '), 'en', '[0,0,1]' FROM generate_series(1, 30000) i`,
    );
    expect(await trial('hybrid')).toEqual({ refusal: null, notes: [] });
    await table.set({ mode: 'hybrid', percent: null });
    const search = createSearch({ pool: table.pool, backfill: 'things', embedder: wordEmbedder() });
    const { hits } = await search.search('crumbs', { k: 1 });
    expect(hits.map(({ key }) => key)).toEqual(['1000']);
    expect((await search.search(`bread ${'x'.repeat(3000)}`, { k: 3 })).hits).toHaveLength(3);
    await search.close();
  });

  it('a row that raises in the operator’s own tsvector leaves the answer to vectors, and says so once', async () => {
    const tsvector = `to_tsvector('simple', body || (1 / (id - 6))::text)`;
    expect((await trial('hybrid', { 'search-tsvector': tsvector })).notes).toEqual([
      expect.stringMatching(/some row cannot be ranked by its words \(SQLSTATE 22012/),
    ]);
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const options = { search: { tsvector } };
    const search = createSearch({ pool: table.pool, backfill: 'things', embedder: wordEmbedder(), options });
    for (let times = 0; times < 2; times++)
      expect((await search.search('bread', { k: 3 })).hits.map(({ key }) => key)).toEqual(['2', '5', '8']);
    expect(
      warning.mock.calls.filter(
        ([, about]) => (about as { code?: string }).code === 'PGVECTOR_BACKFILL_WORDS',
      ),
    ).toHaveLength(1);
    warning.mockRestore();
    await search.close();
  });
});
