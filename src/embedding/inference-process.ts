/**
 * An inference process: files, configuration and tokenizer by @xenova/transformers, inference by its ONNX runtime,
 * batching and pooling our own. A session.run blocks its thread for as long as it computes, which is why it is not in
 * the main process: there it would starve lock renewal and database I/O. A process and not a thread, because the native
 * runtime does not survive the end of a thread (Node aborts), and a crash in native code must not take the worker along.
 */

import { AutoModel, AutoTokenizer, env } from '@xenova/transformers';
import ort from 'onnxruntime-node';
import { messageOf } from '../errors.ts';
import type { Embeddings } from './embedder.ts';
import type { ModelOptions } from './model-files.ts';
import type { FromInference, LoadRequest, ToInference } from './messages.ts';
import { norm, pool, scale } from './pooling.ts';
import { tokenBatches } from './token-batches.ts';

/** Below: the direction of the vector is rounding noise. */
const LEAST_NORM = 1e-12;

/** The parts of the library's objects that are used; its types do not show them. */
interface LoadedModel {
  session: ort.InferenceSession;
}
interface LoadedTokenizer {
  encode(text: string): number[];
  all_special_ids: number[];
  model_max_length: number;
  pad_token_id?: number;
  model: { unk_token_id?: number };
}

/**
 * The library passes no session options, and where the native runtime fails it goes on with WASM after a warning:
 * many times slower, unnoticed. Here every session is native, of a fixed thread count, or an error.
 */
function pinRuntime(intraOpThreads: number): void {
  const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
    model: Uint8Array,
    sessionOptions: ort.InferenceSession.SessionOptions,
  ) => Promise<ort.InferenceSession>;
  let refused: unknown;
  const native = async (model: Uint8Array): Promise<ort.InferenceSession> => {
    if (refused !== undefined) throw refused as Error;
    try {
      return await create(model, {
        executionProviders: ['cpu'],
        intraOpNumThreads: intraOpThreads,
        interOpNumThreads: 1,
      });
    } catch (error) {
      refused = error;
      throw error;
    }
  };
  Object.assign(ort.InferenceSession, { create: native });
}

async function load({ options, location, intraOpThreads }: LoadRequest): Promise<Engine> {
  pinRuntime(intraOpThreads);
  // It announces its fall-back to WASM here, which does not happen; what went wrong is told to the main process.
  console.warn = () => {};
  env.allowLocalModels = true;
  env.localModelPath = location.root;
  env.cacheDir = location.root;
  env.allowRemoteModels = options.allowDownload;
  const model = (await AutoModel.from_pretrained(location.id, {
    quantized: options.quantized,
  })) as unknown as LoadedModel;
  const tokenizer = (await AutoTokenizer.from_pretrained(location.id)) as unknown as LoadedTokenizer;
  const unknown = tokenizer.model.unk_token_id;
  return {
    session: model.session,
    tokenizer,
    options,
    maxTokens: Math.min(options.maxTokens, tokenizer.model_max_length || options.maxTokens),
    special: new Set([...tokenizer.all_special_ids, ...(unknown === undefined ? [] : [unknown])]),
  };
}

interface Engine {
  session: ort.InferenceSession;
  tokenizer: LoadedTokenizer;
  options: ModelOptions;
  maxTokens: number;
  special: Set<number>;
}

async function run(
  engine: Engine,
  ids: number[][],
  members: number[],
): Promise<{ data: Float32Array; sequence: number; dimensions: number }> {
  const sequence = Math.max(...members.map((index) => ids[index]?.length ?? 0));
  const size = members.length * sequence;
  const inputs = {
    input_ids: new BigInt64Array(size),
    attention_mask: new BigInt64Array(size),
    token_type_ids: new BigInt64Array(size),
  };
  inputs.input_ids.fill(BigInt(engine.tokenizer.pad_token_id ?? 0));
  for (const [row, index] of members.entries()) {
    for (const [column, token] of (ids[index] ?? []).entries()) {
      inputs.input_ids[row * sequence + column] = BigInt(token);
      inputs.attention_mask[row * sequence + column] = 1n;
    }
  }
  const feeds: Record<string, ort.Tensor> = {};
  for (const name of engine.session.inputNames) {
    if (name in inputs)
      feeds[name] = new ort.Tensor('int64', inputs[name as keyof typeof inputs], [members.length, sequence]);
  }
  const outputs = await engine.session.run(feeds);
  const output =
    outputs['last_hidden_state'] ??
    outputs['token_embeddings'] ??
    outputs[engine.session.outputNames[0] ?? ''];
  if (output === undefined || output.dims.length !== 3)
    throw new Error('the model has no output of token vectors (last_hidden_state)');
  return { data: output.data as Float32Array, sequence, dimensions: output.dims[2] ?? 0 };
}

async function embed(engine: Engine, texts: string[]): Promise<Embeddings> {
  const count = texts.length;
  const truncated = new Uint8Array(count);
  const faults = new Uint8Array(count);
  const ids = texts.map((text, index) => {
    const all = engine.tokenizer.encode(text);
    if (all.length > engine.maxTokens) truncated[index] = 1;
    // Cut like the library cuts, so that vectors agree with its own pipeline.
    const kept = all.slice(0, engine.maxTokens);
    if (kept.every((token) => engine.special.has(token))) faults[index] = 1;
    // A model without special tokens gives an empty text no token at all, and an empty tensor cannot be pooled.
    return kept.length === 0 ? [engine.tokenizer.model.unk_token_id ?? 0] : kept;
  });
  const tokens = Int32Array.from(ids, (list) => list.length);
  let vectors = new Float32Array(0);
  for (const members of tokenBatches(tokens)) {
    const output = await run(engine, ids, members);
    if (vectors.length === 0) vectors = new Float32Array(count * output.dimensions);
    for (const [row, index] of members.entries()) {
      const vector = vectors.subarray(index * output.dimensions, (index + 1) * output.dimensions);
      pool(output, row, tokens[index] ?? 1, engine.options.pooling, vector);
      const length = norm(vector);
      if (!Number.isFinite(length)) faults[index] = 2;
      else if (length < LEAST_NORM) faults[index] = 3;
      else if (engine.options.normalize) scale(vector, 1 / length);
    }
  }
  return { vectors, tokens, truncated, faults, masked: {} };
}

const say = (message: FromInference): void => void process.send?.(message);
let engine: Engine | null = null;

async function start(request: LoadRequest): Promise<void> {
  try {
    engine = await load(request);
    const probe = await embed(engine, ['probe']);
    say({ type: 'ready', dimensions: probe.vectors.length, maxTokens: engine.maxTokens });
  } catch (error) {
    say({ type: 'unusable', message: messageOf(error) });
  }
}

async function answer(id: number, texts: string[]): Promise<void> {
  try {
    if (engine === null) throw new Error('no model is loaded');
    say({ type: 'embedded', id, ...(await embed(engine, texts)) });
  } catch (error) {
    say({ type: 'failed', id, message: messageOf(error) });
  }
}

process.on(
  'message',
  (message: ToInference) =>
    void (message.type === 'load' ? start(message) : answer(message.id, message.texts)),
);
// Ends with its parent, however that ends; Ctrl-C in a terminal reaches this process too, but a draining parent still needs it.
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {}).on('SIGTERM', () => {});
