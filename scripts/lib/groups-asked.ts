import type { Invocation } from '../../src/cli/command.ts';
import { ConfigError } from '../../src/errors.ts';
import { withProgress } from '../../src/terminal/progress-bar.ts';
import { findGroups, measureGroups, type Groups } from '../../src/verify/groups/measure-groups.ts';
import type { VerifyInput } from '../../src/verify/input.ts';

/**
 * To be called once the gate has found the settings of reads; null without --by.
 * @throws ConfigError where the column makes no groups
 */
export async function groupsAsked(
  invocation: Invocation,
  input: VerifyInput,
): Promise<() => Promise<Groups | null>> {
  const by = invocation.flags['by'];
  if (by === undefined) return () => Promise.resolve(null);
  if (typeof by !== 'string' || by.trim() === '')
    throw new ConfigError('--by needs the name of a column.', {
      code: 'USAGE',
      remedy: 'Name the column that tells groups of rows apart, such as --by tenant_id.',
    });
  const found = await findGroups(input, by);
  return () => withProgress(invocation, (onProgress) => measureGroups({ ...input, onProgress }, found));
}
