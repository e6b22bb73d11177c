/** What a queue server refuses in the middle of a command's work, told like what it refuses at the first contact. */

import { optionName } from '../../config/option-name.ts';
import { BackfillError, ConfigError } from '../../errors.ts';
import { describeQueue } from '../address.ts';
import { queueFault, type QueueFaultKind } from './queue-fault.ts';

/** Where nobody answers, or nobody knows. Everything else is an answer. */
const UNREACHED: readonly QueueFaultKind[] = ['unreachable', 'silent', 'files', 'other'];

/** Of the driver, by its names: the database's errors are told by others. */
const OF_REDIS = ['ReplyError', 'MaxRetriesPerRequestError', 'ClusterAllFailedError', 'AbortError'];

const CHECK = `Check ${optionName('queue')} and that the server runs.`;

/** The server cannot be used as it is: the operator's to correct. */
export const unusableQueue = (url: string, error: unknown): ConfigError =>
  new ConfigError(...queueErrorOf(url, error));

/** As it is where it is no error of the queue's driver. */
export function explainRefusal(url: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof BackfillError) return error;
  const isQueues = OF_REDIS.includes(error.name) || error.message === 'Connection is closed.';
  return isQueues ? new BackfillError(...queueErrorOf(url, error)) : error;
}

export function queueErrorOf(url: string, error: unknown): ConstructorParameters<typeof BackfillError> {
  const { kind, why, remedy } = queueFault(url, error);
  return [
    `Cannot use the queue server at ${describeQueue(url)}: ${why}.`,
    {
      code: UNREACHED.includes(kind) ? 'QUEUE_UNREACHABLE' : 'QUEUE_REFUSES',
      remedy: remedy ?? CHECK,
      cause: error,
    },
  ];
}
