/**
 * What a generation's rows have for a name in the ledger: that of the backfill for the first one, `<backfill>@<number>` for those
 * behind it. No name of a backfill has an `@`.
 */

export interface GenerationName {
  backfill: string;
  /** From 1. */
  generation: number;
}

export const generationName = ({ backfill, generation }: GenerationName): string =>
  generation === 1 ? backfill : `${backfill}@${generation}`;

export function parseGenerationName(name: string): GenerationName {
  const [, backfill = name, number = '1'] = /^(.*)@([1-9]\d*)$/s.exec(name) ?? [];
  return { backfill, generation: Number(number) };
}

/** Of whichever generation, the name of the backfill: what read mode and search function are of. */
export const backfillOf = (name: string): string => parseGenerationName(name).backfill;

/** For people: `articles`, or `articles, generation 2`. */
export function showGeneration(name: string): string {
  const { backfill, generation } = parseGenerationName(name);
  return generation === 1 ? backfill : `${backfill}, generation ${generation}`;
}
