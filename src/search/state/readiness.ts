/** Whether this machine can answer by vectors, tried before the reads are moved over, and told to the ledger. */

import { hostname } from 'node:os';
import type { Queryable } from '../../db/pool.ts';
import { SQLSTATE, codeOf, hasSqlState } from '../../db/sqlstates.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { saveReadReport } from '../../ledger/reads/read-report.ts';
import type { GenerationState } from '../../ledger/reads/read-state.ts';

export interface GenerationReadiness {
  generation: number;
  /** Null where it could not be opened. */
  model: string | null;
  dimensions: number | null;
  /** To load the model where it was not loaded yet, and for one search by it, both together. */
  milliseconds: number;
  /** Code of the error for which this machine cannot answer by it; null where it can. */
  fault: string | null;
}

export interface Readiness {
  model: string;
  dimensions: number;
  /** To load the model where it was not loaded yet, and for one search by it, both together. */
  milliseconds: number;
  /** The ledger has taken the report: `cutover` shows it. False without the right to write there. */
  reported: boolean;
  /** The generation that answers first, then those that reads may be moved to, or back to. */
  generations: GenerationReadiness[];
}

export interface TriedGeneration extends GenerationReadiness {
  reported: boolean;
  /** Null where there is none. */
  error: unknown;
}

/** `prove` loads the model and searches by it. Never throws. */
export async function tryGeneration(
  db: Queryable,
  { name, generation, run }: GenerationState,
  prove: () => Promise<Embedder>,
): Promise<TriedGeneration> {
  const started = performance.now();
  const [embedder, error] = await prove().then(
    (opened) => [opened, null] as const,
    (thrown: unknown) => [null, thrown] as const,
  );
  const fault = embedder === null ? (codeOf(error) ?? 'UNEXPECTED') : null;
  const milliseconds = performance.now() - started;
  const row = { host: hostname(), fingerprint: run?.fingerprint ?? '', fault, ms: milliseconds };
  const [reported, refused] = await isTaken(saveReadReport(db, name, row)).then(
    (taken) => [taken, null] as const,
    (thrown: unknown) => [false, thrown] as const,
  );
  const { model = null, dimensions = null } = embedder ?? {};
  return { generation, model, dimensions, milliseconds, fault, reported, error: error ?? refused };
}

/**
 * @param tried the generation that answers, then the others
 * @param besides number of the one that answers where the first cannot; null where none does
 * @throws what stands in the way of every answer by vectors
 */
export function readinessOf(tried: readonly TriedGeneration[], besides: number | null): Readiness {
  const [first] = tried;
  const instead = tried.find(({ generation, error }) => generation === besides && error === null);
  const answers = first?.error === null ? first : instead;
  if (answers?.model === undefined || answers.model === null || answers.dimensions === null)
    throw first?.error;
  const { model, dimensions, milliseconds } = answers;
  return {
    model,
    dimensions,
    milliseconds,
    reported: tried.every(({ reported }) => reported),
    generations: tried.map((each) => ({
      generation: each.generation,
      model: each.model,
      dimensions: each.dimensions,
      milliseconds: each.milliseconds,
      fault: each.fault,
    })),
  };
}

/** A role that may not write, a server that takes no writes, a ledger of an older release: the machine is ready all the same. */
async function isTaken(writing: Promise<void>): Promise<boolean> {
  const { privilege, tableMissing, schemaMissing, readOnly } = SQLSTATE;
  try {
    await writing;
    return true;
  } catch (error) {
    if (hasSqlState(error, privilege, tableMissing, schemaMissing, readOnly)) return false;
    throw error;
  }
}
