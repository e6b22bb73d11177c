import { describe, expect, it } from 'vitest';
import { rowStatesSql, textHashSql } from '../../../src/ledger/rows/row-state.ts';
import { makeTarget, squeeze } from '../../table/make-target.ts';

describe('rowStatesSql', () => {
  it('bounds both tables by the range, and passes every value as a parameter', () => {
    const values: unknown[] = [];
    const sql = squeeze(rowStatesSql(makeTarget(), 'f1', { lower: '3', upper: '9' }, values));
    expect(values).toEqual(['f1', 'articles', '3', '9', '3', '9']);
    expect(sql).toContain('WHERE "articles"."id" >= $3::bigint AND "articles"."id" < $4::bigint AND true');
    expect(sql).toContain(
      'FROM "pgvector_backfill"."articles_embedding_stage" WHERE "id" >= $5::bigint AND "id" < $6::bigint',
    );
    expect(sql).toContain('WHERE backfill = $2) pgvb_quarantined ON pgvb_key = "articles"."id"::text');
    // The name of the backfill stands there by itself, of a value only its placeholder.
    expect(sql).not.toContain('f1');
  });

  it('hashes salt, fingerprint and text together, in an encoding of its own', () => {
    expect(textHashSql(makeTarget({ text: 'T' }), '$1')).toBe(
      "sha256(convert_to(coalesce((SELECT pgvb_salts.salt FROM pgvector_backfill.text_salt pgvb_salts WHERE pgvb_salts.backfill = 'articles' AND pgvb_salts.fingerprint = $1::text), '') || $1::text || chr(10) || T, 'UTF8'))",
    );
  });
});
