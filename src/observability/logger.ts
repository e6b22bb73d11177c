/** pino: JSON on stderr, pretty on a terminal. Stdout belongs to results. */

import { pino, type Logger as PinoLogger } from 'pino';

export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'child'>;

/** Where a connection string ends up in a log line all the same, its password does not. */
const REDACTED = [
  'database',
  'directDatabase',
  'queue',
  'url',
  'password',
  'connectionString',
  '*.database',
  '*.directDatabase',
  '*.queue',
  '*.url',
  '*.password',
  '*.connectionString',
];

/** What log lines are written to. */
export type LogStream = Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;

export function createLogger(level: string, stream: LogStream = process.stderr): Logger {
  const options = { level, base: null, redact: { paths: REDACTED, censor: '[redacted]' } };
  if (stream !== process.stderr) return pino(options, stream);
  if (stream.isTTY) {
    return pino({
      ...options,
      transport: { target: 'pino-pretty', options: { destination: 2, singleLine: true } },
    });
  }
  return pino(options, pino.destination({ dest: 2, sync: true }));
}

/** For library use and tests. */
export const silentLogger: Logger = pino({ level: 'silent' });
