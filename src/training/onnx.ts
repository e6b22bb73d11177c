/**
 * Writes the model's ONNX graph: a table of token vectors and the look-up in it. ONNX files are protocol buffers
 * (github.com/onnx/onnx, onnx/onnx.proto); the dozen fields used here are written by hand, as the packages that
 * could do it are older and larger than the format is hard.
 */

import type { Dense } from './linear.ts';

/** Opset 13 and IR 7 are of 2020: everything from onnxruntime 1.6 on runs them. */
const IR_VERSION = 7;
const OPSET = 13;

/** `TensorProto.DataType` */
const FLOAT = 1;
const INT8 = 3;
const INT64 = 7;

const INT8_MAX = 127;

type Field = Buffer;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

const number = (tag: number, value: number): Field => Buffer.concat([varint(tag * 8), varint(value)]);
function bytes(tag: number, value: Buffer): Field {
  return Buffer.concat([varint(tag * 8 + 2), varint(value.length), value]);
}
const text = (tag: number, value: string): Field => bytes(tag, Buffer.from(value));
const message = (tag: number, ...fields: Field[]): Field => bytes(tag, Buffer.concat(fields));

/** `TensorProto`, as field 5 (initializer) of a graph. */
function tensor(name: string, type: number, dims: number[], data: Float32Array | Int8Array): Field {
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return message(5, ...dims.map((dim) => number(1, dim)), number(2, type), text(8, name), bytes(9, raw));
}

/** `NodeProto`, as field 1 of a graph. */
function node(operator: string, inputs: string[], output: string, attributes: Field[] = []): Field {
  return message(
    1,
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(4, operator),
    ...attributes,
  );
}

/** `AttributeProto` of a whole number, as field 5 of a node. */
const attribute = (name: string, value: number): Field =>
  message(5, text(1, name), number(3, value), number(20, 2));

/** `ValueInfoProto`, as field 11 (input) or 12 (output) of a graph; a string is a dimension of any size. */
function value(tag: number, name: string, type: number, dims: (string | number)[]): Field {
  const shape = dims.map((dim) => message(1, typeof dim === 'string' ? text(2, dim) : number(1, dim)));
  return message(tag, text(1, name), message(2, message(1, number(1, type), message(2, ...shape))));
}

function model(dimensions: number, nodes: Field[], tensors: Field[]): Buffer {
  const graph = [
    ...nodes,
    text(2, 'token_table'),
    ...tensors,
    value(11, 'input_ids', INT64, ['batch', 'sequence']),
    value(12, 'last_hidden_state', FLOAT, ['batch', 'sequence', dimensions]),
  ];
  const opset = message(8, text(1, ''), number(2, OPSET));
  return Buffer.concat([number(1, IR_VERSION), text(2, 'pgvector-backfill'), message(7, ...graph), opset]);
}

/** `input_ids` int64 [batch, sequence] → `last_hidden_state` float [batch, sequence, dimensions]; 4 bytes a number. */
export function fullModel({ rows, columns, data }: Dense): Buffer {
  return model(
    columns,
    [node('Gather', ['table', 'input_ids'], 'last_hidden_state', [attribute('axis', 0)])],
    [tensor('table', FLOAT, [rows, columns], data)],
  );
}

/**
 * The same in a quarter of the size: each row as int8 with a scale of its own. A scale for the whole table would
 * turn the rows of frequent words, and the tiny special ones, into zeros.
 */
export function quantizedModel({ rows, columns, data }: Dense): Buffer {
  const scales = new Float32Array(rows);
  const small = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    let largest = 0;
    for (let at = from; at < from + columns; at++) largest = Math.max(largest, Math.abs(data[at]!));
    if (largest === 0) continue;
    scales[row] = largest / INT8_MAX;
    for (let at = from; at < from + columns; at++) small[at] = Math.round((data[at]! / largest) * INT8_MAX);
  }
  const axis = [attribute('axis', 0)];
  return model(
    columns,
    [
      node('Gather', ['table', 'input_ids'], 'small', axis),
      node('Cast', ['small'], 'steps', [attribute('to', FLOAT)]),
      node('Gather', ['scales', 'input_ids'], 'scale', axis),
      node('Mul', ['steps', 'scale'], 'last_hidden_state'),
    ],
    [tensor('table', INT8, [rows, columns], small), tensor('scales', FLOAT, [rows, 1], scales)],
  );
}
