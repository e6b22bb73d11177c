/** Whether the vectors that are in the column may be taken over: a sample of rows is embedded again. Changes nothing. */

import type { Config } from '../../config/load.ts';
import { optionName } from '../../config/option-name.ts';
import { ledgerState } from '../../db/migrate.ts';
import type { Pool } from '../../db/pool.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { ConfigError } from '../../errors.ts';
import { adoptionBoundary, type Adoption, type Disagreement } from '../../ledger/run/adoption.ts';
import { latestRun } from '../../ledger/run/run.ts';
import type { OnProgress } from '../../observability/progress.ts';
import { wilson } from '../../relevance/wilson.ts';
import type { Target } from '../../table/backfill-target.ts';
import { dueRun } from '../due-run.ts';
import { agrees, compareRows, type ComparedRow } from './compare-vectors.ts';
import { drawKeys } from './draw-keys.ts';
import { guessCause, triedRows } from './guess-cause.ts';
import { legacyIndexes, type LegacyIndex } from './legacy-indexes.ts';
import { textColumns } from './text-columns.ts';

/** Rows of one look: enough for an inference process to be busy, and soon told of. */
const LOOK_ROWS = 250;
/** Where more than this share of the first look disagrees, the rest would say nothing new. */
const HOPELESS_SHARE = 0.5;
/** Of those that disagree, as many are shown. */
export const SHOWN_DISAGREEMENTS = 20;

export interface ColumnSample extends Adoption {
  agrees: boolean;
  /** All of them, the least cosine first. */
  disagreements: Disagreement[];
  /** Why they may disagree; null where they agree. */
  cause: string | null;
  /** On the column, before us. */
  indexes: LegacyIndex[];
}

export type Examined =
  /** The latest run takes vectors over, and has more to do: no sample was drawn. */
  { kind: 'goes-on' } | { kind: 'sampled'; sample: ColumnSample };

export interface ExamineInput {
  target: Target;
  embedder: Embedder;
  limitRows: number | null;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** @throws ConfigError `ADOPT_NOTHING` where the column is not there, or holds no vector that is not ours */
export async function examineColumn(
  { settings }: Config,
  pool: Pool,
  input: ExamineInput,
): Promise<Examined> {
  const { target, embedder } = input;
  if (target.store.kind === 'table')
    throw new ConfigError('Option store is table, and vectors are taken over where they are: in a column.', {
      code: 'ADOPT_STORE',
      remedy: `Set ${optionName('store')} to column, or run \`pgvector-backfill enqueue\` without --adopt.`,
    });
  const latest = (await isPresent(pool)) ? await latestRun(pool, target.backfill) : null;
  const isAdopting = latest !== null && latest.adoption !== null;
  const { fingerprint } = embedder;
  if (isAdopting && (await dueRun(pool, latest, { ...input, settings, fingerprint })) === null)
    return { kind: 'goes-on' };
  // Before anything is looked at: what is written from here on is not what the sample was drawn of.
  const since = await adoptionBoundary(pool);
  const compared = target.dimensions === null ? null : await compareSample(pool, input, settings.adopt);
  if (compared !== null && compared.rows.length > 0)
    return { kind: 'sampled', sample: await judge(pool, compared, since, input, settings) };
  if (isAdopting) return { kind: 'goes-on' };
  throw new ConfigError(
    `Column ${target.column} of ${target.schema}.${target.name} has no vector to take over.`,
    {
      code: 'ADOPT_NOTHING',
      remedy: `Name the column that has them with ${optionName('column')}, or run \`pgvector-backfill enqueue\` without --adopt.`,
    },
  );
}

/** Of an older release's ledger, no run takes anything over. */
async function isPresent(pool: Pool): Promise<boolean> {
  const { version, missing } = await ledgerState(pool);
  return version > 0 && missing.length === 0;
}

const NO_VECTOR = new Float32Array(0);

interface Compared {
  rows: ComparedRow[];
  /** Every vector that could be taken over was compared. */
  isWhole: boolean;
}

async function compareSample(
  pool: Pool,
  { target, embedder, onProgress, signal }: ExamineInput,
  { sampleRows, minAgreement }: Config['settings']['adopt'],
): Promise<Compared> {
  const { keys, isWhole } = await drawKeys(pool, target, sampleRows);
  const compared: ComparedRow[] = [];
  let at = 0;
  let unknown = 0;
  while (at < keys.length && compared.length < sampleRows) {
    const some = keys.slice(at, at + Math.min(LOOK_ROWS, sampleRows - compared.length));
    at += some.length;
    const looked = await compareRows(pool, target, embedder, some, signal);
    unknown += looked.unknown;
    // Of those that agree nothing more is asked.
    compared.push(
      ...looked.rows.map((row) =>
        agrees(row, minAgreement) ? { ...row, text: '', stored: NO_VECTOR } : row,
      ),
    );
    onProgress?.({
      what: 'comparing vectors',
      done: compared.length,
      total: Math.min(sampleRows, keys.length),
    });
    const disagreeing = compared.filter((row) => !agrees(row, minAgreement)).length;
    if (compared.length >= LOOK_ROWS && disagreeing > HOPELESS_SHARE * compared.length) break;
  }
  return { rows: compared, isWhole: isWhole && at >= keys.length && unknown === 0 };
}

async function judge(
  pool: Pool,
  { rows, isWhole }: Compared,
  since: Pick<Adoption, 'at' | 'boundary'>,
  input: ExamineInput,
  settings: Config['settings'],
): Promise<ColumnSample> {
  const { minAgreement, maxDisagreement } = settings.adopt;
  const disagreeing = rows
    .filter((row) => !agrees(row, minAgreement))
    .toSorted((a, b) => a.cosine - b.cosine);
  const agreeing = rows.filter((row) => agrees(row, minAgreement));
  const isPermitted = disagreeing.length <= maxDisagreement * rows.length;
  return {
    ...since,
    agrees: isPermitted,
    sampled: rows.length,
    disagreed: disagreeing.length,
    lowest: lowest(rows),
    lowestAgreeing: lowest(agreeing),
    mayDisagree: isWhole ? 0 : wilson(disagreeing.length, rows.length).high,
    minAgreement,
    maxDisagreement,
    unitLength: settings.model.normalize,
    indexes: await legacyIndexes(pool, input.target, settings),
    disagreements: disagreeing.map(({ key, cosine }) => ({ key, cosine })),
    cause: disagreeing.length === 0 ? null : await causeOf(pool, input, settings, disagreeing, rows.length),
  };
}

async function causeOf(
  pool: Pool,
  { target, embedder }: ExamineInput,
  settings: Config['settings'],
  disagreeing: readonly ComparedRow[],
  rows: number,
): Promise<string> {
  const tried = triedRows(disagreeing);
  const names = Array.isArray(settings.text) ? settings.text : [];
  const keys = tried.map(({ key }) => key);
  const columns = await textColumns(pool, target, names, keys, embedder.maxCharacters);
  return guessCause(embedder, settings, { disagreeing, tried, rows, columns });
}

const lowest = (rows: readonly ComparedRow[]): number | null =>
  rows.length === 0 ? null : rows.reduce((least, { cosine }) => Math.min(least, cosine), 1);

/** What is shown of a sample, and kept of it with the run. */
export const adoptionOf = (sample: ColumnSample): Adoption => ({
  at: sample.at,
  boundary: sample.boundary,
  sampled: sample.sampled,
  disagreed: sample.disagreed,
  lowest: sample.lowest,
  lowestAgreeing: sample.lowestAgreeing,
  mayDisagree: sample.mayDisagree,
  minAgreement: sample.minAgreement,
  maxDisagreement: sample.maxDisagreement,
  unitLength: sample.unitLength,
});

/** The object of `--json`: the first disagreements with their keys. */
export const sampleJson = (sample: ColumnSample): object => ({
  ...adoptionOf(sample),
  agrees: sample.agrees,
  cause: sample.cause,
  indexes: sample.indexes.map(({ name, definition, plan }) => ({ name, definition, taken: plan !== null })),
  disagreements: sample.disagreements.slice(0, SHOWN_DISAGREEMENTS),
});
