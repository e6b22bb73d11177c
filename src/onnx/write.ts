/**
 * The pieces that an ONNX file is made of. ONNX files are protocol buffers (github.com/onnx/onnx, onnx/onnx.proto);
 * the few fields used here are written by hand, as the packages that could do it are older and larger than the format is hard.
 */

/** `TensorProto.DataType` */
export const ELEMENT = { float: 1, uint8: 2, int8: 3, int64: 7 } as const;
export type Element = keyof typeof ELEMENT;

/** An encoded field of a message. */
export type Field = Buffer;
export type TensorData = Float32Array | Int8Array | Uint8Array | BigInt64Array;
/** A string is a dimension of any size. */
export type Shape = readonly (string | number)[];
export type AttributeValue = number | { float: number } | readonly number[];

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  // Negative numbers are their two's complement of 64 bits.
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

export const numberField = (tag: number, value: number): Field =>
  Buffer.concat([varint(tag * 8), varint(value)]);
export const textField = (tag: number, value: string): Field => bytesField(tag, Buffer.from(value));
export const messageField = (tag: number, ...fields: Field[]): Field =>
  bytesField(tag, Buffer.concat(fields));
function bytesField(tag: number, value: Buffer): Field {
  return Buffer.concat([varint(tag * 8 + 2), varint(value.length), value]);
}
function floatField(tag: number, value: number): Field {
  const raw = Buffer.alloc(4);
  raw.writeFloatLE(value);
  return Buffer.concat([varint(tag * 8 + 5), raw]);
}

/** `TensorProto`, as field 5 (initializer) of a graph. */
export function tensor(name: string, element: Element, dims: readonly number[], data: TensorData): Field {
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return messageField(
    5,
    ...dims.map((dim) => numberField(1, dim)),
    numberField(2, ELEMENT[element]),
    textField(8, name),
    bytesField(9, raw),
  );
}

export interface Node {
  operator: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, AttributeValue>>;
  /** Operator set; the standard one where absent. */
  domain?: string;
}

/** `NodeProto`, as field 1 of a graph. */
export function node({ operator, inputs, outputs, attributes = {}, domain }: Node): Field {
  return messageField(
    1,
    ...inputs.map((input) => textField(1, input)),
    ...outputs.map((output) => textField(2, output)),
    textField(3, outputs[0] ?? ''),
    textField(4, operator),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    ...(domain === undefined ? [] : [textField(7, domain)]),
  );
}

/** `AttributeProto`, as field 5 of a node. */
function attribute(name: string, value: AttributeValue): Field {
  const [FLOAT, INT, INTS] = [1, 2, 7];
  if (typeof value === 'number')
    return messageField(5, textField(1, name), numberField(3, value), numberField(20, INT));
  if (!Array.isArray(value))
    return messageField(
      5,
      textField(1, name),
      floatField(2, (value as { float: number }).float),
      numberField(20, FLOAT),
    );
  return messageField(
    5,
    textField(1, name),
    ...(value as number[]).map((each) => numberField(8, each)),
    numberField(20, INTS),
  );
}

/** `ValueInfoProto`: a named tensor of a type and a shape. */
function value(tag: number, name: string, element: Element, shape: Shape): Field {
  const dims = shape.map((dim) =>
    messageField(1, typeof dim === 'string' ? textField(2, dim) : numberField(1, dim)),
  );
  return messageField(
    tag,
    textField(1, name),
    messageField(2, messageField(1, numberField(1, ELEMENT[element]), messageField(2, ...dims))),
  );
}

export interface Port {
  name: string;
  element: Element;
  shape: Shape;
}

export interface Graph {
  name: string;
  inputs: readonly Port[];
  outputs: readonly Port[];
  /** In an order in which each finds its inputs made. */
  nodes: readonly Field[];
  tensors: readonly Field[];
}

/** IR 7 is of 2020: everything from onnxruntime 1.6 on reads it. */
const IR_VERSION = 7;

/** The whole file. `opsets`: version of each operator set in use, '' being the standard one. */
export function modelFile(graph: Graph, opsets: Readonly<Record<string, number>>): Buffer {
  const parts = [
    ...graph.nodes,
    textField(2, graph.name),
    ...graph.tensors,
    ...graph.inputs.map((port) => value(11, port.name, port.element, port.shape)),
    ...graph.outputs.map((port) => value(12, port.name, port.element, port.shape)),
  ];
  return Buffer.concat([
    numberField(1, IR_VERSION),
    textField(2, 'pgvector-backfill'),
    messageField(7, ...parts),
    ...Object.entries(opsets).map(([domain, version]) =>
      messageField(8, textField(1, domain), numberField(2, version)),
    ),
  ]);
}
