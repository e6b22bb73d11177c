/** The pieces that an ONNX file is made of, in the few kinds that are used here (github.com/onnx/onnx, onnx/onnx.proto). */

import proto, { type onnx } from 'onnx-proto';

/** `TensorProto.DataType` */
export const ELEMENT = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 } as const;
export type Element = keyof typeof ELEMENT;

/** float16 is written as its bits. */
export type TensorData = Float32Array | Int8Array | Uint8Array | Uint16Array | BigInt64Array;
export type Tensor = onnx.ITensorProto;
export type Node = onnx.INodeProto;
export type AttributeValue = number | { float: number } | readonly number[];

export const tensor = (
  name: string,
  element: Element,
  dims: readonly number[],
  { buffer, byteOffset, byteLength }: TensorData,
): Tensor => ({
  name,
  dims: [...dims],
  dataType: ELEMENT[element],
  rawData: new Uint8Array(buffer, byteOffset, byteLength),
});

export interface NodeInput {
  operator: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, AttributeValue>>;
  /** Operator set; the standard one where absent. */
  domain?: string;
}

export const node = ({ operator, inputs, outputs, attributes = {}, domain }: NodeInput): Node => ({
  input: [...inputs],
  output: [...outputs],
  name: outputs[0] ?? null,
  opType: operator,
  ...(domain === undefined ? {} : { domain }),
  attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
});

function attribute(name: string, value: AttributeValue): onnx.IAttributeProto {
  const { FLOAT, INT, INTS } = proto.onnx.AttributeProto.AttributeType;
  if (typeof value === 'number') return { name, i: value, type: INT };
  if ('float' in value) return { name, f: value.float, type: FLOAT };
  return { name, ints: [...value], type: INTS };
}

/** A named tensor of a type and a shape; a string is a dimension of any size. */
export interface Port {
  name: string;
  element: Element;
  shape: readonly (string | number)[];
}

const valueInfo = ({ name, element, shape }: Port): onnx.IValueInfoProto => {
  const dim = shape.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType: ELEMENT[element], shape: { dim } } } };
};

export interface Graph {
  name: string;
  inputs: readonly Port[];
  outputs: readonly Port[];
  /** In an order in which each finds its inputs made. */
  nodes: readonly Node[];
  tensors: readonly Tensor[];
}

/** IR 7 is of 2020: everything from onnxruntime 1.6 on reads it. */
const IR_VERSION = 7;

/** The whole file. `opsets`: version of each operator set in use, '' being the standard one. */
export function modelFile(graph: Graph, opsets: Readonly<Record<string, number>>): Buffer {
  const { buffer, byteOffset, byteLength } = proto.onnx.ModelProto.encode({
    irVersion: IR_VERSION,
    producerName: 'pgvector-backfill',
    graph: {
      name: graph.name,
      node: [...graph.nodes],
      initializer: [...graph.tensors],
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
    },
    opsetImport: Object.entries(opsets).map(([domain, version]) => ({ domain, version })),
  }).finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}
