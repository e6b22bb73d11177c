/** A layer behind the pooling, as sentence-transformers has it: matrix, bias, activation. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readSafetensors } from '../model-files/safetensors.ts';
import { denseConfig, denseWeights } from '../model-files/usage-files.ts';
import { UnusableModel } from './unusable.ts';

const configFile = z.looseObject({ activation_function: z.string().optional() });

/** By the last part of PyTorch's name for it. */
const ACTIVATIONS: Readonly<Record<string, (value: number) => number>> = {
  Identity: (value) => value,
  Tanh: Math.tanh,
  ReLU: (value) => Math.max(value, 0),
  Sigmoid: (value) => 1 / (1 + Math.exp(-value)),
};
/** What the library takes where the file does not say. */
const USUAL = 'Tanh';

export class Dense {
  readonly inputs: number;
  readonly outputs: number;
  /** outputs × inputs. */
  readonly #weights: Float32Array;
  readonly #bias: Float32Array;
  readonly #activate: (value: number) => number;

  private constructor(weights: Float32Array, bias: Float32Array, activate: (value: number) => number) {
    this.#weights = weights;
    this.#bias = bias;
    this.#activate = activate;
    this.outputs = bias.length;
    this.inputs = weights.length / bias.length;
  }

  /** @param path its folder, relative to the model's @throws UnusableModel, Error where its files are damaged */
  static async read(folder: string, path: string): Promise<Dense> {
    const config = configFile.parse(JSON.parse(await readFile(join(folder, denseConfig(path)), 'utf8')));
    const name = (config.activation_function ?? USUAL).split('.').at(-1) ?? '';
    const activate = ACTIVATIONS[name];
    if (activate === undefined)
      throw new UnusableModel(
        `${denseConfig(path)} has an activation that is not known here: ${name}`,
        'Take an export whose graph has the layer in it (output sentence_embedding) with model.pooling graph, or serve the model by model.endpoint.',
      );
    const file = denseWeights(path);
    const tensors = await readSafetensors(join(folder, file), ['linear.weight', 'linear.bias']);
    const weight = tensors.get('linear.weight');
    const [outputs = 0, inputs = 0] = weight?.shape ?? [];
    const bias = tensors.get('linear.bias')?.data ?? new Float32Array(outputs);
    if (weight === undefined || weight.shape.length !== 2 || inputs === 0 || bias.length !== outputs)
      throw new Error(`${file} has no matrix linear.weight, or a bias of another size`);
    return new Dense(weight.data, bias, activate);
  }

  apply(vector: Float32Array): Float32Array {
    const { inputs } = this;
    if (vector.length !== inputs)
      throw new Error(
        `the layer behind the pooling reads ${inputs} components, and the graph gives ${vector.length}`,
      );
    return this.#bias.map((bias, row) => {
      let sum = 0;
      for (let at = 0, from = row * inputs; at < inputs; at++) sum += this.#weights[from + at]! * vector[at]!;
      return this.#activate(sum + bias);
    });
  }
}
