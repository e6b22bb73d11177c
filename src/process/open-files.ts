/** How many files and connections this process may have open at a time, and what becomes of it where those are too few. */

import { readFileSync } from 'node:fs';
import { ConfigError } from '../errors.ts';

const REMEDY =
  'Raise it: `ulimit -n 1024` in the shell, LimitNOFILE=1024 of a systemd unit, `--ulimit nofile=1024` of Docker.';
/** Of this process, or of the whole machine. */
const CODES = ['EMFILE', 'ENFILE'];

/** Node 20 opens the modules of a program side by side; since 22 one is read behind the other. */
const READS_IN_ORDER = Number(process.versions.node.split('.')[0]) >= 22;
/** To load the program, and for what a worker of whatever size has open: some 40. */
const FOR_LOADING = READS_IN_ORDER ? 64 : 128;
/** Connections to the database and the queue, and the pipes of an inference process. */
const FOR_A_BATCH = 6;

/**
 * Null where the system does not tell. Read at once: a process that has met its limit could not open this file either. Node
 * has raised the soft limit to the hard one by now.
 */
const LIMIT = readLimit();

function readLimit(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null;
  }
}

/** Where one of `concurrency` batches may meet its limit; null where it will not. */
export function fewFiles(
  concurrency: number,
  limit: number | null = LIMIT,
): { message: string; remedy: string } | null {
  const wanted = FOR_LOADING + FOR_A_BATCH * concurrency;
  if (limit === null || limit >= wanted) return null;
  return {
    message: `A process may open ${limit} files and connections at a time here (ulimit -n); a worker of concurrency ${concurrency} may need ${wanted}.`,
    remedy: REMEDY,
  };
}

/** Of a process that is to start others, which load as many files. @throws ConfigError */
export function assertEnoughFiles(limit: number | null = LIMIT): void {
  if (limit === null || limit >= FOR_LOADING) return;
  throw new ConfigError(
    `A process may open ${limit} files and connections at a time here (ulimit -n): one that loads a model needs ${FOR_LOADING}.`,
    { code: 'OPEN_FILES', remedy: REMEDY },
  );
}

/** In words, where it is this that the error is about; as it is otherwise. */
export function explainedByFiles(error: unknown, limit: number | null = LIMIT): unknown {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  const codes = [code, (cause as { code?: unknown } | undefined)?.code].map(String);
  const isFew = limit !== null && limit < FOR_LOADING;
  // Of a package whose description could not be opened, Node says that there is none.
  const isOf =
    CODES.some((each) => codes.includes(each)) || (isFew && codes.includes('ERR_MODULE_NOT_FOUND'));
  if (!isOf || error instanceof ConfigError) return error;
  const max = limit === null || codes.includes('ENFILE') ? '' : ` of ${limit}`;
  return new ConfigError(`This process has met its limit${max} for open files and connections (ulimit -n).`, {
    code: 'OPEN_FILES',
    remedy: REMEDY,
    cause: error,
  });
}
