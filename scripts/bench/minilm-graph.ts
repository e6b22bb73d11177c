/**
 * The graph of all-MiniLM-L6-v2 (BERT, 6 layers, 384 wide, 12 heads, 1,536 inside) as PyTorch exports it to ONNX with
 * opset 11, weights random: speed does not depend on their values. In full precision, or with its matrix products in
 * int8 by dynamic quantisation, as `quantize_dynamic` of onnxruntime makes it (each column of a weight has a scale of its own).
 */

import { uniform } from '../../src/random.ts';
import {
  ELEMENT,
  modelFile,
  node,
  tensor,
  type AttributeValue,
  type Node,
  type Tensor,
} from '../../src/onnx/write.ts';

export interface BertShape {
  layers: number;
  width: number;
  heads: number;
  inner: number;
  vocabulary: number;
  positions: number;
}

export const SHAPE: BertShape = {
  layers: 6,
  width: 384,
  heads: 12,
  inner: 1536,
  vocabulary: 30_522,
  positions: 512,
};
/** Of a normal BERT at its start. */
const WEIGHT_DEVIATION = 0.02;
const EPSILON = 1e-12;
/** Added to the scores of padding; the least float. */
const MASKED = -3.402_823_466e38;

class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly tensors: Tensor[] = [];
  readonly shape: BertShape;
  readonly #random: () => number;
  #count = 0;

  constructor(shape: BertShape, seed: number) {
    this.shape = shape;
    this.#random = uniform(seed);
  }

  /** Adds a node with one output and returns that output's name. */
  add(
    operator: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
    output = `${operator}_${this.#count++}`,
  ): string {
    this.nodes.push(node({ operator, inputs, outputs: [output], attributes }));
    return output;
  }

  constant(data: Float32Array | BigInt64Array, dims: readonly number[]): string {
    const name = `constant_${this.#count++}`;
    this.tensors.push(tensor(name, data instanceof Float32Array ? 'float' : 'int64', dims, data));
    return name;
  }

  scalar(value: number): string {
    return this.constant(Float32Array.of(value), []);
  }

  longs(...values: number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** Normal numbers by Box and Muller. */
  normal(size: number, deviation = WEIGHT_DEVIATION, mean = 0): Float32Array {
    const data = new Float32Array(size);
    for (let at = 0; at < size; at += 2) {
      const radius = Math.sqrt(-2 * Math.log(1 - this.#random())) * deviation;
      const angle = 2 * Math.PI * this.#random();
      data[at] = mean + radius * Math.cos(angle);
      if (at + 1 < size) data[at + 1] = mean + radius * Math.sin(angle);
    }
    return data;
  }

  /** A table of token vectors and the look-up in it; int8 with one scale for all of it. */
  lookUp(rows: number, ids: string, quantized: boolean): string {
    const data = this.normal(rows * this.shape.width);
    if (!quantized)
      return this.add('Gather', [this.constant(data, [rows, this.shape.width]), ids], { axis: 0 });
    // Plain loops here and below: by reduce() and from() these tables of millions took most of the time.
    let largest = 0;
    for (let at = 0; at < data.length; at++) largest = Math.max(largest, Math.abs(data[at] ?? 0));
    const name = `table_${this.#count++}`;
    const small = new Uint8Array(data.length);
    for (let at = 0; at < data.length; at++) small[at] = Math.round(((data[at] ?? 0) / largest) * 127) + 128;
    this.tensors.push(
      tensor(name, 'uint8', [rows, this.shape.width], small),
      tensor(`${name}_zero`, 'uint8', [], Uint8Array.of(128)),
    );
    return this.add('DequantizeLinear', [
      this.add('Gather', [name, ids], { axis: 0 }),
      this.scalar(largest / 127),
      `${name}_zero`,
    ]);
  }

  #quantizedInputs = new Map<string, [values: string, scale: string, zero: string]>();

  /** input × random weight + random bias. */
  linear(input: string, from: number, to: number, quantized: boolean): string {
    const weight = this.normal(from * to);
    const bias = this.constant(this.normal(to), [to]);
    if (!quantized)
      return this.add('Add', [this.add('MatMul', [input, this.constant(weight, [from, to])]), bias]);
    return this.add('Add', [this.#quantizedProduct(input, weight, from, to), bias]);
  }

  #quantizedProduct(input: string, weight: Float32Array, from: number, to: number): string {
    const name = `weight_${this.#count++}`;
    const scales = new Float32Array(to);
    for (let at = 0; at < weight.length; at++)
      scales[at % to] = Math.max(scales[at % to] ?? 0, Math.abs(weight[at] ?? 0));
    // 7 bits ("reduce_range"), as the published models have: 8 overflow on processors without VNNI.
    for (let column = 0; column < to; column++) scales[column] = (scales[column] ?? 0) / 64;
    const small = new Int8Array(weight.length);
    for (let at = 0; at < weight.length; at++)
      small[at] = Math.round((weight[at] ?? 0) / (scales[at % to] ?? 1));
    this.tensors.push(
      tensor(name, 'int8', [from, to], small),
      tensor(`${name}_scale`, 'float', [to], scales),
      tensor(`${name}_zero`, 'int8', [to], new Int8Array(to)),
    );
    const [values, scale, zero] = this.#quantized(input);
    const product = this.add('MatMulInteger', [values, name, zero, `${name}_zero`]);
    return this.add('Mul', [
      this.add('Cast', [product], { to: ELEMENT.float }),
      this.add('Mul', [scale, `${name}_scale`]),
    ]);
  }

  /** An input of several products is quantised once. */
  #quantized(input: string): [string, string, string] {
    const known = this.#quantizedInputs.get(input);
    if (known !== undefined) return known;
    const at = this.#count++;
    const outputs: [string, string, string] = [`quantized_${at}`, `scale_${at}`, `zero_${at}`];
    this.nodes.push(node({ operator: 'DynamicQuantizeLinear', inputs: [input], outputs }));
    this.#quantizedInputs.set(input, outputs);
    return outputs;
  }

  layerNorm(input: string, output?: string): string {
    const centred = this.add('Sub', [input, this.add('ReduceMean', [input], { axes: [-1], keepdims: 1 })]);
    const squares = this.add('Pow', [centred, this.scalar(2)]);
    const variance = this.add('ReduceMean', [squares], { axes: [-1], keepdims: 1 });
    const deviation = this.add('Sqrt', [this.add('Add', [variance, this.scalar(EPSILON)])]);
    const scaled = this.add('Mul', [
      this.add('Div', [centred, deviation]),
      this.constant(this.normal(this.shape.width, WEIGHT_DEVIATION, 1), [this.shape.width]),
    ]);
    return this.add(
      'Add',
      [scaled, this.constant(this.normal(this.shape.width), [this.shape.width])],
      {},
      output,
    );
  }

  /** x · ½ · (1 + erf(x / √2)) */
  gelu(input: string): string {
    const erf = this.add('Erf', [this.add('Div', [input, this.scalar(Math.SQRT2)])]);
    const product = this.add('Mul', [input, this.add('Add', [erf, this.scalar(1)])]);
    return this.add('Mul', [product, this.scalar(0.5)]);
  }

  /** Size of one dimension, as a list of one. */
  dimension(input: string, at: number): string {
    const size = this.add(
      'Gather',
      [this.add('Shape', [input]), this.constant(BigInt64Array.of(BigInt(at)), [])],
      {
        axis: 0,
      },
    );
    return this.add('Unsqueeze', [size], { axes: [0] });
  }

  reshape(input: string, like: string, ...rest: number[]): string {
    const shape = [this.dimension(like, 0), this.dimension(like, 1), ...rest.map((size) => this.longs(size))];
    return this.add('Reshape', [input, this.add('Concat', shape, { axis: 0 })]);
  }
}

function encoderLayer(
  graph: GraphBuilder,
  input: string,
  mask: string,
  quantized: boolean,
  output?: string,
): string {
  const { width, heads, inner } = graph.shape;
  const headWidth = width / heads;
  const head = (): string =>
    graph.reshape(graph.linear(input, width, width, quantized), input, heads, headWidth);
  const query = graph.add('Transpose', [head()], { perm: [0, 2, 1, 3] });
  const key = graph.add('Transpose', [head()], { perm: [0, 2, 3, 1] });
  const values = graph.add('Transpose', [head()], { perm: [0, 2, 1, 3] });
  const scores = graph.add('Div', [graph.add('MatMul', [query, key]), graph.scalar(Math.sqrt(headWidth))]);
  const weights = graph.add('Softmax', [graph.add('Add', [scores, mask])], { axis: 3 });
  const context = graph.add('Transpose', [graph.add('MatMul', [weights, values])], { perm: [0, 2, 1, 3] });
  const attended = graph.linear(graph.reshape(context, context, width), width, width, quantized);
  const between = graph.layerNorm(graph.add('Add', [attended, input]));
  const widened = graph.gelu(graph.linear(between, width, inner, quantized));
  const narrowed = graph.linear(widened, inner, width, quantized);
  return graph.layerNorm(graph.add('Add', [narrowed, between]), output);
}

/** The bytes of `onnx/model.onnx` or `onnx/model_quantized.onnx`. */
export function bertGraph(quantized: boolean, model: BertShape = SHAPE, seed = 1): Buffer {
  const graph = new GraphBuilder(model, seed);
  const positions = graph.constant(
    BigInt64Array.from({ length: model.positions }, (_, at) => BigInt(at)),
    [1, model.positions],
  );
  const position = graph.add('Slice', [
    positions,
    graph.longs(0),
    graph.dimension('input_ids', 1),
    graph.longs(1),
    graph.longs(1),
  ]);
  const words = graph.lookUp(model.vocabulary, 'input_ids', quantized);
  const types = graph.lookUp(2, 'token_type_ids', quantized);
  const sum = graph.add('Add', [
    graph.add('Add', [words, types]),
    graph.lookUp(model.positions, position, quantized),
  ]);
  const spread = graph.add('Unsqueeze', [graph.add('Unsqueeze', ['attention_mask'], { axes: [1] })], {
    axes: [2],
  });
  const present = graph.add('Cast', [spread], { to: ELEMENT.float });
  const mask = graph.add('Mul', [graph.add('Sub', [graph.scalar(1), present]), graph.scalar(MASKED)]);
  let hidden = graph.layerNorm(sum);
  for (let layer = 1; layer <= model.layers; layer++) {
    const last = layer === model.layers ? 'last_hidden_state' : undefined;
    hidden = encoderLayer(graph, hidden, mask, quantized, last);
  }
  const shape = ['batch', 'sequence'];
  return modelFile(
    {
      name: 'minilm_shape',
      nodes: graph.nodes,
      tensors: graph.tensors,
      inputs: ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => ({
        name,
        element: 'int64',
        shape,
      })),
      outputs: [{ name: 'last_hidden_state', element: 'float', shape: [...shape, model.width] }],
    },
    { '': 11 },
  );
}
