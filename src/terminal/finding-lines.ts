/** Findings of `doctor`, as `enqueue` shows them too. */

import type { Finding } from '../planning/checks/finding.ts';

const MARK = { ok: 'ok   ', warn: 'warn ', error: 'ERROR' } as const;

export function findingLines(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ level, check, message, remedy }) => [
    `${MARK[level]} ${check.padEnd(16)} ${message}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(23)}→ ${remedy}`]),
  ]);
}
