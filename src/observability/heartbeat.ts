/**
 * A file whose time of change says that the process is alive: its event loop turns, and so do those of its roles. Whoever
 * looks after the process (Docker, Kubernetes, systemd) starts it again where the file is there and has not been touched for
 * a minute. Work that stands still through an outage of a server is no reason: another process would wait as well.
 */

import { rm, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { optionName } from '../config/option-name.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from './logger.ts';

/** A sixth of the minute that a check waits for. */
const BEAT_MS = 10_000;
/** What goes on is said again. */
const AGAIN_MS = 600_000;

export interface Heartbeat {
  /** `fault`: what only another start would mend; null where there is nothing. */
  watch(fault: () => Promise<string | null>): void;
  /** Beats until `work` has ended, then takes the file away: a process that has ended is not one that hangs. */
  until<T>(work: Promise<T>): Promise<T>;
}

/** @param file none is written where it is undefined */
export async function startHeartbeat(
  file: string | undefined,
  logger: Logger,
  everyMs = BEAT_MS,
): Promise<Heartbeat> {
  if (file === undefined) return { watch: () => {}, until: (work) => work };
  let faultNow = (): Promise<string | null> => Promise.resolve(null);
  let told = { fault: '', at: -AGAIN_MS };
  const tell = (fault: string, message: string): void => {
    if (fault === told.fault && performance.now() - told.at < AGAIN_MS) return;
    told = { fault, at: performance.now() };
    logger.error({ file, fault }, message);
  };
  const beat = async (): Promise<void> => {
    const fault = await faultNow();
    if (fault !== null) return tell(fault.replaceAll(/\d+/g, '#'), `no heartbeat: ${fault}`);
    try {
      await touch(file);
      told = { fault: '', at: -AGAIN_MS };
    } catch (error) {
      tell(
        messageOf(error),
        `the heartbeat cannot be written: set ${optionName('health.file')} to a place that can`,
      );
    }
  };
  const over = new AbortController();
  await beat();
  const beating = (async () => {
    while (!over.signal.aborted) {
      await delay(everyMs, undefined, { signal: over.signal, ref: false }).catch(() => {});
      if (!over.signal.aborted) await beat();
    }
  })();
  return {
    watch: (fault) => void (faultNow = fault),
    async until(work) {
      try {
        return await work;
      } finally {
        over.abort();
        await beating;
        await rm(file, { force: true }).catch(() => {});
      }
    },
  };
}

/** Its time alone, so that a disk that is full does not look like a process that hangs. */
async function touch(file: string): Promise<void> {
  const now = new Date();
  try {
    await utimes(file, now, now);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await writeFile(file, `${process.pid}\n`, { flag: 'wx' });
  }
}
