import type { Logger } from '../../observability/logger.ts';
import { withTimeLimit } from '../../time-limit.ts';

/** A ledger that does not answer keeps no line back for longer. */
const ASK_MS = 2000;

/**
 * Of a generation beside others: what is wrong with tables and queues of one that was dropped meanwhile is nobody's fault, and
 * its services end within seconds.
 * @param isGone null where nobody need be asked
 */
export function quietWhenGone(logger: Logger, isGone: () => Promise<boolean> | null): Logger {
  const tell = async (level: 'warn' | 'error', line: Parameters<Logger['warn']>): Promise<void> => {
    const asked = isGone();
    const gone = asked !== null && (await withTimeLimit(ASK_MS, asked, () => false).catch(() => false));
    if (!gone) logger[level](...line);
  };
  return {
    trace: logger.trace.bind(logger),
    debug: logger.debug.bind(logger),
    info: logger.info.bind(logger),
    warn: (...line: Parameters<Logger['warn']>) => void tell('warn', line),
    error: (...line: Parameters<Logger['warn']>) => void tell('error', line),
    child: ((...given: Parameters<Logger['child']>) =>
      quietWhenGone(logger.child(...given), isGone)) as unknown as Logger['child'],
  };
}
