/** Trains on a source of texts and writes the model: what the command and the demo both do. */

import { trainModel, type TrainOptions, type TrainingFacts } from './train.ts';
import { writeModel } from './write.ts';

export interface TrainFromOptions extends TrainOptions {
  /** Directory of the model; a model of this trainer that stands there is replaced. */
  out: string;
}

export interface TrainedFrom extends TrainingFacts {
  out: string;
  /** Wall time, reading the source and writing included. */
  seconds: number;
}

/** @throws ConfigError as `trainModel` and `writeModel` do */
export async function trainFrom(
  source: AsyncIterable<string> | Iterable<string>,
  { out, ...options }: TrainFromOptions,
): Promise<TrainedFrom> {
  const started = performance.now();
  const trained = await trainModel(source, options);
  await writeModel(out, trained);
  return { out, ...trained.facts, seconds: Math.round(performance.now() - started) / 1000 };
}
