/** Why a statement is not served by the index as it should be, in one sentence, and what to do where a rewritten one is not it. */

export const REASONS = {
  operator: 'it orders by another distance than the one that the index was built for',
  cast: 'it compares the vectors in another type than the index has them: by a cast, or by a parameter of that type, which makes PostgreSQL cast the column of every row',
  function: 'it orders by a function of the distance: an index serves the operator alone',
  expression: 'it orders by an expression around the distance: an index serves the distance itself alone',
  descending:
    'it asks for the farthest first, by DESC or by an expression that turns the order: an index gives the nearest first and nothing else',
  nulls: 'it asks for NULL first: an index gives the nearest first',
  later: 'it orders by something else first, and by the distance among equals alone',
  limit:
    'it has no LIMIT: by the index it would get some of the rows alone, and all of them are compared and sorted',
  depth:
    'its LIMIT may be larger than what the index is asked for (hnsw.ef_search), and it gets no more rows than that',
  filter:
    'few rows meet its condition: of the nearest ones that the index gives almost none is left, or PostgreSQL reads the whole table for them',
  threshold:
    'it compares the distance with a number and orders by nothing: an index gives an order, and no distance below a number',
  hidden:
    'the order is asked for outside of what computes the distance (a subquery, a CTE, a UNION, DISTINCT, GROUP BY): every row is computed first',
  'other-row':
    'it compares with a vector that the join brings row by row: an index is asked for one that is known before',
  join: 'PostgreSQL joins first and sorts then: it takes that for cheaper than the index',
  cost: 'the index could serve it, and PostgreSQL takes reading the whole table, which is not small, for cheaper',
} as const;

export type Reason = keyof typeof REASONS;

/** Where the statement stays as it is. */
export const REMEDIES: Partial<Record<Reason, string>> = {
  depth:
    'Raise hnsw.ef_search above the LIMIT in the same transaction, or let the scan go on by itself (pgvector 0.8.0 and newer).',
  filter:
    'Let the scan go on by itself (hnsw.iterative_scan, pgvector 0.8.0 and newer); for the rarest values make an index of the columns of the condition, or a partial vector index with it.',
  cost: 'ANALYZE the table, and set what the planner reckons with: random_page_cost (1.1 on solid-state disks), effective_cache_size.',
  later: 'Order by the distance first, or take the nearest rows in a subquery and order these.',
};
