import { GateError } from '../../errors.ts';
import type { Run } from '../../ledger/run/run.ts';

/** Under the lease of the generation. @throws GateError where somebody else has planned it for another model meanwhile */
export function assertStillFree(isNew: boolean, latest: Run | null, fingerprint: string): void {
  if (!isNew || latest === null || latest.fingerprint === fingerprint) return;
  throw new GateError(
    `This generation was planned for ${latest.model} a moment ago, by another \`enqueue\`.`,
    {
      code: 'GENERATION_OPEN',
      remedy: 'Agree on one model, and run `pgvector-backfill enqueue` again with it.',
    },
  );
}
