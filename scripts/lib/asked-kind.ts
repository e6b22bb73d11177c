/** What the text of a search is: a query, or a document that others like it are looked for. */

import type { Embedder, TextKind } from '../../src/embedding/embedder.ts';
import { ConfigError } from '../../src/errors.ts';

export const ASKED_FLAGS = {
  passages: {
    type: 'boolean',
    help: 'Print the passage by which each row was found (model.longText: chunks)',
  },
  as: {
    type: 'string',
    value: 'KIND',
    help: 'query (with the prompt of queries) or document (as a row is embedded: finds like with like) [query]',
  },
} as const;

type AskedAs = Exclude<TextKind, 'passage'>;

/** @throws ConfigError `USAGE` @param given by the flag */
export function kindOf(given: string | boolean | undefined): AskedAs {
  const kind = given ?? 'query';
  if (kind === 'query' || kind === 'document') return kind;
  throw new ConfigError(`--as is ${JSON.stringify(kind)}, neither query nor document.`, {
    code: 'USAGE',
    remedy: 'Write --as document to search as a row with this text is embedded.',
  });
}

/** Every text that it is given is one of that kind. */
export const reading = (embedder: Embedder, as: AskedAs): Embedder => ({
  ...embedder,
  embed: (texts, options) => embedder.embed(texts, { ...options, as }),
});
