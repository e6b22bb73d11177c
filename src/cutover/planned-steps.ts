/** What a change for good consists of: steps that are planned first, shown, and done only when told to. */

export interface PlannedStep {
  name: string;
  /** Of which it is, where the backfill has several; absent where it is of the whole backfill, or of its only one. */
  generation?: number;
  /** What it would do, one line each; empty where there is nothing to do. */
  actions: string[];
  /** What the operator should know before. */
  notes: string[];
  /** Safe to run again after it was cut off. */
  run(): Promise<void>;
}

/** In their order; those that have nothing to do are skipped. */
export async function runSteps(steps: readonly PlannedStep[]): Promise<void> {
  for (const step of steps) if (step.actions.length > 0) await step.run();
}

/** A line each, with the generation where there are several. */
export const planLines = (steps: readonly PlannedStep[]): string[] =>
  steps.flatMap(({ generation, actions }) =>
    generation === undefined ? actions : actions.map((line) => `generation ${generation}: ${line}`),
  );

/** A statement as a line of a plan: a trigger function that is made again for those who stay without its body, which is long. */
export const shownSql = (sql: string): string =>
  `${sql.replace(/ AS '\n.*/s, ` AS '…', without the part that goes`)};`;
