/** The model's ONNX graph: a table of token vectors and the look-up in it. */

import { ELEMENT, modelFile, node, tensor, type Node, type Tensor } from '../onnx/write.ts';
import type { Dense } from './linear.ts';

/** Opset 13 is of 2020. */
const OPSET = 13;
const INT8_MAX = 127;

function model(dimensions: number, nodes: Node[], tensors: Tensor[]): Buffer {
  return modelFile(
    {
      name: 'token_table',
      nodes,
      tensors,
      inputs: [{ name: 'input_ids', element: 'int64', shape: ['batch', 'sequence'] }],
      outputs: [{ name: 'last_hidden_state', element: 'float', shape: ['batch', 'sequence', dimensions] }],
    },
    { '': OPSET },
  );
}

/** `input_ids` int64 [batch, sequence] → `last_hidden_state` float [batch, sequence, dimensions]; 4 bytes a number. */
export function fullModel({ rows, columns, data }: Dense): Buffer {
  return model(
    columns,
    [
      node({
        operator: 'Gather',
        inputs: ['table', 'input_ids'],
        outputs: ['last_hidden_state'],
        attributes: { axis: 0 },
      }),
    ],
    [tensor('table', 'float', [rows, columns], data)],
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
  const attributes = { axis: 0 };
  return model(
    columns,
    [
      node({ operator: 'Gather', inputs: ['table', 'input_ids'], outputs: ['small'], attributes }),
      node({ operator: 'Cast', inputs: ['small'], outputs: ['steps'], attributes: { to: ELEMENT.float } }),
      node({ operator: 'Gather', inputs: ['scales', 'input_ids'], outputs: ['scale'], attributes }),
      node({ operator: 'Mul', inputs: ['steps', 'scale'], outputs: ['last_hidden_state'] }),
    ],
    [tensor('table', 'int8', [rows, columns], small), tensor('scales', 'float', [rows, 1], scales)],
  );
}
