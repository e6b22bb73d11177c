/** target_session_attrs: whether a server is what is asked for. */

import type pg from 'pg';
import type { SessionKind } from './connect-plan.ts';

export async function fitsKind(client: pg.ClientBase, kind: SessionKind): Promise<boolean> {
  if (kind === 'any') return true;
  const { rows } = await client.query<{ standby: boolean; readonly: boolean }>(
    `SELECT pg_catalog.pg_is_in_recovery() AS standby,
            pg_catalog.current_setting('default_transaction_read_only')::pg_catalog.bool AS readonly`,
  );
  const { standby = false, readonly = false } = rows[0] ?? {};
  const fits: Record<SessionKind, boolean> = {
    any: true,
    primary: !standby,
    standby,
    'prefer-standby': standby,
    'read-write': !standby && !readonly,
    'read-only': standby || readonly,
  };
  return fits[kind];
}
