/** The generation that another one is measured against: the one by which reads go, where that is not itself. */

import { parseGenerationName } from '../../config/values/generation-name.ts';
import type { Queryable } from '../../db/pool.ts';
import { liveGeneration } from '../../ledger/generation/choose.ts';
import { presentGenerations, type Generation } from '../../ledger/generation/generation.ts';
import { answeringGenerations, type ReadChoice } from '../../ledger/reads/read-mode.ts';
import { isReadyRun } from '../../ledger/run/run.ts';

export interface ComparedGeneration {
  generation: Generation;
  /** Whether applications are answered by it; where none is, another one that is ready stands in. */
  answersReads: boolean;
  /** How it answers. */
  mode: 'vector' | 'hybrid';
}

/** Null where there is nothing to be measured against: a single generation, or the live one itself. @param name in the ledger */
export async function comparedGeneration(
  db: Queryable,
  name: string,
  reads: ReadChoice,
): Promise<ComparedGeneration | null> {
  const own = parseGenerationName(name).generation;
  const others = (await presentGenerations(db, name)).filter(({ generation }) => generation !== own);
  const live = liveGeneration(reads);
  if (live === own) return null;
  const answering = live === null ? answeringGenerations(reads) : [live];
  const answers = others.find(({ generation }) => answering.includes(generation));
  const found = answers ?? others.findLast(({ run }) => isReadyRun(run));
  return found === undefined
    ? null
    : { generation: found, answersReads: found === answers, mode: modeOf(reads, found.generation) };
}

function modeOf({ mode, generation, base }: ReadChoice, of: number): 'vector' | 'hybrid' {
  const shown = generation === of && mode === 'hybrid' ? mode : base.generation === of ? base.mode : 'vector';
  return shown === 'hybrid' ? 'hybrid' : 'vector';
}
