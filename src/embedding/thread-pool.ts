/** Inference threads: started, fed, replaced when they die. */

import { Worker } from 'node:worker_threads';
import { BackfillError, ConfigError, TransientError } from '../errors.ts';
import { threadEntry } from '../thread-entry.ts';
import type { Embeddings } from './embedder.ts';
import type { EmbedRequest, ThreadData, ThreadMessage } from './messages.ts';

interface Task {
  request: EmbedRequest;
  resolve(result: Embeddings): void;
  reject(error: Error): void;
}

export interface ModelShape {
  dimensions: number;
  maxTokens: number;
}

/** Deaths of threads in a row before the pool gives up: something kills every thread. */
const MOST_DEATHS = 5;

export class ThreadPool {
  readonly #data: ThreadData;
  readonly #threads = new Map<Worker, Task | null>();
  readonly #queue: Task[] = [];
  #nextId = 1;
  #deaths = 0;
  #closed = false;

  private constructor(data: ThreadData) {
    this.#data = data;
  }

  /** @throws ConfigError where the model or the runtime cannot be loaded. */
  static async start(data: ThreadData, threads: number): Promise<{ pool: ThreadPool; shape: ModelShape }> {
    const pool = new ThreadPool(data);
    try {
      // The first one alone: where files are still to be downloaded, one thread does it, not all.
      const shape = await pool.#startThread();
      await Promise.all(Array.from({ length: threads - 1 }, () => pool.#startThread()));
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
        new TransientError('The inference threads are closed.', { code: 'EMBEDDER_CLOSED' }),
      );
    return new Promise<Embeddings>((resolve, reject) => {
      const onAbort = (): void => this.#drop(task);
      // A signal outlives the many messages of its job: what has ended must not stay in its list of listeners.
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      const task: Task = {
        request: { id: this.#nextId++, texts },
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
    const threads = [...this.#threads.entries()];
    this.#threads.clear();
    for (const task of [...this.#queue.splice(0), ...threads.map(([, task]) => task)]) {
      task?.reject(new TransientError('The inference threads are closed.', { code: 'EMBEDDER_CLOSED' }));
    }
    await Promise.all(threads.map(([thread]) => thread.terminate()));
  }

  /** Takes a task that has not begun out of the queue; one under way runs to its end, its result is dropped. */
  #drop(task: Task): void {
    const at = this.#queue.indexOf(task);
    if (at >= 0) this.#queue.splice(at, 1);
    task.reject(cancelled());
  }

  #feed(): void {
    for (const [thread, busy] of this.#threads) {
      if (busy !== null) continue;
      const task = this.#queue.shift();
      if (task === undefined) return;
      this.#threads.set(thread, task);
      thread.postMessage(task.request);
    }
  }

  #startThread(): Promise<ModelShape> {
    const thread = new Worker(threadEntry(new URL('./inference-thread.ts', import.meta.url)), {
      workerData: this.#data,
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
      thread.on('message', (message: ThreadMessage) => {
        if (message.type === 'ready') {
          this.#threads.set(thread, null);
          resolve({ dimensions: message.dimensions, maxTokens: message.maxTokens });
          this.#feed();
        } else if (message.type === 'unusable') {
          unusable(message.message);
          void thread.terminate();
        } else this.#finish(thread, message);
      });
      thread.on('error', (error) => unusable(error.message));
      thread.on('exit', () => {
        unusable('its thread ended');
        this.#bury(thread);
      });
    });
  }

  #finish(thread: Worker, message: Extract<ThreadMessage, { type: 'embedded' | 'failed' }>): void {
    const task = this.#threads.get(thread);
    this.#threads.set(thread, null);
    this.#deaths = 0;
    if (message.type === 'embedded') task?.resolve(message);
    else
      task?.reject(new BackfillError(`The model failed: ${message.message}`, { code: 'INFERENCE_FAILED' }));
    this.#feed();
  }

  /** A thread that died takes its task with it, as a failure that is worth another try, and is replaced. */
  #bury(thread: Worker): void {
    const task = this.#threads.get(thread);
    if (!this.#threads.delete(thread) || this.#closed) return;
    task?.reject(new TransientError('An inference thread died.', { code: 'INFERENCE_THREAD_DIED' }));
    this.#deaths++;
    if (this.#deaths > MOST_DEATHS) {
      void this.close();
      return;
    }
    this.#startThread().catch(() => void this.close());
  }
}

function cancelled(): TransientError {
  return new TransientError('The embedding was cancelled.', { code: 'EMBEDDING_CANCELLED' });
}
