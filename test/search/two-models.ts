/** Table things with a second generation: other dimensions, other answers, so that none can be taken for the other. */

import { expect } from 'vitest';
import type { ReadBase, WantedReads } from '../../src/ledger/reads/read-mode.ts';
import { withValues } from '../../src/config/shape.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { createRun } from '../../src/ledger/run/run.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import type { SearchResult } from '../../src/search/search-interface.ts';
import { makeSettings } from '../table/make-target.ts';
import { wordEmbedder, type ServedTable } from './served-table.ts';

/** Nearest to bread by the second one. */
export const SECOND_BREAD = ['1', '4', '7'];

const WORDS = ['guitar', '', 'bread', '', 'puppy'];

/** One word, one axis, of five; another one than the first generation's. */
export const secondEmbedder = (changes: Partial<Embedder> = {}): Embedder =>
  wordEmbedder({
    model: 'other words',
    dimensions: WORDS.length,
    fingerprint: 'of the second model',
    embed: (texts) => {
      const vectors = new Float32Array(texts.length * WORDS.length);
      const faults = new Uint8Array(texts.length);
      for (const [at, text] of texts.entries()) {
        const word = WORDS.findIndex((each) => each !== '' && text.includes(each));
        if (word === -1) faults[at] = 1;
        else vectors[at * WORDS.length + word] = 1;
      }
      const none = new Int32Array(texts.length);
      return Promise.resolve({
        vectors,
        faults,
        tokens: none,
        truncated: new Uint8Array(texts.length),
        masked: {},
      });
    },
    ...changes,
  });

export interface SecondGeneration {
  embedder?: Embedder;
  /** As `enqueue` keeps them. */
  options?: Record<string, string>;
  state?: string;
}

/** Its vectors are those of the word that a row does not have, turned a little by its number. */
export async function addGeneration(
  { pool }: ServedTable,
  { embedder = secondEmbedder(), options = {}, state = 'ready' }: SecondGeneration = {},
): Promise<void> {
  await pool.query(
    `ALTER TABLE things ADD COLUMN embedding_2 vector(${embedder.dimensions}), ADD COLUMN embedding_2_updated_at timestamptz`,
  );
  const { rows } = await pool.query<{ id: string; body: string }>(
    'SELECT id::text, body FROM things ORDER BY things.id',
  );
  const turned = { bread: 'guitar', guitar: 'puppy', puppy: 'bread' };
  const { vectors } = await embedder.embed(
    rows.map(({ body }) => turned[body.split(' ', 1)[0] as keyof typeof turned]),
  );
  const vectorOf = (at: number): number[] => {
    const own = [...vectors.subarray(at * embedder.dimensions, (at + 1) * embedder.dimensions)];
    return own.map((value, place) => (place === 1 ? value + (at + 1) / 100 : value));
  };
  await pool.query(
    'UPDATE things SET embedding_2 = v::vector FROM unnest($1::bigint[], $2::text[]) AS u (n, v) WHERE id = n',
    [rows.map(({ id }) => id), rows.map((_, at) => JSON.stringify(vectorOf(at)))],
  );
  const settings = await makeSettings({ table: 'things', text: 'body', column: 'embedding_2', ...options });
  const first = await pool.query<{ settings: Record<string, unknown> }>(
    `SELECT settings FROM pgvector_backfill.backfill WHERE name = 'things'`,
  );
  const { database: _, queue: __, ...stored } = settings;
  const target = await describeTarget(pool, 'things@2', settings);
  const { search, legacySearch } = first.rows[0]?.settings ?? {};
  await saveBackfill(pool, target, withValues(stored, Object.entries({ search, legacySearch })));
  const { fingerprint, model, dimensions } = embedder;
  const run = await createRun(pool, 'things@2', { fingerprint, model, dimensions, batchRows: 10 });
  await pool.query('UPDATE pgvector_backfill.run SET state = $2 WHERE id = $1', [run.id, state]);
}

const ofGeneration = (base: ReadBase): WantedReads => ({ ...base, percent: null });
export const VECTOR_1: ReadBase = { mode: 'vector', generation: 1 };
export const FIRST: WantedReads = ofGeneration(VECTOR_1);
export const SECOND: WantedReads = { mode: 'vector', percent: null, generation: 2, base: VECTOR_1 };

export type Distances = (result: SearchResult, text: string) => void;

/** Each hit's distance is that of its row's vector of the generation that is claimed to the query by that one's model. */
export async function distancesOf(
  { pool }: ServedTable,
  models: Record<1 | 2, Embedder>,
  texts: readonly string[],
): Promise<Distances> {
  const { rows } = await pool.query<{ id: string; one: string; two: string }>(
    'SELECT id::text, embedding::text AS one, embedding_2::text AS two FROM things',
  );
  const parsed = (text: string): number[] => JSON.parse(text) as number[];
  const vectors = {
    1: new Map(rows.map(({ id, one }) => [id, parsed(one)])),
    2: new Map(rows.map(({ id, two }) => [id, parsed(two)])),
  };
  const queries = new Map<string, readonly number[]>();
  for (const generation of [1, 2] as const)
    for (const text of texts)
      queries.set(`${generation} ${text}`, [...(await models[generation].embed([text])).vectors]);
  return ({ generation, hits, answeredBy }, text) => {
    if (answeredBy === 'legacy') return expect(generation).toBeNull();
    for (const { key, distance } of hits) {
      if (distance === null) continue;
      const of = generation as 1 | 2;
      const query = queries.get(`${of} ${text}`) ?? [];
      const row = vectors[of].get(key) ?? [];
      expect(row.length).toBe(query.length);
      const dot = row.reduce((sum, value, at) => sum + value * (query[at] ?? 0), 0);
      expect(distance).toBeCloseTo(1 - dot / (Math.hypot(...row) * Math.hypot(...query)), 5);
    }
  };
}
