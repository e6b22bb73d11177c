/** What becomes of texts whose processes die: with processes that die when they are told to. */

import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FromInference, ToInference } from '../../../src/embedding/inference/messages.ts';
import { openTransformersEmbedder, type LocalEmbedder } from '../../../src/embedding/local-embedder.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';

const DIMENSIONS = 2;
/** Told by the tests. */
const world = { started: 0, diesOf: (_text: string): boolean => false, loads: (): boolean => true };

/** Its vector of a text is the text's length and 1. */
class FakeProcess extends EventEmitter {
  exitCode: number | null = null;
  signalCode: string | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    super();
    world.started++;
  }

  send(message: ToInference): void {
    this.#last = this.#last.then(() => new Promise(setImmediate)).then(() => this.#answer(message));
  }

  #answer(message: ToInference): void {
    if (this.signalCode !== null || message.type === 'cancel') return;
    if (message.type === 'load') {
      if (world.loads()) this.#say({ type: 'ready', dimensions: DIMENSIONS, maxTokens: 16, isLookUp: false });
      else this.kill();
      return;
    }
    if (message.texts.some((text) => world.diesOf(text))) return this.kill();
    const zeros = (): Uint8Array => new Uint8Array(message.texts.length);
    this.#say({
      type: 'embedded',
      id: message.id,
      vectors: Float32Array.from(message.texts.flatMap((text) => [text.length, 1])),
      tokens: Int32Array.from(message.texts, () => 1),
      truncated: zeros(),
      faults: zeros(),
      masked: {},
    });
  }

  #say(message: FromInference): void {
    this.emit('message', message);
  }

  ref(): void {}
  unref(): void {}

  kill(): void {
    if (this.signalCode !== null) return;
    this.signalCode = 'SIGKILL';
    setImmediate(() => this.emit('exit', null, 'SIGKILL'));
  }
}

vi.mock('../../../src/process/fork-entry.ts', () => ({ forkEntry: () => new FakeProcess() }));

const texts = Array.from({ length: 300 }, (_, n) => `text ${n} ${'x'.repeat(n)}`);
const vectorsOf = (those: string[]): number[] => those.flatMap((text) => [text.length, 1]);

describe.each([1, 3])('%i inference processes', (processes) => {
  const model = sampleModel();
  let embedder: LocalEmbedder;
  beforeEach(async () => {
    Object.assign(world, { started: 0, diesOf: () => false, loads: () => true });
    embedder = await openTransformersEmbedder(modelOptionsOf(model), processes);
  });
  afterEach(() => embedder.close());

  it('quarantine the texts of which they die, and only those', async () => {
    const deadly = new Set(['7', '31', '32', '299'].map((n) => texts[Number(n)] ?? ''));
    world.diesOf = (text) => deadly.has(text);
    const { vectors, faults } = await embedder.embed(texts);
    expect(texts.filter((_, at) => faults[at] === 8)).toEqual([...deadly]);
    for (const [at, text] of texts.entries())
      if (!deadly.has(text)) expect([...vectors.subarray(2 * at, 2 * at + 2)]).toEqual([text.length, 1]);
  });

  it('are replaced where they die by chance, and no text is quarantined', async () => {
    let deaths = 4;
    world.diesOf = () => deaths-- > 0;
    const { vectors, faults } = await embedder.embed(texts);
    expect(faults.every((fault) => fault === 0)).toBe(true);
    expect([...vectors]).toEqual(vectorsOf(texts));
  });

  it('are tried again by the next call where all of them died', async () => {
    world.diesOf = () => true;
    await expect(embedder.embed(texts)).rejects.toMatchObject({
      code: 'INFERENCE_PROCESSES_DIE',
      retryable: true,
    });
    const { started } = world;
    world.loads = () => false;
    await expect(embedder.embed(texts)).rejects.toMatchObject({ code: 'INFERENCE_PROCESSES_DIE' });
    expect(world.started).toBeGreaterThan(started);
    Object.assign(world, { diesOf: () => false, loads: () => true });
    expect([...(await embedder.embed(texts)).vectors]).toEqual(vectorsOf(texts));
  });

  it('say at the start where none can be started', async () => {
    world.loads = () => false;
    await expect(openTransformersEmbedder(modelOptionsOf(model), processes)).rejects.toMatchObject({
      code: 'MODEL_UNUSABLE',
    });
  });
});
