/** How fast this machine multiplies matrices of the model's shapes: what no arrangement of the rest can exceed. */

import ort from 'onnxruntime-node';
import { ELEMENT, modelFile, node, tensor, type Node, type Tensor } from '../../src/onnx/write.ts';
import { uniform } from '../../src/random.ts';
import { SHAPE } from './minilm-graph.ts';

/** Rows of the products: tokens of one inference. */
const TOKENS = 1024;
const { width, inner, layers } = SHAPE;
/** Weights that every token is multiplied with: query, key, value, output, and the two of the inner layer. */
const WEIGHTS: [from: number, to: number][] = [
  ...Array.from({ length: 4 }, (): [number, number] => [width, width]),
  [width, inner],
  [inner, width],
];
/** A multiplication and an addition for each weight. */
export const LINEAR_OPERATIONS = 2 * layers * WEIGHTS.reduce((sum, [from, to]) => sum + from * to, 0);
/** Of one token in a text of `length` tokens: scores and their sums, over all heads. */
export const attentionOperations = (length: number): number => 4 * layers * width * length;

/** The model's weight products one behind the other, and nothing else. */
function chain(quantized: boolean): Buffer {
  const random = uniform(3);
  const nodes: Node[] = [];
  const tensors: Tensor[] = [];
  let input = 'x';
  for (let layer = 0; layer < layers; layer++) {
    for (const [at, [from, to]] of WEIGHTS.entries()) {
      const name = `${layer}_${at}`;
      const last = layer === layers - 1 && at === WEIGHTS.length - 1;
      const output = last ? 'y' : `y_${name}`;
      const add = (operator: string, inputs: string[], outputs: string[], attributes = {}): void =>
        void nodes.push(node({ operator, inputs, outputs, attributes }));
      if (quantized) {
        tensors.push(
          tensor(
            `w_${name}`,
            'int8',
            [from, to],
            Int8Array.from({ length: from * to }, () => random() * 127 - 64),
          ),
          tensor(`s_${name}`, 'float', [to], new Float32Array(to).fill(0.001)),
          tensor(`z_${name}`, 'int8', [to], new Int8Array(to)),
        );
        add('DynamicQuantizeLinear', [input], [`q_${name}`, `a_${name}`, `o_${name}`]);
        add('MatMulInteger', [`q_${name}`, `w_${name}`, `o_${name}`, `z_${name}`], [`i_${name}`]);
        add('Cast', [`i_${name}`], [`f_${name}`], { to: ELEMENT.float });
        add('Mul', [`a_${name}`, `s_${name}`], [`t_${name}`]);
        add('Mul', [`f_${name}`, `t_${name}`], [output]);
      } else {
        tensors.push(
          tensor(
            `w_${name}`,
            'float',
            [from, to],
            Float32Array.from({ length: from * to }, () => random() - 0.5),
          ),
        );
        add('MatMul', [input, `w_${name}`], [output]);
      }
      input = output;
    }
  }
  return modelFile(
    {
      name: 'chain',
      nodes,
      tensors,
      inputs: [{ name: 'x', element: 'float', shape: ['tokens', width] }],
      outputs: [{ name: 'y', element: 'float', shape: ['tokens', width] }],
    },
    { '': 13 },
  );
}

/**
 * Runs the chain for about `milliseconds`. @returns operations a second with all `threads`, in the mean as what is held
 * against it: a machine that others share is at its best for moments only.
 */
export async function openRoofline(
  quantized: boolean,
  threads: number,
): Promise<(milliseconds: number) => Promise<number>> {
  const session = await ort.InferenceSession.create(chain(quantized), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const random = uniform(5);
  const data = Float32Array.from({ length: TOKENS * width }, () => random() - 0.5);
  const x = new ort.Tensor('float32', data, [TOKENS, width]);
  await session.run({ x });
  return async (milliseconds) => {
    const started = performance.now();
    let runs = 0;
    for (; performance.now() - started < milliseconds; runs++) await session.run({ x });
    return (runs * LINEAR_OPERATIONS * TOKENS * 1000) / (performance.now() - started);
  };
}
