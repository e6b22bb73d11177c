/** Lines of token ids → what a model's graph makes of them, whichever of the usual inputs and outputs it has. */

import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelConfig } from '../model-files/config.ts';
import { graphOutput, isOfPast, refuseInputs, type GraphOutput } from './graph-ports.ts';
import { HALF_ONE, halfTensor, toFloats } from './half.ts';
import type { Runtime } from './onnx-runtime.ts';
import type { TokenVectors } from './pooling.ts';

/** `isPooled`: one vector of each line, in the place of those of its tokens; `sequence` is 1 then. */
export interface GraphVectors extends TokenVectors {
  isPooled: boolean;
}

export interface GraphPadding {
  token: number;
  /** A graph that pools by itself may count from the end of the line. */
  side: 'left' | 'right';
}

/** Mostly int64; a mask may be of floats too. */
type Ids = BigInt64Array | Int32Array | Float32Array | Uint16Array;

function emptyOf(type: string, size: number): Ids {
  if (type === 'int32') return new Int32Array(size);
  if (type === 'float32') return new Float32Array(size);
  return type === 'float16' ? new Uint16Array(size) : new BigInt64Array(size);
}

export class Graph {
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;
  readonly #inputs: readonly InferencePort[];
  readonly #config: ModelConfig;
  readonly #padding: GraphPadding;
  readonly #output: GraphOutput;

  /**
   * `wantsPooled`: the graph's own pooling, where it has one, in the place of ours.
   * @throws UnusableModel where it is no graph of texts, or has no vectors
   */
  constructor(
    runtime: Runtime,
    session: InferenceSession,
    config: ModelConfig,
    padding: GraphPadding,
    wantsPooled: boolean,
  ) {
    refuseInputs(session);
    this.#runtime = runtime;
    this.#session = session;
    this.#config = config;
    this.#inputs = session.inputMetadata.filter((port) => port.isTensor);
    this.#output = graphOutput(session, wantsPooled, config);
    // Whoever pools by itself may count from a line's end; of token vectors we know where the text's are.
    this.#padding = this.#output.isPooled ? padding : { ...padding, side: 'right' };
  }

  get isPooled(): boolean {
    return this.#output.isPooled;
  }

  /** One inference of lines of ids, padded to the longest. */
  async run(lines: readonly (readonly number[])[]): Promise<GraphVectors> {
    const sequence = Math.max(...lines.map((line) => line.length));
    const feeds: Record<string, Tensor> = {};
    for (const port of this.#inputs)
      feeds[port.name] = isOfPast(port.name)
        ? this.#emptyPast(port, lines.length)
        : this.#ids(port, lines, sequence);
    const { name, isPooled } = this.#output;
    const outputs = await this.#session.run(feeds, [name]);
    const output = outputs[name];
    const rank = isPooled ? 2 : 3;
    if (output?.dims.length !== rank || (output.type !== 'float32' && output.type !== 'float16'))
      throw new Error(
        `the graph's output ${name} is ${output?.type} of ${output?.dims.length} dimensions, not float32 or float16 of ${rank}`,
      );
    return {
      // What is made of them, such as a mean of many tokens, is too much for 16 bits.
      data: output.type === 'float32' ? (output.data as Float32Array) : toFloats(output.data as Uint16Array),
      sequence: isPooled ? 1 : sequence,
      dimensions: output.dims[rank - 1] ?? 0,
      isPooled,
    };
  }

  #ids({ name, type }: InferencePort, lines: readonly (readonly number[])[], sequence: number): Tensor {
    const size = lines.length * sequence;
    const data = emptyOf(type, size);
    for (const [row, line] of lines.entries()) {
      const pad = sequence - line.length;
      const start = row * sequence + (this.#padding.side === 'left' ? pad : 0);
      if (name === 'input_ids') {
        fill(data, this.#padding.token, row * sequence, (row + 1) * sequence);
        for (const [at, token] of line.entries()) put(data, start + at, token);
      } else if (name === 'attention_mask')
        fill(data, type === 'float16' ? HALF_ONE : 1, start, start + line.length);
      else if (name === 'position_ids') for (let at = 0; at < line.length; at++) put(data, start + at, at);
    }
    const dims = [lines.length, sequence];
    if (data instanceof Uint16Array) return halfTensor(this.#runtime, data, dims);
    return new this.#runtime.Tensor(type as 'int64', data as BigInt64Array, dims);
  }

  /** Keys and values of the tokens before the text: there are none. */
  #emptyPast(port: InferencePort, count: number): Tensor {
    const { num_attention_heads: heads = 0, hidden_size: size = 0 } = this.#config;
    const { num_key_value_heads: kept = heads, head_dim: width = size / heads } = this.#config;
    const [, ofHeads, , ofWidth] = port.shape;
    const dims = [
      count,
      typeof ofHeads === 'number' ? ofHeads : kept,
      0,
      typeof ofWidth === 'number' ? ofWidth : width,
    ];
    return port.type === 'float16'
      ? halfTensor(this.#runtime, new Uint16Array(0), dims)
      : new this.#runtime.Tensor('float32', new Float32Array(0), dims);
  }
}

type InferencePort = Extract<InferenceSession['inputMetadata'][number], { isTensor: true }>;

function put(data: Ids, at: number, value: number): void {
  if (data instanceof BigInt64Array) data[at] = BigInt(value);
  else data[at] = value;
}

function fill(data: Ids, value: number, from: number, to: number): void {
  if (data instanceof BigInt64Array) data.fill(BigInt(value), from, to);
  else data.fill(value, from, to);
}
