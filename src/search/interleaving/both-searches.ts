/** Two searches of one text at the same time, of which the caller waits for the slower one only so long. */

export interface Both<T> {
  base: PromiseSettledResult<T> | null;
  own: PromiseSettledResult<T> | null;
}

/**
 * Until both have ended, or one has answered and the time is over. What has not ended by then is null; the base is waited for
 * where the other one failed, and the other way round. Never throws.
 */
export async function bothSearches<T>(
  base: Promise<T>,
  own: Promise<T>,
  milliseconds: number,
): Promise<Both<T>> {
  const ended: Both<T> = { base: null, own: null };
  const keep = (side: keyof Both<T>, search: Promise<T>): Promise<void> =>
    search.then(
      (value) => void (ended[side] = { status: 'fulfilled', value }),
      (reason: unknown) => void (ended[side] = { status: 'rejected', reason }),
    );
  const all = [keep('base', base), keep('own', own)];
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([Promise.all(all), limit]);
  clearTimeout(timer);
  const hasAnswered = (): boolean => [ended.base, ended.own].some((each) => each?.status === 'fulfilled');
  if (!hasAnswered()) await Promise.race(all);
  if (!hasAnswered()) await Promise.all(all);
  return { ...ended };
}
