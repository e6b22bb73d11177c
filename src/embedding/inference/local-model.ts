/**
 * Texts → vectors inside an inference process: configuration by @xenova/transformers, inference by the ONNX runtime
 * itself, tokens, batching and pooling our own. The library's pipeline would give many texts other tokens than the model
 * was trained on, pad in arrival order, pool through proxies, and where the native runtime fails it would go on in
 * WebAssembly, many times slower, after a warning that nobody sees.
 */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { optionName } from '../../config/option-name.ts';
import { NO_TELEMETRY } from '../../process/child-environment.ts';
import { messageOf } from '../../errors.ts';
import { createMasker, tryMask, type Masker } from '../../masking/masker.ts';
import { passagesOf } from '../passages/text-passages.ts';
import { emptyEmbeddings, addCounts, type CutTexts, type Embeddings, type TextKind } from '../embedder.ts';
import type { LoadRequest } from './messages.ts';
import { readModelConfig } from '../model-files/config.ts';
import { positionsOf } from '../model-files/positions.ts';
import {
  denseLayers,
  modelCut,
  modelDtype,
  modelGraph,
  type ModelLocation,
  type ModelOptions,
} from '../model-files/files.ts';
import { staticFiles, type StaticFiles } from '../model-files/static-files.ts';
import { loadStaticTokenizer, loadTokenizer } from '../tokenizer/load-tokenizer.ts';
import { FAULT, MIN_NORM, checkVectors } from './faults.ts';
import { LookUp } from './look-up.ts';
import { Dense } from './dense.ts';
import { Graph } from './graph.ts';
import { norm, normaliseLayer, pool } from './pooling.ts';
import { loadRuntime } from './onnx-runtime.ts';
import { openSession } from './session.ts';
import { readStaticTable } from './static-table.ts';
import { UnusableModel } from './unusable.ts';
import type { EmbeddingOptions } from '../embedding-options.ts';
import type { Cut } from '../usage/cut.ts';
import { TextTokenizer, type TextTokens } from '../tokenizer/text-tokens.ts';
import { lookUpBatches } from './look-up-batches.ts';
import { tokenBatches } from './token-batches.ts';

/** Texts of one call that the model may refuse before it counts as broken. */
const MAX_REFUSED = 16;

/** One piece of one text: what goes through the model as one line of a batch. */
interface Unit {
  text: number;
  ids: number[];
  /** Share of the text's vector. */
  weight: number;
}

export class LocalModel {
  /** Null of a static model. */
  #graph: Graph | null = null;
  /** In place of the graph, where that is a look-up. */
  #lookUp: LookUp | null = null;
  /** Behind the pooling; most models have none. */
  #dense: readonly Dense[] = [];
  /** Components that are left away; null where none are. */
  readonly #cut: Cut | null;
  readonly #shaping: EmbeddingOptions;
  readonly #masker: Masker;
  readonly tokenizer: TextTokenizer;

  private constructor(tokenizer: TextTokenizer, shaping: ModelOptions) {
    this.#shaping = shaping;
    this.#cut = modelCut(shaping);
    this.#masker = createMasker(shaping.mask);
    this.tokenizer = tokenizer;
  }

  /** @throws Error that says which of runtime, tokenizer and graph cannot be loaded. */
  static async load(request: LoadRequest): Promise<LocalModel> {
    const table = staticFiles(request.location.folder);
    return table === null ? LocalModel.#loadGraph(request) : LocalModel.#loadTable(request, table);
  }

  static async #loadGraph({ options, location, intraOpThreads }: LoadRequest): Promise<LocalModel> {
    // A process that did not come from us, such as a test's, has not got it yet; read when the first session is made.
    Object.assign(process.env, NO_TELEMETRY);
    const runtime = await part('the native ONNX runtime (onnxruntime-node)', loadRuntime);
    const config = await part('the configuration', () => readModelConfig(location));
    const tokenizer = await part('the tokenizer', async () => {
      const loaded = await loadTokenizer(location.folder);
      // What the tokenizer's files say of it is how long texts were in training, where the graph has positions for more.
      const maxTokens = positionsOf(config) ?? loaded.settings.maxTokens;
      return new TextTokenizer(loaded.tokenizer, { ...loaded.settings, maxTokens }, options);
    });
    const file = join(location.folder, modelGraph(options));
    const graph = await part('the graph', async () => {
      const request = { folder: location.folder, dtype: modelDtype(options), intraOpThreads };
      const session = await openSession(runtime, request);
      const padding = { token: tokenizer.padding, side: tokenizer.paddingSide };
      return new Graph(runtime, session, config, padding, options.pooling === 'graph');
    });
    const model = new LocalModel(tokenizer, options);
    model.#graph = graph;
    // What a graph pools by itself has been through them.
    if (!graph.isPooled) await model.#readLayers(options, location);
    const { size } = await stat(file);
    model.#lookUp = graph.isPooled ? null : await LookUp.read(config, size, (lines) => graph.run(lines));
    return model;
  }

  /** Without the runtime, which such a model has no use for. */
  static async #loadTable({ options, location }: LoadRequest, files: StaticFiles): Promise<LocalModel> {
    if (options.pooling !== 'mean')
      throw new UnusableModel(
        `it is a static model (${files.said}), whose vectors are means of those of its tokens, and ${optionName('model.pooling')} is ${options.pooling}`,
        `Leave ${optionName('model.pooling')} out.`,
      );
    const loaded = await part('the tokenizer', () => loadStaticTokenizer(location.folder, files));
    const model = new LocalModel(new TextTokenizer(loaded.tokenizer, loaded.settings, options), options);
    await model.#readLayers(options, location);
    let tokens = 0;
    for (const [, id] of loaded.tokenizer.tokens()) tokens = Math.max(tokens, id + 1);
    // What is not looked at need not be in memory.
    const columns =
      model.#dense.length > 0 || model.#cut?.layerNorm === true ? undefined : model.#cut?.dimensions;
    model.#lookUp = await part('the table', () => readStaticTable(location.folder, files, tokens, columns));
    return model;
  }

  async #readLayers(options: ModelOptions, { folder }: ModelLocation): Promise<void> {
    this.#dense = await part('the layer behind the pooling', () =>
      Promise.all(denseLayers(options).map((path) => Dense.read(folder, path))),
    );
  }

  /** Whether its vectors are looked up in a table, without an inference. */
  get isLookUp(): boolean {
    return this.#lookUp !== null;
  }

  /** `cancelled` is asked between two inferences. */
  async embed(
    texts: readonly string[],
    as: TextKind,
    cancelled: () => boolean = () => false,
  ): Promise<Embeddings> {
    const count = texts.length;
    const result = emptyEmbeddings(count);
    const units = this.#units(texts, as, result);
    const lengths = units.map(({ ids }) => ids.length);
    for (const members of this.isLookUp ? lookUpBatches(lengths) : tokenBatches(lengths)) {
      // Whatever was said to this process meanwhile is heard now: an inference itself lets nothing through.
      await turn();
      if (cancelled()) break;
      await this.#inferOrFault(
        members.map((index) => units[index] as Unit),
        count,
        result,
      );
    }
    checkVectors(result, this.#shaping.normalize);
    return result;
  }

  /** `cancelled` is asked between two texts. */
  async cut(texts: readonly string[], cancelled: () => boolean = () => false): Promise<CutTexts> {
    const result: CutTexts = { texts: [], masked: {} };
    for (const text of texts) {
      await turn();
      if (cancelled()) break;
      const { counts, ...cut } = passagesOf(
        text,
        this.#masker,
        this.tokenizer.passages,
        this.#shaping.maxChunks,
      );
      addCounts(result.masked, counts);
      result.texts.push(cut);
    }
    return result;
  }

  #units(texts: readonly string[], as: TextKind, result: Embeddings): Unit[] {
    const units: Unit[] = [];
    for (const [text, raw] of texts.entries()) {
      const masked = as === 'passage' ? { text: raw, counts: {} } : tryMask(this.#masker, raw);
      if (masked === null) {
        result.faults[text] = FAULT.maskTooSlow;
        continue;
      }
      addCounts(result.masked, masked.counts);
      const tokens = this.tokenizer.tokens(masked.text, as);
      result.tokens[text] = tokens.units.reduce((sum, ids) => sum + ids.length, 0);
      result.truncated[text] = tokens.truncated ? 1 : 0;
      result.faults[text] = this.#faultOf(tokens);
      const weight = tokens.weights.reduce((sum, each) => sum + each, 0);
      for (const [at, ids] of tokens.units.entries())
        units.push({ text, ids, weight: (tokens.weights[at] ?? 0) / weight });
    }
    return units;
  }

  #faultOf(tokens: TextTokens): number {
    if (tokens.units.length > 0) return tokens.unknown ? FAULT.unknown : 0;
    return this.#shaping.longText === 'skip' ? FAULT.skipped : FAULT.tooLong;
  }

  /** A text that the model cannot take must not cost the others of its batch theirs. */
  async #inferOrFault(units: readonly Unit[], count: number, result: Embeddings): Promise<void> {
    try {
      await this.#infer(units, count, result);
    } catch (error) {
      if (error instanceof UnusableModel) throw error;
      if (units.length > 1) {
        for (const unit of units) await this.#inferOrFault([unit], count, result);
        return;
      }
      const refused = result.faults.filter((fault) => fault === FAULT.refused).length;
      // Not the texts, then, but the model.
      if ((count > 1 && refused + 1 === count) || refused >= MAX_REFUSED) throw error;
      result.faults[units[0]?.text ?? 0] = FAULT.refused;
    }
  }

  /** One inference; adds each unit's vector, by its weight, to that of its text. */
  async #infer(units: readonly Unit[], count: number, result: Embeddings): Promise<void> {
    const output = this.#lookUp ?? (await this.#graph?.run(units.map(({ ids }) => ids)));
    if (output === undefined) throw new Error('no model is loaded');
    const given = this.#dense.at(-1)?.outputs ?? output.dimensions;
    const { dimensions, layerNorm } = this.#cut ?? { dimensions: given, layerNorm: false };
    const asked = this.#shaping.dimensions ?? dimensions;
    // As many as its files say of its vectors are no cut, and other vectors are not what was asked for.
    if (asked > given || asked !== dimensions) throw otherDimensions(asked, given);
    // Nothing comes behind the pooling but the cut: what is left away is not added up in the first place.
    const pooled = this.#dense.length === 0 && !layerNorm ? null : new Float32Array(output.dimensions);
    if (result.vectors.length === 0) result.vectors = new Float32Array(count * dimensions);
    const piece = new Float32Array(dimensions);
    for (const [row, { text, ids, weight }] of units.entries()) {
      const vector = result.vectors.subarray(text * dimensions, (text + 1) * dimensions);
      const target = weight === 1 ? vector : piece;
      const into = pooled ?? target;
      if (output instanceof LookUp) output.pool(ids, this.#shaping.pooling, into);
      else if (output.isPooled) pool(output, row, 1, 'cls', into);
      else pool(output, row, ids.length, this.#shaping.pooling, into);
      if (pooled !== null) {
        const whole = this.#dense.reduce<Float32Array>((each, layer) => layer.apply(each), pooled);
        if (layerNorm) normaliseLayer(whole);
        target.set(whole.subarray(0, dimensions));
      }
      if (weight === 1) continue;
      const length = this.#shaping.normalize ? norm(piece) : 1;
      const share = length < MIN_NORM ? 0 : weight / length;
      for (let at = 0; at < dimensions; at++) vector[at] = (vector[at] ?? 0) + (piece[at] ?? 0) * share;
    }
  }
}

const otherDimensions = (asked: number, given: number): UnusableModel =>
  new UnusableModel(
    `${optionName('model.dimensions')} is ${asked}, and its vectors have ${given} dimensions`,
    asked > given
      ? `Give ${given} at most, or leave it out.`
      : `Leave it out, or correct the model's files, which say that its vectors have ${asked}.`,
  );

async function part<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof UnusableModel) throw error;
    throw new Error(`${name} cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
}
