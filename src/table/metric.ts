/** Distances by their pgvector names. */

export type Metric = 'cosine' | 'l2' | 'ip';

const OPERATORS: Record<Metric, string> = { cosine: '<=>', l2: '<->', ip: '<#>' };

/** Named with its schema, so that it is found whatever the search path, and is the very operator of the index. */
export const distanceOperator = (metric: Metric, vectorPrefix: string): string =>
  operatorNamed(OPERATORS[metric], vectorPrefix);

export const operatorNamed = (operator: string, vectorPrefix: string): string =>
  vectorPrefix === '' ? operator : `OPERATOR(${vectorPrefix}${operator})`;
