/** How fast each model embeds such rows: in turn, in short rounds, of which the fastest counts, as a machine may be busy meanwhile. */

import type { Embedder } from '../../../src/embedding/embedder.ts';
import { openEmbedder } from '../../../src/embedding/open-embedder.ts';
import type { Environment } from '../new-model/programs.ts';
import type { Collection } from './collections.ts';
import { settledConfig } from '../../lib/settled-config.ts';

const ROUNDS = 8;
const ROUND_MS = 2000;
/** Embedded at a time: enough for all processes to have work. */
const PAGE = 200;

/** Rows a second, by the processes of this machine, in the order of the environments. */
export async function measureRates(
  { records, text }: Collection,
  environments: readonly Environment[],
  cwd: string,
): Promise<number[]> {
  const texts = records.map((record) => text.map((column) => record[column] ?? '').join('\n'));
  const step = Math.max(1, Math.floor(texts.length / PAGE));
  const page = texts.filter((_, at) => at % step === 0).slice(0, PAGE);
  const embedders: Embedder[] = [];
  try {
    for (const env of environments)
      embedders.push(await openEmbedder((await settledConfig({ env, cwd })).settings));
    for (const embedder of embedders) await embedder.embed(page);
    const fastest = embedders.map(() => 0);
    for (let round = 0; round < ROUNDS; round++)
      for (const [at, embedder] of embedders.entries())
        fastest[at] = Math.max(fastest[at] ?? 0, await rate(embedder, page));
    return fastest;
  } finally {
    for (const embedder of embedders) await embedder.close();
  }
}

async function rate(embedder: Embedder, page: readonly string[]): Promise<number> {
  const started = performance.now();
  let rows = 0;
  do {
    await embedder.embed(page);
    rows += page.length;
  } while (performance.now() - started < ROUND_MS);
  return (1000 * rows) / (performance.now() - started);
}
