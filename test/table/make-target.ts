/** A target as the catalog would describe it, for tests of SQL text. */

import { loadConfig } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { columnStore } from '../../src/table/store.ts';
import { keyColumn } from './make-key.ts';

export function makeTarget(changes: Partial<Target> = {}): Target {
  const target = { ...TARGET, ...changes };
  return { ...target, store: changes.store ?? columnStore(target, target.column) };
}

const TARGET: Omit<Target, 'store'> = {
  backfill: 'articles',
  schema: 'public',
  name: 'articles',
  oid: '16384',
  table: '"public"."articles"',
  ref: '"articles"',
  key: [keyColumn('id')],
  keyIndex: 'articles_pkey',
  text: 'pg_catalog.concat_ws(pg_catalog.chr(10), "articles"."title", "articles"."body")',
  where: '(true)',
  names: {},
  column: 'embedding',
  updatedAtColumn: 'embedding_updated_at',
  stage: '"pgvector_backfill"."articles_embedding_stage"',
  isPartitioned: false,
  stageName: 'articles_embedding_stage',
  vectorPrefix: '"public".',
  vectorSchema: null,
  columnType: 'vector',
  dimensions: 384,
  indexed: { method: 'hnsw', type: 'vector' },
  hasPassages: false,
  candidates: 200,
  indexName: 'articles_embedding_hnsw_idx',
  indexStem: 'embedding',
  searchStem: '',
};

export async function makeSettings(flags: Record<string, string> = {}): Promise<Settings> {
  const env = { DATABASE_URL: 'postgres://u@h/d', BACKFILL_TABLE: 'articles', BACKFILL_TEXT: 'title,body' };
  return (await loadConfig({ flags, env, cwd: '/' })).settings;
}

/** One line, one space: how SQL is broken is no part of what it says. */
export const squeeze = (sql: string): string => sql.replaceAll(/\s+/g, ' ').trim();
