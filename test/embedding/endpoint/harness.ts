/** A fake server and an embedder over it, put away at the end of the test; a clock that jumps; a look into errors. */

import { setImmediate as soon } from 'node:timers/promises';
import { inspect } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { openEndpointEmbedder, type EndpointOptions } from '../../../src/embedding/endpoint/embedder.ts';
import type { Timing } from '../../../src/embedding/endpoint/pacing.ts';
import type { Embedder, Embeddings } from '../../../src/embedding/embedder.ts';
import { BackfillError } from '../../../src/errors.ts';
import { FakeServer, type Behaviour } from './fake-server.ts';

export const KEY = 'sk-very-secret-4711';
export const TEXT = 'Jane Roe of 12 Elm Street owes 400';

/** Sleeping moves its clock and takes no time. */
export class FakeTiming implements Timing {
  readonly start = Date.UTC(2030, 0, 1);
  readonly slept: number[] = [];
  time = this.start;
  now(): number {
    return this.time;
  }
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.slept.push(ms);
    this.time += ms;
    await soon();
  }
  random(): number {
    return 0.5;
  }
}

export function optionsFor(server: FakeServer, options: Partial<EndpointOptions> = {}): EndpointOptions {
  return {
    name: 'test-model',
    endpoint: `${server.origin}/v1`,
    apiKey: KEY,
    requestTexts: 64,
    requestConcurrency: 4,
    // Longer than a test may take: what should end by itself must not be ended by this.
    timeoutSeconds: 300,
    normalize: false,
    maxTokens: 256,
    longText: 'truncate',
    maskVersion: 'none',
    ...options,
  };
}

export async function fakeServer(behaviour?: Behaviour): Promise<FakeServer> {
  const server = await FakeServer.start(behaviour);
  onTestFinished(() => server.close());
  return server;
}

export interface Remote {
  server: FakeServer;
  embedder: Embedder;
  timing: FakeTiming;
  /** Of requests from here on: opening asks too, and is to be answered however busy the machine is. */
  setTimeoutSeconds: (seconds: number) => void;
}

/** Behaves from the first request after the probe on. */
export async function remote(behaviour?: Behaviour, options: Partial<EndpointOptions> = {}): Promise<Remote> {
  const server = await fakeServer();
  const timing = new FakeTiming();
  const own = optionsFor(server, options);
  const embedder = await openEndpointEmbedder(own, timing);
  onTestFinished(() => embedder.close());
  if (behaviour !== undefined) server.behave(behaviour);
  else server.asked.length = 0;
  const setTimeoutSeconds = (seconds: number): void => void (own.timeoutSeconds = seconds);
  return { server, embedder, timing, setTimeoutSeconds };
}

/** What opening over a server that behaves so fails with. */
export async function openingFailure(
  behaviour: Behaviour,
  options: Partial<EndpointOptions> = {},
): Promise<BackfillError> {
  const server = await fakeServer(behaviour);
  return failureOf(openEndpointEmbedder(optionsFor(server, options), new FakeTiming()));
}

/** The error, of which nothing that can be printed holds the key or the text. */
export async function failureOf(promise: Promise<unknown>): Promise<BackfillError> {
  const error = await promise.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(BackfillError);
  expectDiscreet(error);
  return error as BackfillError;
}

export function expectDiscreet(thing: unknown, secrets: readonly string[] = [KEY, TEXT]): void {
  const seen = [
    inspect(thing, { depth: Infinity, showHidden: true }),
    JSON.stringify(thing),
    thing instanceof Error ? `${thing.message}\n${thing.stack}` : '',
    thing instanceof BackfillError ? `${thing.remedy}` : '',
  ].join('\n');
  for (const secret of secrets) expect(seen).not.toContain(secret);
}

export function row({ dimensions }: Embedder, { vectors }: Embeddings, index: number): number[] {
  return [...vectors.subarray(index * dimensions, (index + 1) * dimensions)];
}
