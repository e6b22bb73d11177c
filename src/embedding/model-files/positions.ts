/** How many tokens of a text a model has positions for, by its config.json. */

export interface Positions {
  model_type?: string;
  max_position_embeddings?: number;
  pad_token_id?: number;
}

/** These count their positions from behind the one of padding: of 514 there are 512 for a text. */
const COUNT_FROM_PADDING = new Set([
  'roberta',
  'xlm-roberta',
  'xlm-roberta-xl',
  'camembert',
  'mpnet',
  'data2vec-text',
  'roberta-prelayernorm',
  'longformer',
]);

/** Tokens that it has positions for; undefined where it does not say. */
export function positionsOf(config: Positions): number | undefined {
  const { max_position_embeddings: positions, model_type: type = '', pad_token_id: padding = 1 } = config;
  if (typeof positions !== 'number' || positions <= 0) return undefined;
  return COUNT_FROM_PADDING.has(type) ? positions - padding - 1 : positions;
}
