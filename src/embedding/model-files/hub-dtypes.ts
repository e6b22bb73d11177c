/** Which precisions of a model a hub has, asked for their heads alone. */

import { DTYPES, type Dtype } from '../../config/values/dtype.ts';
import { graphFile } from './dtype.ts';

/** To find that out is a kindness: nobody waits long for it. */
const TIMEOUT_MS = 5000;

/** Empty where it does not say. */
export async function hubDtypes(
  urlOf: (path: string) => URL,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<Dtype[]> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const headers = {
    'user-agent': 'pgvector-backfill',
    ...(authorization === undefined ? {} : { authorization }),
  };
  const found = await Promise.all(
    DTYPES.map(async (dtype) => {
      const options = { method: 'HEAD', redirect: 'manual', signal: within, headers } as const;
      const answer = await fetch(urlOf(graphFile(dtype)), options).catch(() => null);
      // A hub redirects to where its files are.
      return answer !== null && answer.status < 400;
    }),
  );
  return DTYPES.filter((_, at) => found[at]);
}
