/** The model of a verb that may be interrupted while it loads. */

import { interrupted } from '../db/interruption.ts';
import type { Embedder } from '../embedding/embedder.ts';

/** Waits for the model no longer than until the interrupt, and ends its processes then, unless the verb drains. */
export async function openUntil(
  signal: AbortSignal,
  drains: boolean,
  opening: Promise<Embedder>,
): Promise<Embedder> {
  const close = (embedder: Embedder): void => void embedder.close().catch(() => {});
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(interrupted());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    const embedder = await Promise.race([opening, aborted]);
    if (!drains) signal.addEventListener('abort', () => close(embedder), { once: true });
    return embedder;
  } catch (error) {
    if (signal.aborted) void opening.then(close, () => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
