import { ConfigError } from '../errors.ts';
import { QUEUE_ROLES, type QueueRole } from '../queue/connection.ts';

/** Of `--role`: one, or all where none is named. */
export function parseRoles(raw: string | boolean | undefined): readonly QueueRole[] {
  if (raw === undefined) return QUEUE_ROLES;
  const role = QUEUE_ROLES.find((each) => each === raw);
  if (role !== undefined) return [role];
  throw new ConfigError(`--role must be one of ${QUEUE_ROLES.join(', ')} (got ${String(raw)}).`, {
    code: 'USAGE',
  });
}
