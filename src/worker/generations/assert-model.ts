import type { Embedder } from '../../embedding/embedder.ts';
import { ConfigError } from '../../errors.ts';
import type { ServedGeneration } from './served.ts';

/** Of several generations each has its own: what would embed for the wrong one does not begin. @throws ConfigError, with the embedder closed */
export async function assertModel({ config, made }: ServedGeneration, embedder: Embedder): Promise<Embedder> {
  if (made === null || embedder.fingerprint === made.fingerprint) return embedder;
  await embedder.close();
  throw new ConfigError(`The files of model ${config.settings.model.name} here are not those of its run.`, {
    code: 'MODEL_MISMATCH',
    remedy: 'Put the files there that `pgvector-backfill enqueue` has planned with.',
  });
}
