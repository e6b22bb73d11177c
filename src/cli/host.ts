/** What a verb meets outside of itself: this process's own, or what a test passes in. */

import type { OpenEmbedder } from '../embedding/embedder.ts';
import { assertEnoughFiles } from '../process/open-files.ts';
import type { Output } from '../terminal/output.ts';
import type { WorkerTimes } from '../worker/times.ts';
import { onSignal, type Signal } from './signals.ts';

export interface Host {
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdout: Output;
  stderr: Output;
  /** Calls back at each SIGINT, SIGTERM and SIGHUP. @returns what ends that. */
  onInterrupt(listener: () => void): () => void;
  /** Ends the process at once, whatever is still open. */
  exit(code: number): never;
  openEmbedder: OpenEmbedder;
  /** Intervals of workers, where they are not the usual ones. */
  times?: WorkerTimes;
  /** File of a fresh cluster for the demo's server, where it is not to make one again. */
  embeddedImage?: string;
}

/**
 * npm hands on a Ctrl-C that the terminal has sent to this process as well, and a shell the SIGHUP of a terminal that was
 * closed: two signals so close are one press.
 */
const SAME_PRESS_MS = 300;

export const processHost = (): Host => ({
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt: (listener) => {
    const last = new Map<Signal, number>();
    return onSignal((signal) => {
      const now = performance.now();
      const isSame = signal !== 'SIGTERM' && now - (last.get(signal) ?? -Infinity) < SAME_PRESS_MS;
      if (isSame) return;
      last.set(signal, now);
      listener();
    });
  },
  exit: (code) => process.exit(code),
  // Tokenizer and runtime are loaded by the verbs that embed, not by `status`.
  openEmbedder: async (...model) => {
    assertEnoughFiles();
    return (await import('../embedding/open-embedder.ts')).openEmbedder(...model);
  },
});
