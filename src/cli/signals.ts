/**
 * SIGINT, SIGTERM and SIGHUP, heard from the first moment on. For the first process of a container (PID 1) the kernel has no
 * default action: a signal that finds no handler is lost, and the modules of a verb take a second to load. So this file
 * imports nothing, and programs call `hearSignals` before they import anything else.
 */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type Signal = (typeof SIGNALS)[number];
type Listener = (signal: Signal) => void;

/** As `EXIT.interrupted`, which is not loaded yet. */
const INTERRUPTED = 130;

let isHearing = false;
let listener: Listener | null = null;

export function hearSignals(): void {
  if (isHearing) return;
  isHearing = true;
  for (const signal of SIGNALS) process.on(signal, () => (listener ?? endNow)(signal));
}

/** Of the verb that runs, for as long as it does. @returns what ends that. */
export function onSignal(listen: Listener): () => void {
  hearSignals();
  listener = listen;
  return () => {
    if (listener === listen) listener = null;
  };
}

/** Nothing is under way yet, or the verb has ended and something is still open. */
function endNow(): never {
  if (process.exitCode === undefined) process.stderr.write('Interrupted before anything was begun.\n');
  process.exit(process.exitCode ?? INTERRUPTED);
}
