import { describe, expect, it } from 'vitest';
import { createIndexSql, dropIndexSql, wantedIndex } from '../../src/finalize/index-definition.ts';
import { bareDefinition } from '../../src/ledger/run/present-index.ts';
import { makeSettings, makeTarget } from '../table/make-target.ts';

const target = makeTarget({ schema: 'My Shop', table: '"My Shop"."articles"', column: 'Vec' });

describe('the index as SQL', () => {
  it('HNSW, in the operator class of the metric', async () => {
    const settings = await makeSettings({ metric: 'l2', 'index-m': '8', 'index-ef-construction': '40' });
    const wanted = wantedIndex(target, settings, 5_000_000);
    expect(wanted.parameters).toEqual(['ef_construction=40', 'm=8']);
    expect(createIndexSql(target, wanted)).toBe(
      'CREATE INDEX CONCURRENTLY "articles_embedding_hnsw_idx" ON "My Shop"."articles" USING hnsw ("Vec" "public".vector_l2_ops) WITH (ef_construction=40, m=8)',
    );
    expect(dropIndexSql(target, wanted)).toBe(
      'DROP INDEX CONCURRENTLY IF EXISTS "My Shop"."articles_embedding_hnsw_idx"',
    );
  });

  it('IVFFlat, with the lists of the settings or of the row count', async () => {
    const settings = await makeSettings({ 'index-method': 'ivfflat' });
    const lists = { ...target, indexed: { method: 'ivfflat', type: 'vector' } as const };
    expect(createIndexSql(lists, wantedIndex(lists, settings, 250_000))).toContain(
      'USING ivfflat ("Vec" "public".vector_cosine_ops) WITH (lists=250)',
    );
    const fixed = await makeSettings({ 'index-method': 'ivfflat', 'index-lists': '7' });
    expect(wantedIndex(lists, fixed, 250_000).parameters).toEqual(['lists=7']);
  });

  it('of bits, whatever the metric', async () => {
    const settings = await makeSettings({ metric: 'ip', 'index-type': 'bit' });
    const bits = { ...target, indexed: { method: 'hnsw', type: 'bit' } as const };
    expect(createIndexSql(bits, wantedIndex(bits, settings, 10))).toContain(
      'USING hnsw (("public".binary_quantize("Vec")::bit(384)) "public".bit_hamming_ops) WITH (',
    );
  });

  it('is the same on whatever search path it was looked at', () => {
    const plain =
      "CREATE INDEX i ON shop.vectors USING hnsw (((e)::halfvec(3)) halfvec_cosine_ops) WITH (m='16')";
    const named = plain
      .replace('::halfvec', '::"My ext".halfvec')
      .replace(' halfvec_c', ' "My ext".halfvec_c');
    expect(bareDefinition(named)).toBe(bareDefinition(plain));
    const bits = 'CREATE INDEX i ON shop.vectors USING hnsw (((binary_quantize(e))::bit(3)) bit_hamming_ops)';
    const namedBits = bits.replace('binary_', '"My ext".binary_').replace(' bit_', ' ext.bit_');
    expect(bareDefinition(namedBits)).toBe(bareDefinition(bits));
    expect(bareDefinition(named)).not.toBe(bareDefinition(named.replace('cosine', 'l2')));
  });
});
