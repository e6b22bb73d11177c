/** What is made of a statement's text, without a server. */

import { beforeAll, describe, expect, it } from 'vitest';
import { loadGrammar, parseStatement, sqlOf } from '../../src/audit/sql/syntax.ts';
import { withoutConstants } from '../../src/audit/sql/selects.ts';
import { rewritten } from '../../src/audit/sql/rewrite.ts';
import { isOurOwn } from '../../src/audit/own-statements.ts';
import { nearestSql } from '../../src/search/queries/vector-query.ts';
import { makeTarget } from '../table/make-target.ts';

beforeAll(loadGrammar);

describe('a statement of the application', () => {
  it.each([
    [
      // Constants that the server has left, and a comment: anybody's data.
      `SELECT a, 'secret' FROM t /* user 4711 */ WHERE b = 4711 AND c > 1.5 AND d IS NULL AND e::numeric(8, 2) = $1 GROUP BY 1, 2 ORDER BY 1 LIMIT 7`,
      'SELECT a, $2 FROM t WHERE b = $3 AND c > $4 AND d IS NULL AND CAST(e AS numeric(8, 2)) = $1 GROUP BY 1, 2 ORDER BY 1 LIMIT $5',
    ],
    [
      'SELECT now() - INTERVAL $1 WHERE x IN ($2 /*, ... */)',
      'SELECT now() - CAST($1 AS interval) WHERE x IN ($2)',
    ],
  ])('is shown without constants and comments: %s', (text, shown) => {
    expect(sqlOf(withoutConstants(parseStatement(text)))).toBe(shown);
  });

  it.each(['SELECT 1; SELECT 2', 'SELECT FROM FROM', ''])('is one statement, or none: %s', (text) => {
    expect(() => parseStatement(text)).toThrow();
  });

  const target = makeTarget();
  const column = { target, metric: 'cosine' as const, tables: [{ schema: 'public', name: 'articles' }] };

  it.each([
    [
      'the operator keeps the schema that it was named with',
      'SELECT id FROM articles ORDER BY embedding OPERATOR(ext.<->) $1 LIMIT $2',
      'SELECT id FROM articles ORDER BY embedding OPERATOR(ext.<=>) CAST($1 AS ext.vector) LIMIT $2',
    ],
    [
      'a number of a column, and what it is ordered by besides',
      'SELECT id, 1 - (a.embedding <=> $1) FROM public.articles a ORDER BY 2 DESC, id LIMIT $2',
      'SELECT id, 1 - (a.embedding <=> $1) FROM public.articles AS a ORDER BY a.embedding <=> CAST($1 AS vector), id LIMIT $2',
    ],
    [
      'each part of a UNION',
      'SELECT id, embedding <=> $1 AS d FROM articles UNION SELECT id, embedding <=> $1 FROM articles WHERE b = $2 ORDER BY d LIMIT $3',
      '(SELECT id, embedding <=> $1 AS d FROM articles ORDER BY embedding <=> CAST($1 AS vector) LIMIT $3) UNION (SELECT id, embedding <=> $1 FROM articles WHERE b = $2 ORDER BY embedding <=> CAST($1 AS vector) LIMIT $3) ORDER BY d LIMIT $3',
    ],
    [
      'what is taken from the rows afterwards',
      'SELECT d.id FROM (SELECT id, author, embedding <=> $1 AS d FROM articles) d JOIN authors ON authors.id = d.author WHERE authors.name = $2 ORDER BY d.d LIMIT $3',
      'SELECT d.id FROM (SELECT id, author, embedding <=> $1 AS d FROM articles ORDER BY embedding <=> CAST($1 AS vector) LIMIT 100) AS d JOIN authors ON authors.id = d.author WHERE authors.name = $2 ORDER BY d.d LIMIT $3',
    ],
    [
      'a vector of another row',
      'SELECT id FROM articles ORDER BY l2_distance(embedding, (SELECT embedding FROM articles WHERE id = $1)) LIMIT $2',
      'SELECT id FROM articles ORDER BY embedding <=> ((SELECT embedding FROM articles WHERE id = $1)) LIMIT $2',
    ],
  ])('is rewritten: %s', (_, text, wanted) => {
    const tree = rewritten(parseStatement(text), column, false);
    const squeezed = (sql: string): string => sql.replaceAll(/\(+ ?| ?\)+/g, (each) => each.trim());
    expect(tree === null ? null : squeezed(sqlOf(tree))).toBe(wanted);
    expect(sqlOf(parseStatement(sqlOf(tree as NonNullable<typeof tree>)))).toBe(sqlOf(tree as never));
  });

  it.each([
    'SELECT id FROM others ORDER BY embedding <-> $1 LIMIT $2',
    'SELECT id FROM ext.articles ORDER BY embedding <-> $1',
  ])('of another table stays as it is: %s', (text) =>
    expect(rewritten(parseStatement(text), column, false)).toBe(null),
  );

  it('is told from our own', () => {
    for (const own of [
      target,
      makeTarget({ hasPassages: true }),
      makeTarget({ indexed: { method: 'hnsw', type: 'bit' } }),
    ])
      for (const mode of ['planned', 'exact', 'unindexed'] as const)
        expect(isOurOwn(parseStatement(nearestSql(own, 'cosine', null, mode)))).toBe(true);
    const theirs =
      'SELECT id AS key, embedding OPERATOR(extensions.<=>) $1 AS distance FROM articles ORDER BY 2 LIMIT 10';
    expect(isOurOwn(parseStatement(theirs))).toBe(false);
  });
});
