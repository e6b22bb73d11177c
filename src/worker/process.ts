import type { OpenEmbedder } from '../embedding/embedder.ts';
import type { WorkerTimes } from './times.ts';

/** A worker process that runs. */
export interface WorkerProcess {
  /** Of its metrics and health; null where they are not asked for. */
  metricsUrl: string | null;
  /** What only another start would mend, of the first role that has such a fault; null where there is nothing. */
  fault: () => Promise<string | null>;
  /** Lets batches in flight end, within the configured time. @returns false where they did not. */
  drain(): Promise<boolean>;
}

export interface WorkerOptions {
  openEmbedder?: OpenEmbedder;
  times?: WorkerTimes | undefined;
}
