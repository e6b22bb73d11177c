/** The line that closes a run of the suite on less than everything. */

export interface NotRun {
  /** Why, one for each thing that is not here; nothing to say where there is none. */
  reasons: string[];
  /** Tests that were left out for it. Null where the user's own filter leaves tests out too. */
  skippedTests: number | null;
  /** Suites that go over every backend and had the embedded one alone. */
  embeddedOnlySuites: number;
}

export function notRunLine({ reasons, skippedTests, embeddedOnlySuites }: NotRun): string | null {
  if (reasons.length === 0) return null;
  const consequences = [
    skippedTests === 0 ? null : `${skippedTests ?? 'those'} tests that need what is not here`,
    embeddedOnlySuites === 0
      ? null
      : `${embeddedOnlySuites} suites on real servers (they ran against the embedded default only)`,
  ].filter((each) => each !== null);
  return `NOT RUN: ${consequences.length === 0 ? 'nothing of this selection' : consequences.join(', ')}. ${reasons.join('; ')}.`;
}
