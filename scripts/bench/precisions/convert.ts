/**
 * A graph of full precision in the other precisions that hubs have, as the converter of transformers.js makes them: matrix
 * products and tables of vectors by constant weights in fewer bits, or all of it in float16.
 */

import proto, { type onnx } from 'onnx-proto';
import type { Dtype } from '../../../src/config/values/dtype.ts';
import { ELEMENT, node, tensor, type Node, type Tensor } from '../../../src/onnx/write.ts';
import { halves } from './half.ts';
import {
  BLOCK,
  BNB_BLOCK,
  eightBits,
  fourBits,
  normalFloats,
  type EightBits,
  type Matrix,
} from './weights.ts';

const MICROSOFT = 'com.microsoft';

export interface ConvertOptions {
  /** float16: outputs too; with a cast to float32 at the end where not, as most published graphs have it. */
  halfOutputs?: boolean;
}

/** The bytes of `model<suffix>.onnx`. @param graph those of `model.onnx`, whose weights are in it */
export function convertGraph(graph: Uint8Array, dtype: Dtype, options: ConvertOptions = {}): Buffer {
  const model = proto.onnx.ModelProto.decode(graph);
  const own = new Converter(model);
  if (dtype === 'int8' || dtype === 'uint8') own.toEightBits(dtype);
  else if (dtype === 'q8') own.toEightBits('int8');
  else if (dtype === 'q4' || dtype === 'q4f16') own.toFourBits();
  else if (dtype === 'bnb4') own.toNormalFloats();
  if (dtype === 'fp16' || dtype === 'q4f16') own.toHalves(options.halfOutputs ?? false);
  const { buffer, byteOffset, byteLength } = proto.onnx.ModelProto.encode(model).finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}

const FLOAT = ELEMENT.float;

class Converter {
  readonly #model: onnx.IModelProto;
  readonly #graph: onnx.IGraphProto;
  readonly #tensors: Map<string, Tensor>;
  /** Weights that nodes of the new kind read in fewer bits. */
  readonly #replaced = new Set<string>();
  #count = 0;

  constructor(model: onnx.IModelProto) {
    this.#model = model;
    this.#graph = model.graph ?? {};
    this.#tensors = new Map((this.#graph.initializer ?? []).map((each) => [each.name ?? '', each]));
  }

  toEightBits(element: EightBits): void {
    const quantized = new Map<string, [values: string, scale: string, zero: string]>();
    this.#eachNode((each) => {
      const [input = '', weight = ''] = each.input ?? [];
      const output = each.output?.[0] ?? '';
      const product = each.opType === 'MatMul' ? this.#matrix(weight) : null;
      if (product !== null) {
        const name = this.#eight(weight, product, element);
        const nodes: Node[] = [];
        const parts = quantized.get(input) ?? this.#names('values', 'step', 'zero');
        if (!quantized.has(input)) {
          quantized.set(input, parts);
          nodes.push(node({ operator: 'DynamicQuantizeLinear', inputs: [input], outputs: parts }));
        }
        const [sum, steps, scale] = this.#names('sum', 'steps', 'scale');
        return [
          ...nodes,
          node({
            operator: 'MatMulInteger',
            inputs: [parts[0], name, parts[2], `${name}_zero`],
            outputs: [sum],
          }),
          node({ operator: 'Cast', inputs: [sum], outputs: [steps], attributes: { to: FLOAT } }),
          node({ operator: 'Mul', inputs: [parts[1], `${name}_scale`], outputs: [scale] }),
          node({ operator: 'Mul', inputs: [steps, scale], outputs: [output] }),
        ];
      }
      const table = each.opType === 'Gather' ? this.#matrix(input) : null;
      if (table === null) return [each];
      const name = this.#eight(input, table, element);
      const [found] = this.#names('found');
      return [
        { ...each, input: [name, weight], output: [found], name: found },
        node({
          operator: 'DequantizeLinear',
          inputs: [found, `${name}_scale`, `${name}_zero`],
          outputs: [output],
        }),
      ];
    });
  }

  toFourBits(): void {
    this.#eachProduct('MatMulNBits', (name, { rows, columns, data }) => {
      const { values, scales } = fourBits({ rows, columns, data });
      const blocks = Math.ceil(rows / BLOCK);
      this.#add(tensor(`${name}_q4`, 'uint8', [columns, blocks, BLOCK / 2], values));
      this.#add(tensor(`${name}_scales`, 'float', [columns * blocks], scales));
      return {
        inputs: [`${name}_q4`, `${name}_scales`],
        attributes: { K: rows, N: columns, bits: 4, block_size: BLOCK },
      };
    });
  }

  toNormalFloats(): void {
    this.#eachProduct('MatMulBnb4', (name, matrix) => {
      const { values, scales } = normalFloats(matrix);
      this.#add(tensor(`${name}_bnb4`, 'uint8', [values.length], values));
      this.#add(tensor(`${name}_scales`, 'float', [scales.length], scales));
      return {
        inputs: [`${name}_bnb4`, `${name}_scales`],
        attributes: { K: matrix.rows, N: matrix.columns, block_size: BNB_BLOCK, quant_type: 1 },
      };
    });
  }

  /** Every tensor of it, and what its nodes make. */
  toHalves(outputs: boolean): void {
    for (const each of this.#graph.initializer ?? []) toHalf(each);
    for (const each of this.#graph.node ?? [])
      for (const attribute of each.attribute ?? []) {
        if (attribute.t != null) toHalf(attribute.t);
        if (each.opType === 'Cast' && attribute.name === 'to' && Number(attribute.i) === FLOAT)
          attribute.i = ELEMENT.float16;
      }
    // What was known of types between the nodes is so no longer.
    this.#graph.valueInfo = [];
    for (const port of this.#graph.output ?? []) {
      const type = port.type?.tensorType;
      if (type?.elemType !== FLOAT) continue;
      if (outputs) {
        type.elemType = ELEMENT.float16;
        continue;
      }
      const name = port.name ?? '';
      const inner = `${name}_half`;
      for (const each of this.#graph.node ?? []) {
        each.output = (each.output ?? []).map((made) => (made === name ? inner : made));
        if (each.name === name) each.name = inner;
        each.input = (each.input ?? []).map((used) => (used === name ? inner : used));
      }
      this.#graph.node?.push(
        node({ operator: 'Cast', inputs: [inner], outputs: [name], attributes: { to: FLOAT } }),
      );
    }
  }

  #eachNode(change: (each: Node) => Node[]): void {
    this.#graph.node = (this.#graph.node ?? []).flatMap(change);
    this.#graph.initializer = [...this.#tensors.values()].filter(
      ({ name }) => !this.#replaced.has(name ?? ''),
    );
  }

  #eachProduct(
    operator: string,
    make: (name: string, matrix: Matrix) => { inputs: string[]; attributes: Record<string, number> },
  ): void {
    this.#eachNode((each) => {
      const [input = '', weight = ''] = each.input ?? [];
      const matrix = each.opType === 'MatMul' ? this.#matrix(weight) : null;
      if (matrix === null) return [each];
      const { inputs, attributes } = make(weight, matrix);
      this.#replaced.add(weight);
      const outputs = each.output ?? [];
      return [node({ operator, inputs: [input, ...inputs], outputs, attributes, domain: MICROSOFT })];
    });
    this.#model.opsetImport?.push({ domain: MICROSOFT, version: 1 });
  }

  #eight(weight: string, matrix: Matrix, element: EightBits): string {
    const name = `${weight}_${element}`;
    if (this.#tensors.has(name)) return name;
    const { values, scale, zero } = eightBits(matrix, element);
    this.#add(tensor(name, element, [matrix.rows, matrix.columns], values));
    this.#add(tensor(`${name}_scale`, 'float', [], Float32Array.of(scale)));
    this.#add(
      tensor(`${name}_zero`, element, [], element === 'int8' ? Int8Array.of(zero) : Uint8Array.of(zero)),
    );
    this.#replaced.add(weight);
    return name;
  }

  /** Null where it is no constant matrix of floats. */
  #matrix(name: string): Matrix | null {
    const found = this.#tensors.get(name);
    const [rows = 0, columns = 0, ...more] = (found?.dims ?? []).map(Number);
    if (found === undefined || found.dataType !== FLOAT || columns === 0 || more.length > 0) return null;
    return { rows, columns, data: floatsOf(found) };
  }

  #add(each: Tensor): void {
    this.#tensors.set(each.name ?? '', each);
  }

  #names<T extends string[]>(...kinds: T): { [K in keyof T]: string } {
    this.#count++;
    return kinds.map((kind) => `${kind}_${this.#count}_of_8`) as { [K in keyof T]: string };
  }
}

function floatsOf({ rawData, floatData }: Tensor): Float32Array {
  if (rawData == null || rawData.length === 0) return Float32Array.from(floatData ?? []);
  return new Float32Array(Uint8Array.from(rawData).buffer);
}

function toHalf(each: Tensor): void {
  if (each.dataType !== FLOAT) return;
  const { buffer } = halves(floatsOf(each));
  each.dataType = ELEMENT.float16;
  each.floatData = [];
  each.rawData = new Uint8Array(buffer);
}
