/** PGlite: PostgreSQL compiled to WASM, one session, called with raw protocol messages. The only file that imports it. */

import { readFile } from 'node:fs/promises';
import { PGlite, type PGliteInterface } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { messageOf } from '../errors.ts';

export interface PgliteEngine {
  /** Runs frontend messages to their end and gives the answer. Must not be called again before it settles. */
  call(messages: Buffer): Promise<Buffer>;
  close(): Promise<void>;
}

/** Status with which PGlite's main loop leaves for an SQL error; it is caught and is no crash. */
const SQL_ERROR_STATUS = 100;

type MainLoop = { _PostgresMainLoopOnce: () => void };

/**
 * @param onCrash called when the WASM side has aborted. It must end the process: memory is in an unknown state, and
 * PGlite itself would swallow the exception and might loop for ever on the same message.
 */
export async function openPglite(options: {
  dataDir?: string;
  /** A file that `freshImage` was written to, to begin with where `dataDir` is absent. */
  image?: string;
  onCrash: (reason: string) => never;
}): Promise<PgliteEngine> {
  const pglite = await PGlite.create({
    ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
    ...(options.image === undefined ? {} : { loadDataDir: new Blob([await readFile(options.image)]) }),
    extensions: { vector, abortHook: abortHook(options.onCrash) },
  });
  watchMainLoop(pglite.Module, options.onCrash);
  return {
    call: async (messages) => {
      const parts: Buffer[] = [];
      try {
        // The chunk is a view of WASM memory that the next one overwrites: copied at once.
        await pglite.execProtocolRawStream(messages, { onRawData: (data) => parts.push(Buffer.from(data)) });
      } catch (error) {
        return options.onCrash(messageOf(error));
      }
      return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    },
    close: () => pglite.close(),
  };
}

/** A cluster as it is made, as a tar of 40 MB: to begin with it takes a seventh of the time that making one again takes. */
export async function freshImage(): Promise<Buffer> {
  const pglite = await PGlite.create({ extensions: { vector } });
  try {
    return Buffer.from(await (await pglite.dumpDataDir('none')).arrayBuffer());
  } finally {
    await pglite.close();
  }
}

/** abort() in C reaches Emscripten's hook before any JavaScript of PGlite can catch it. */
function abortHook(onCrash: (reason: string) => never) {
  return {
    name: 'abort-hook',
    setup: (_pglite: PGliteInterface, emscriptenOpts: object) =>
      Promise.resolve({
        emscriptenOpts: { ...emscriptenOpts, onAbort: (what: unknown) => onCrash(`abort: ${String(what)}`) },
      }),
  };
}

/** A trap (memory out of bounds, unreachable, exit after a FATAL error) is an exception that PGlite swallows. */
function watchMainLoop(module: MainLoop, onCrash: (reason: string) => never): void {
  const original = module._PostgresMainLoopOnce;
  module._PostgresMainLoopOnce = () => {
    try {
      original();
    } catch (error) {
      if ((error as { status?: unknown } | null)?.status === SQL_ERROR_STATUS) throw error;
      onCrash(messageOf(error));
    }
  };
}
