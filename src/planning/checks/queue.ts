/** Doctor's look at the queue: whether it answers, what this user may do there, and how its server is set up. */

import type { Settings } from '../../config/settings.ts';
import { ledgerVersion } from '../../db/migrate.ts';
import type { Pool } from '../../db/pool.ts';
import { installationId } from '../../ledger/backfill/installation.ts';
import { reachQueue } from '../../queue/connection.ts';
import { checkQueuePermissions } from '../../queue/probes/permissions.ts';
import { inspectRedis } from '../../queue/redis/health.ts';
import type { Finding } from './finding.ts';
import { findingOf } from './finding-of.ts';

/** Undefined before there is a ledger; also where this user may not read it, which others tell. */
async function knownInstallation(ledger: Pool | null): Promise<string | undefined> {
  try {
    return ledger !== null && (await ledgerVersion(ledger)) > 0 ? await installationId(ledger) : undefined;
  } catch {
    return undefined;
  }
}

/** @param ledger null where nothing that stands there is to be read. */
export async function checkQueue(settings: Settings, ledger: Pool | null): Promise<Finding[]> {
  try {
    await reachQueue(settings.queue);
    await checkQueuePermissions(settings.queue, await knownInstallation(ledger));
    const warnings = await inspectRedis(settings.queue);
    const findings = warnings.map((message): Finding => ({
      level: 'warn',
      check: 'queue',
      message,
      remedy: 'See docs/operating.md, "Redis".',
    }));
    return findings.length > 0 ? findings : [{ level: 'ok', check: 'queue', message: 'reachable' }];
  } catch (error) {
    return [findingOf('queue', error, 'queue')];
  }
}
