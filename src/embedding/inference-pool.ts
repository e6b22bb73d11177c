/** Inference processes: started, fed, replaced when they die. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { BackfillError, ConfigError, TransientError } from '../errors.ts';
import { forkEntry } from '../fork-entry.ts';
import type { Embeddings } from './embedder.ts';
import type { FromInference, LoadRequest, TextRequest } from './messages.ts';

interface Task {
  request: TextRequest;
  /** Processes that died with it in hand. */
  deaths: number;
  resolve(result: Embeddings): void;
  reject(error: Error): void;
}

export interface ModelShape {
  dimensions: number;
  maxTokens: number;
}

/** Tasks that a process has at a time: the next one is there when it ends the one before. */
const TASKS_AHEAD = 2;
/** Processes that one task may cost before it counts as the cause. */
const MOST_DEATHS_OF_A_TASK = 2;
/** Deaths in a row before the pool gives up: something kills every process. */
const MOST_DEATHS = 5;

export class InferencePool {
  readonly #data: LoadRequest;
  readonly #processes = new Map<ChildProcess, Task[]>();
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
      const [shape] = await Promise.all(Array.from({ length: processes }, () => pool.#startProcess()));
      return { pool, shape: shape as ModelShape };
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Texts of one message; what comes back is in the same order. */
  run(request: Omit<TextRequest, 'id'>, signal?: AbortSignal): Promise<Embeddings> {
    if (signal?.aborted) return Promise.reject(cancelled());
    if (this.#closed) return Promise.reject(closed());
    return new Promise<Embeddings>((resolve, reject) => {
      const onAbort = (): void => this.#drop(task);
      // A signal outlives the many messages of its job: what has ended must not stay in its list of listeners.
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      const task: Task = {
        request: { ...request, id: this.#nextId++ },
        deaths: 0,
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
    for (const task of [...this.#queue.splice(0), ...running.flatMap(([, tasks]) => tasks)])
      task.reject(closed());
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

  /** The emptiest process first: no second task for one while another has none. */
  #feed(): void {
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
    const child = forkEntry(new URL('./inference-process.ts', import.meta.url), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new Promise<ModelShape>((resolve, reject) => {
      const unusable = (message: string): void => {
        reject(
          new ConfigError(`Model ${this.#data.options.name} cannot be used: ${message}.`, {
            code: 'MODEL_UNUSABLE',
            remedy: `Check the model files in ${this.#data.location.folder} (\`npm run model -- check\`) and the installation of onnxruntime-node.`,
          }),
        );
      };
      child.on('message', (message: FromInference) => {
        if (message.type === 'ready') {
          // The pool may have been closed while this process was loading.
          if (this.#closed) {
            void end(child);
            return;
          }
          this.#processes.set(child, []);
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
    const tasks = this.#processes.get(child) ?? [];
    const task = tasks.find(({ request }) => request.id === message.id);
    if (task !== undefined) tasks.splice(tasks.indexOf(task), 1);
    this.#deaths = 0;
    if (message.type === 'embedded') task?.resolve(message);
    else
      task?.reject(new BackfillError(`The model failed: ${message.message}`, { code: 'INFERENCE_FAILED' }));
    this.#feed();
  }

  /** A process that died is replaced, and its tasks are given to others. */
  #bury(child: ChildProcess): void {
    const tasks = this.#processes.get(child);
    if (!this.#processes.delete(child) || this.#closed) return;
    // Only the first was under way; the others waited behind it.
    const [first] = tasks ?? [];
    if (first !== undefined) first.deaths++;
    for (const task of (tasks ?? []).toReversed()) {
      if (task.deaths <= MOST_DEATHS_OF_A_TASK) this.#queue.unshift(task);
      else
        task.reject(
          new TransientError('Several inference processes died of the same texts.', {
            code: 'INFERENCE_PROCESS_DIED',
          }),
        );
    }
    this.#deaths++;
    if (this.#deaths > MOST_DEATHS) return void this.close();
    this.#feed();
    this.#startProcess().catch(() => void this.close());
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
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
