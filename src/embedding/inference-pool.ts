/** Inference processes: started, fed, replaced when they die. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { BackfillError, ConfigError, TransientError } from '../errors.ts';
import { forkEntry } from '../fork-entry.ts';
import type { Embeddings } from './embedder.ts';
import type { EmbedRequest, FromInference, LoadRequest } from './messages.ts';

interface Task {
  request: EmbedRequest;
  resolve(result: Embeddings): void;
  reject(error: Error): void;
}

export interface ModelShape {
  dimensions: number;
  maxTokens: number;
}

/** Deaths in a row before the pool gives up: something kills every process. */
const MOST_DEATHS = 5;

export class InferencePool {
  readonly #data: LoadRequest;
  readonly #processes = new Map<ChildProcess, Task | null>();
  readonly #queue: Task[] = [];
  #nextId = 1;
  #deaths = 0;
  #closed = false;

  private constructor(data: LoadRequest) {
    this.#data = data;
  }

  /** @throws ConfigError where the model or the runtime cannot be loaded. */
  static async start(
    data: LoadRequest,
    processes: number,
  ): Promise<{ pool: InferencePool; shape: ModelShape }> {
    const pool = new InferencePool(data);
    try {
      // The first one alone: where files are still to be downloaded, one process does it, not all.
      const shape = await pool.#startProcess();
      await Promise.all(Array.from({ length: processes - 1 }, () => pool.#startProcess()));
      return { pool, shape };
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Texts of one message; their vectors come back in the same order. */
  run(texts: string[], signal?: AbortSignal): Promise<Embeddings> {
    if (signal?.aborted) return Promise.reject(cancelled());
    if (this.#closed)
      return Promise.reject(
        new TransientError('The inference processes are closed.', { code: 'EMBEDDER_CLOSED' }),
      );
    return new Promise<Embeddings>((resolve, reject) => {
      const onAbort = (): void => this.#drop(task);
      // A signal outlives the many messages of its job: what has ended must not stay in its list of listeners.
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      const task: Task = {
        request: { type: 'embed', id: this.#nextId++, texts },
        resolve: (result) => {
          settled();
          resolve(result);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort);
      this.#queue.push(task);
      this.#feed();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#processes.entries()];
    this.#processes.clear();
    for (const task of [...this.#queue.splice(0), ...running.map(([, task]) => task)]) {
      task?.reject(new TransientError('The inference processes are closed.', { code: 'EMBEDDER_CLOSED' }));
    }
    await Promise.all(running.map(([child]) => end(child)));
  }

  /** Takes a task that has not begun out of the queue; one under way runs to its end, its result is dropped. */
  #drop(task: Task): void {
    const at = this.#queue.indexOf(task);
    if (at >= 0) this.#queue.splice(at, 1);
    task.reject(cancelled());
  }

  #feed(): void {
    for (const [child, busy] of this.#processes) {
      if (busy !== null) continue;
      const task = this.#queue.shift();
      if (task === undefined) return;
      this.#processes.set(child, task);
      child.send(task.request);
    }
  }

  #startProcess(): Promise<ModelShape> {
    const child = forkEntry(new URL('./inference-process.ts', import.meta.url), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new Promise<ModelShape>((resolve, reject) => {
      const unusable = (message: string): void => {
        reject(
          new ConfigError(`Model ${this.#data.options.name} cannot be used: ${message}.`, {
            code: 'MODEL_UNUSABLE',
            remedy: `Check the model files in ${this.#data.location.folder} and the installation of onnxruntime-node.`,
          }),
        );
      };
      child.on('message', (message: FromInference) => {
        if (message.type === 'ready') {
          this.#processes.set(child, null);
          resolve({ dimensions: message.dimensions, maxTokens: message.maxTokens });
          this.#feed();
        } else if (message.type === 'unusable') {
          unusable(message.message);
          void end(child);
        } else this.#finish(child, message);
      });
      child.on('error', (error) => unusable(error.message));
      child.on('exit', (code, signal) => {
        unusable(`its process ended (${signal ?? code})`);
        this.#bury(child);
      });
      child.send(this.#data);
    });
  }

  #finish(child: ChildProcess, message: Extract<FromInference, { type: 'embedded' | 'failed' }>): void {
    const task = this.#processes.get(child);
    this.#processes.set(child, null);
    this.#deaths = 0;
    if (message.type === 'embedded') task?.resolve(message);
    else
      task?.reject(new BackfillError(`The model failed: ${message.message}`, { code: 'INFERENCE_FAILED' }));
    this.#feed();
  }

  /** A process that died takes its task with it, as a failure that is worth another try, and is replaced. */
  #bury(child: ChildProcess): void {
    const task = this.#processes.get(child);
    if (!this.#processes.delete(child) || this.#closed) return;
    task?.reject(new TransientError('An inference process died.', { code: 'INFERENCE_PROCESS_DIED' }));
    this.#deaths++;
    if (this.#deaths > MOST_DEATHS) {
      void this.close();
      return;
    }
    this.#startProcess().catch(() => void this.close());
  }
}

function cancelled(): TransientError {
  return new TransientError('The embedding was cancelled.', { code: 'EMBEDDING_CANCELLED' });
}

/** It holds nothing that would have to be put away, and may be in the middle of a long computation. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
