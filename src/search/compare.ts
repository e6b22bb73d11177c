/** One query through both searches, side by side. */

import type { Settings } from '../config/settings.ts';
import { TABLE_LIMITS, inReadOnly } from '../db/transaction.ts';
import type { Pool } from '../db/pool.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { canonicalKeys } from '../table/canonical-keys.ts';
import { keyInSql, keyTextSql, legacyKey } from '../table/key.ts';
import { readableTable } from '../ledger/rows/row-state.ts';
import type { Target } from '../table/backfill-target.ts';
import { beginningSql } from '../table/text-expressions.ts';
import type { Filter } from './queries/filter.ts';
import { LegacyTries } from './queries/legacy-fault.ts';
import { legacySearch, type LegacyAnswer } from './queries/legacy-query.ts';
import { embedQuery } from './queries/query-vector.ts';
import { loadReadSettings } from '../ledger/reads/read-settings.ts';
import { nearestRows } from './queries/nearest-rows.ts';
import { withPassageTexts } from './queries/passage-texts.ts';
import type { FoundPassage } from './queries/vector-query.ts';

export interface Hit {
  key: string;
  /** First line of the row's text, for the eye of the operator who asked. */
  title: string;
  /** Distance by the configured metric; null for the legacy search. */
  distance: number | null;
  /** The passage of the row that is nearest, where each passage has a vector. */
  passage?: FoundPassage;
}

export interface Comparison {
  text: string;
  legacy: Hit[];
  vector: Hit[];
  /** Keys of the legacy SQL that were held against a filter which it knows nothing of; null where there was none. */
  legacyFilteredOf: number | null;
  /** Why the legacy search gives no answer to this query; null where it gives one. */
  legacyFault: string | null;
  /** Keys that both found. */
  overlap: number;
  legacyMs: number;
  /** The database's part of the vector search. */
  vectorMs: number;
  /** The model's part of it. */
  embeddingMs: number;
}

const TITLE_CHARACTERS = 80;
const NO_ANSWER: LegacyAnswer = { keys: [], milliseconds: 0, filteredOf: null };

export interface CompareInput {
  pool: Pool;
  target: Target;
  settings: Settings;
  embedder: Embedder;
}

export interface CompareOptions {
  filter?: Filter | null;
  /** False where the legacy answer is known from elsewhere: it is empty then. */
  withLegacy?: boolean;
  /** Whether the passages of hits come with their texts. */
  passageText?: boolean;
}

export async function compareSearches(
  input: CompareInput,
  text: string,
  k: number,
  { filter = null, withLegacy = true, passageText = false }: CompareOptions = {},
): Promise<Comparison> {
  const { pool, target, settings } = input;
  const started = performance.now();
  const query = await embedQuery(input.embedder, text);
  const embeddingMs = performance.now() - started;
  const read = await loadReadSettings(pool, target.backfill);
  const vector = await nearestRows(pool, target, settings.metric, query, k, { filter, read });
  const tries = new LegacyTries();
  const legacy = withLegacy
    ? await tries.ask(() => legacySearch(pool, target, settings, text, k, { filter }), NO_ANSWER)
    : NO_ANSWER;
  const near = passageText
    ? await withPassageTexts(pool, target, vector.neighbours, TABLE_LIMITS)
    : vector.neighbours;
  const keys = [...legacy.keys, ...near.map((each) => each.key)];
  const titles = await readTitles(pool, target, keys);
  const hit = (key: string, distance: number | null): Hit => ({
    key,
    title: titles.get(key) ?? '',
    distance,
  });
  return {
    text,
    legacy: legacy.keys.map((key) => hit(key, null)),
    vector: near.map(({ key, distance, ...passage }) => ({ ...hit(key, distance), ...passage })),
    legacyFilteredOf: legacy.filteredOf,
    legacyFault: tries.fault,
    overlap: vector.neighbours.filter(({ key }) => legacy.keys.includes(key)).length,
    legacyMs: legacy.milliseconds,
    vectorMs: vector.milliseconds,
    embeddingMs,
  };
}

async function readTitles(pool: Pool, target: Target, keys: string[]): Promise<Map<string, string>> {
  const { from, unreadable } = readableTable(target, '$1');
  const title = beginningSql(`split_part(${target.text}, chr(10), 1)`, String(TITLE_CHARACTERS));
  const key = legacyKey(target);
  const found = await inReadOnly(pool, TABLE_LIMITS, async (client) => {
    const values: unknown[] = [target.backfill];
    const isFound = keyInSql(target, key, [...(await canonicalKeys(client, target, keys)).values()], values);
    return client.query<{ key: string; title: string }>(
      `SELECT ${keyTextSql(target, key)} AS key, CASE WHEN ${unreadable} THEN '' ELSE ${title} END AS title
         FROM ${from} WHERE ${isFound}`,
      values,
    );
  });
  return new Map(found.rows.map((row) => [row.key, row.title]));
}
