/** Waits for what may come late or never, for no longer than a limit. */

/**
 * @param late what it is in the end, or throws, where the limit is over. The work is not ended by it: what comes of it then,
 *   or fails, has nobody who waits for it.
 */
export async function withTimeLimit<T, L>(ms: number, work: Promise<T>, late: () => L): Promise<T | L> {
  work.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  }).then(late);
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
