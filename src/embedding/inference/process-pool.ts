/** Inference processes: started, fed, replaced when they die. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { optionName } from '../../config/option-name.ts';
import { ConfigError, TransientError, messageOf } from '../../errors.ts';
import type { CutTexts, Embeddings } from '../embedder.ts';
import { startInferenceProcess } from './start-process.ts';
import type { FromInference, LoadRequest, TextRequest } from './messages.ts';
import { loadError } from './load-error.ts';

/** What was asked for. */
type Answer = Extract<FromInference, { type: 'embedded' | 'cut' }>;

interface Task {
  request: TextRequest;
  /** Processes that may still die while they embed it before it counts as the cause. */
  patience: number;
  resolve(result: Answer): void;
  reject(error: Error): void;
}

export interface RunOptions {
  signal?: AbortSignal | undefined;
  patience?: number;
}

export interface ModelShape {
  dimensions: number;
  maxTokens: number;
  /** Its vectors are looked up in a table, without an inference. */
  isLookUp: boolean;
}

/** Tasks that a process has at a time: the next one is there when it ends the one before. */
const TASKS_AHEAD = 2;
/** Deaths in a row, for each process of the pool, before it gives up: something kills every process. */
const MAX_DEATHS = 5;

/** A process that computes, or loads a model, hears late that its parent is gone. */
const started = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

export class InferencePool {
  readonly #data: LoadRequest;
  readonly #processes = new Map<ChildProcess, Task[]>();
  readonly #queue: Task[] = [];
  readonly #size: number;
  /** Processes that are loading the model. */
  #loading = 0;
  #nextId = 1;
  #deaths = 0;
  #closed = false;

  private constructor(data: LoadRequest, size: number) {
    this.#data = data;
    this.#size = size;
  }

  /** @throws ConfigError where the model or the runtime cannot be loaded. */
  static async start(
    data: LoadRequest,
    processes: number,
  ): Promise<{ pool: InferencePool; shape: ModelShape }> {
    const pool = new InferencePool(data, processes);
    try {
      const [shape] = await Promise.all(Array.from({ length: processes }, () => pool.#startProcess()));
      return { pool, shape: shape as ModelShape };
    } catch (error) {
      await pool.close();
      throw error instanceof ConfigError ? error : loadError(data, messageOf(error));
    }
  }

  /**
   * Texts of one message; what comes back is in the same order. `patience`: processes that may die of it and be replaced.
   * @throws BackfillError `INFERENCE_PROCESS_DIED` where more of them died
   */
  run(
    request: Omit<TextRequest, 'id'> & { type: 'embed' | 'count' },
    options: RunOptions = {},
  ): Promise<Embeddings> {
    return this.#ask(request, options) as Promise<Extract<Answer, { type: 'embedded' }>>;
  }

  /** Passages of texts, in the same way. */
  cut(texts: string[], options: RunOptions = {}): Promise<CutTexts> {
    return this.#ask({ type: 'cut', texts, as: 'document' }, options) as Promise<
      Extract<Answer, { type: 'cut' }>
    >;
  }

  #ask(request: Omit<TextRequest, 'id'>, { signal, patience = 1 }: RunOptions): Promise<Answer> {
    if (signal?.aborted) return Promise.reject(cancelled());
    if (this.#closed) return Promise.reject(closed());
    return new Promise<Answer>((resolve, reject) => {
      const onAbort = (): void => this.#drop(task);
      // A signal outlives the many messages of its job: what has ended must not stay in its list of listeners.
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      const task: Task = {
        request: { ...request, id: this.#nextId++ },
        patience,
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
      // All of them died, and the pool gave up: whoever comes again has waited a while.
      if (this.#processes.size + this.#loading === 0) this.#replace(this.#size);
      this.#feed();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#abandon(closed());
  }

  /** Every task fails, every process ends. */
  async #abandon(reason: Error): Promise<void> {
    const running = [...this.#processes.entries()];
    this.#processes.clear();
    this.#deaths = 0;
    for (const task of [...this.#queue.splice(0), ...running.flatMap(([, tasks]) => tasks)])
      task.reject(reason);
    await Promise.all(running.map(([child]) => end(child)));
  }

  /** Takes a task that has not begun out of the queue; one under way ends behind the inference that it is in. */
  #drop(task: Task): void {
    const at = this.#queue.indexOf(task);
    if (at >= 0) this.#queue.splice(at, 1);
    for (const [child, tasks] of this.#processes)
      if (tasks.includes(task)) child.send({ type: 'cancel', id: task.request.id });
    task.reject(cancelled());
  }

  /** Whoever has something to do keeps the program alive, and nobody else: one that forgets `close()` ends all the same. */
  #hold(child: ChildProcess, isBusy: boolean): void {
    if (isBusy) child.ref();
    else child.unref();
    const { channel } = child;
    if (isBusy) channel?.ref();
    else channel?.unref();
  }

  /** The emptiest process first: no second task for one while another has none. */
  #feed(): void {
    this.#share();
    for (const [child, tasks] of this.#processes) this.#hold(child, tasks.length > 0);
  }

  #share(): void {
    for (let ahead = 0; ahead < TASKS_AHEAD; ahead++) {
      for (const [child, tasks] of this.#processes) {
        if (tasks.length > ahead) continue;
        const task = this.#queue.shift();
        if (task === undefined) return;
        tasks.push(task);
        child.send(task.request);
      }
    }
  }

  #startProcess(): Promise<ModelShape> {
    const child = startInferenceProcess();
    started.add(child);
    child.once('exit', () => started.delete(child));
    this.#loading++;
    const loaded = new Promise<ModelShape>((resolve, reject) => {
      child.on('message', (message: FromInference) => {
        if (message.type === 'ready') {
          // The pool may have been closed while this process was loading.
          if (this.#closed) {
            void end(child);
            return;
          }
          this.#processes.set(child, []);
          const { dimensions, maxTokens, isLookUp } = message;
          resolve({ dimensions, maxTokens, isLookUp });
          this.#feed();
        } else if (message.type === 'unusable') {
          reject(loadError(this.#data, message.message, message.remedy));
          void end(child);
        } else this.#finish(child, message);
      });
      child.on('error', reject);
      child.on('exit', (code, signal) => {
        reject(new Error(`its process ended (${signal ?? code})`));
        this.#removeProcess(child);
      });
      child.send(this.#data);
    });
    return loaded.finally(() => this.#loading--);
  }

  #replace(count: number): void {
    for (let started = 0; started < count; started++)
      this.#startProcess().catch((error: unknown) => {
        if (this.#closed) return;
        // Its files are gone or damaged since the first process loaded them.
        if (error instanceof ConfigError) void this.#abandon(error);
        else this.#died();
      });
  }

  #finish(child: ChildProcess, message: Answer | Extract<FromInference, { type: 'failed' }>): void {
    const tasks = this.#processes.get(child) ?? [];
    const task = tasks.find(({ request }) => request.id === message.id);
    if (task !== undefined) tasks.splice(tasks.indexOf(task), 1);
    this.#deaths = 0;
    if (message.type !== 'failed') task?.resolve(message);
    else
      task?.reject(
        new ConfigError(`Model ${this.#data.options.name} fails on every text: ${message.message}.`, {
          code: 'INFERENCE_FAILED',
          remedy: `Check the model files in ${this.#data.location.folder} (\`pgvector-backfill model check\`).`,
        }),
      );
    this.#feed();
  }

  /** A process that died is replaced, and its tasks are given to others. */
  #removeProcess(child: ChildProcess): void {
    const tasks = this.#processes.get(child);
    if (!this.#processes.delete(child) || this.#closed) return;
    // Only the first was under way; the others waited behind it.
    const [first] = tasks ?? [];
    if (first !== undefined) first.patience--;
    for (const task of (tasks ?? []).toReversed()) {
      if (task.patience >= 0) this.#queue.unshift(task);
      else
        task.reject(
          new TransientError('Several inference processes died of the same texts.', {
            code: 'INFERENCE_PROCESS_DIED',
          }),
        );
    }
    this.#died();
  }

  #died(): void {
    this.#deaths++;
    if (this.#deaths <= MAX_DEATHS * this.#size) this.#replace(1);
    else
      void this.#abandon(
        new TransientError('Inference processes die one after the other.', {
          code: 'INFERENCE_PROCESSES_DIE',
          remedy: `See whether the system kills them for want of memory (\`pgvector-backfill doctor\`, check model-memory): ${optionName('worker.threads')} says how many there are, ${optionName('model.maxTokens')} how long a text each of them reads.`,
        }),
      );
    this.#feed();
  }
}

function cancelled(): TransientError {
  return new TransientError('The embedding was cancelled.', { code: 'EMBEDDING_CANCELLED' });
}

function closed(): TransientError {
  return new TransientError('The inference processes are closed.', { code: 'EMBEDDER_CLOSED' });
}

/** It holds nothing that would have to be put away, and may be in the middle of a long computation. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // It is waited for, whatever else there is to do.
  child.ref();
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
