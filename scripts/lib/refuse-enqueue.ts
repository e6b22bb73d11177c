import type { Invocation } from '../../src/cli/command.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import type { Preflight } from '../../src/planning/enqueue-run.ts';
import { findingLines } from '../../src/terminal/finding-lines.ts';

/** Says what `doctor` found. @returns the exit code where that blocks, else null */
export function refuseEnqueue(
  invocation: Invocation,
  { findings, blocking, passed }: Preflight,
): number | null {
  const adopts = invocation.flags['adopt'] === true;
  const told = findings.filter(({ level, check }) => level !== 'ok' && !(adopts && check === 'vectors'));
  for (const line of findingLines(told)) invocation.warn(line);
  if (passed) return null;
  invocation.emit({
    error: {
      code: 'DOCTOR',
      message: blocking.map((each) => each.message).join(' '),
      findings: blocking,
    },
  });
  // A fault in an option is the operator's to correct in the configuration; anything else is a gate. So are vectors that were
  // to be taken over and are of other dimensions.
  const isOption = blocking.some(
    ({ option, check }) => option !== undefined && !(adopts && check === 'dimensions'),
  );
  return isOption ? EXIT.usage : EXIT.gate;
}
