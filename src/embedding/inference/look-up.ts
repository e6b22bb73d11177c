/**
 * Models that are a table: the vector of a token is a row of it, whatever stands beside the token. Read once by the runtime, such a
 * table is looked up here: an inference would copy a vector for each token of each text.
 */

import type { Pooling } from '../embedding-options.ts';
import type { ModelConfig } from '../model-files/config.ts';
import { poolAt, sumOf, type Rows, type TokenVectors } from './pooling.ts';

/** Of the graph's file beside the table itself. */
const GRAPH_BYTES = 64 * 1024;
/** Tokens of one inference while the table is read: fewer than any model reads. */
const SLICE = 256;
const PROBE_TOKENS = 64;

/** Token vectors of lines of ids, as the graph gives them. */
type Infer = (lines: readonly (readonly number[])[]) => Promise<TokenVectors>;

/** Where a token's vector is, if not in the row of its id, and how much of it counts. */
export interface TokenRows {
  rows?: Int32Array | undefined;
  /** Of a mean; a token without counts once. */
  weights?: Float32Array | undefined;
}

export class LookUp {
  readonly dimensions: number;
  /** rows × dimensions. */
  readonly #table: Rows;
  readonly #of: TokenRows;

  constructor(table: Rows, dimensions: number, of: TokenRows = {}) {
    this.#table = table;
    this.dimensions = dimensions;
    this.#of = of;
  }

  /** Null where the model says that it is something else, or behaves so. @param bytes of the graph's file */
  static async read(config: ModelConfig, bytes: number, infer: Infer): Promise<LookUp | null> {
    const { vocab_size: tokens = 0, hidden_size: dimensions = 0, num_hidden_layers: layers } = config;
    if (layers !== 0 || tokens === 0 || bytes > tokens * dimensions * 4 + GRAPH_BYTES) return null;
    const table = new Float32Array(tokens * dimensions);
    for (let start = 0; start < tokens; start += SLICE) {
      const ids = Array.from({ length: Math.min(SLICE, tokens - start) }, (_, at) => start + at);
      const found = await infer([ids]);
      if (found.dimensions !== dimensions) return null;
      table.set(found.data.subarray(0, ids.length * dimensions), start * dimensions);
    }
    return (await isTable(table, tokens, dimensions, infer)) ? new LookUp(table, dimensions) : null;
  }

  /** As `pool` of what the graph would give, to the last digit; weights are of a mean alone. */
  pool(ids: readonly number[], how: Pooling, target: Float32Array): void {
    const { dimensions } = this;
    const { rows, weights } = this.#of;
    const at =
      rows === undefined
        ? (token: number): number => ids[token]! * dimensions
        : (token: number): number => rows[ids[token]!]! * dimensions;
    if (weights === undefined) poolAt(this.#table, at, ids.length, how, target);
    else sumOf(this.#table, at, ids.length, (token) => weights[ids[token]!]! / ids.length, target);
    // As the graph does it: of what lies behind the table there is no vector.
    const tokens = rows?.length ?? this.#table.length / dimensions;
    if (ids.some((id) => id >= tokens))
      throw new Error('the model has no vector of a token that its tokenizer gives');
  }
}

/** Every token at another place, beside others, and in a line with padding behind it. */
async function isTable(
  table: Float32Array,
  tokens: number,
  dimensions: number,
  infer: Infer,
): Promise<boolean> {
  const ids = Array.from({ length: PROBE_TOKENS }, (_, at) => (at * 7919 + 13) % tokens);
  const lines = [ids, ids.toReversed().slice(0, PROBE_TOKENS / 2)];
  const { data, sequence } = await infer(lines);
  return lines.every((line, row) =>
    line.every((id, column) => {
      const found = (row * sequence + column) * dimensions;
      for (let at = 0; at < dimensions; at++)
        if (!Object.is(data[found + at], table[id * dimensions + at])) return false;
      return true;
    }),
  );
}
