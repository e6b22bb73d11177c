import type { Pool } from '../../db/pool.ts';
import { assertTrustedCode } from '../../table/trusted-code.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Filter } from './filter.ts';

/** @throws ConfigError `EXPRESSION_FOREIGN` where a filter would call code of another role's. */
export const assertTrustedFilter = (pool: Pool, target: Target, filter: Filter | null): Promise<void> =>
  assertTrustedCode(
    pool,
    target,
    'search.filters',
    filter === null ? undefined : `SELECT 1 FROM ${target.table} WHERE (${filter.where})`,
  );
