import { expect, it } from 'vitest';
import { notRunLine } from './not-run.ts';

const reasons = ['PostgreSQL: Docker does not answer', 'Redis: TEST_EMBEDDED_ONLY is set'];

it('is silent where everything ran', () => {
  expect(notRunLine({ reasons: [], skippedTests: 0, embeddedOnlySuites: 0 })).toBeNull();
});

it.each([
  {
    found: { skippedTests: 19, embeddedOnlySuites: 4 },
    says: '19 tests that need what is not here, 4 suites on real servers (they ran against the embedded default only)',
  },
  { found: { skippedTests: 2, embeddedOnlySuites: 0 }, says: '2 tests that need what is not here' },
  { found: { skippedTests: null, embeddedOnlySuites: 0 }, says: 'those tests that need what is not here' },
  { found: { skippedTests: 0, embeddedOnlySuites: 0 }, says: 'nothing of this selection' },
])('counts what did not run, and gives every reason: $says', ({ found, says }) => {
  expect(notRunLine({ reasons, ...found })).toBe(
    `NOT RUN: ${says}. PostgreSQL: Docker does not answer; Redis: TEST_EMBEDDED_ONLY is set.`,
  );
});
