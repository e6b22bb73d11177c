/** A graph's session in the native runtime, on the processor. */

import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { optionName } from '../../config/option-name.ts';
import type { Dtype } from '../../config/values/dtype.ts';
import { messageOf } from '../../errors.ts';
import { graphFile, presentDtypes } from '../model-files/dtype.ts';
import type { Runtime } from './onnx-runtime.ts';
import { UnusableModel } from './unusable.ts';

type Level = NonNullable<InferenceSession.SessionOptions['graphOptimizationLevel']>;

/**
 * The runtime cannot optimise every graph in float16: it may fuse a layer norm and look for casts of it that it has taken away
 * (microsoft/onnxruntime, issue 29153). With less of it such a graph is slower, and runs.
 */
const LEVELS: readonly Level[] = ['all', 'basic', 'disabled'];
const WHILE_OPTIMISING = /during initialization/;
/** Of an operator that is for other hardware, or that the runtime is too old for. */
const NO_KERNEL = /(?:implementation|kernel) for ([\w.:]+)|([\w.:]+)\(-?\d+\) is not a registered/i;

export interface SessionRequest {
  /** The model's. */
  folder: string;
  dtype: Dtype;
  intraOpThreads: number;
}

/** @throws UnusableModel where the graph has an operator that the runtime has not for the processor; Error as the runtime has it */
export async function openSession(runtime: Runtime, request: SessionRequest): Promise<InferenceSession> {
  let first: unknown = null;
  for (const level of LEVELS)
    try {
      return await create(runtime, request, level);
    } catch (error) {
      first ??= error;
      if (!WHILE_OPTIMISING.test(messageOf(error)) && !NO_KERNEL.test(messageOf(error))) break;
    }
  const message = messageOf(first);
  throw NO_KERNEL.test(message) ? notOnProcessors(message, request) : first;
}

const create = (
  runtime: Runtime,
  { folder, dtype, intraOpThreads }: SessionRequest,
  graphOptimizationLevel: Level,
): Promise<InferenceSession> =>
  runtime.InferenceSession.create(join(folder, graphFile(dtype)), {
    executionProviders: ['cpu'],
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    graphOptimizationLevel,
    // A plan of its memory for each length of text, each with a block of its own beside what is there: no faster, and the
    // second text of 8,192 tokens would take twice what the first one did.
    enableMemPattern: false,
    // Errors only: the runtime's warnings are about graphs, which the operator did not make. Fatal ones where another level is tried.
    logSeverityLevel: graphOptimizationLevel === 'disabled' ? 3 : 4,
  });

function notOnProcessors(message: string, { folder, dtype }: SessionRequest): UnusableModel {
  const [, unwritten, unknown = 'one of its operators'] = NO_KERNEL.exec(message) ?? [];
  const others = presentDtypes(folder).filter((each) => each !== dtype);
  return new UnusableModel(
    `the runtime cannot compute ${graphFile(dtype)} (model.dtype ${dtype}) on a processor: it has no ${unwritten ?? unknown} for it`,
    others.length === 0
      ? `Set ${optionName('model.dtype')} to q8 or fp32, and fetch it by \`pgvector-backfill model fetch\`.`
      : `Set ${optionName('model.dtype')} to another that is in the folder: ${others.join(', ')}.`,
  );
}
