/** Entry of the embedded server's own process: PGlite, the gateway, and when to end. Started by start.ts. */

import { BackfillError, messageOf } from '../errors.ts';
import { PASSWORD_VARIABLE } from './address.ts';
import { claimDataDir } from './data-dir.ts';
import { openPglite } from './pglite.ts';
import { startGateway } from './gateway.ts';
import type { FromServer, ServerOptions, ToServer } from './messages.ts';

/** A shutdown that takes longer is cut off; the write-ahead log makes up for it. */
const SHUTDOWN_LIMIT_MS = 5000;

// Once detached, nobody may be left to read what is said.
process.stderr.on('error', () => {});
const say = (line: string): void => void process.stderr.write(`${line}\n`);

function crash(reason: string): never {
  say(`FATAL: the embedded server has crashed and ends now, its clients lose their connections: ${reason}`);
  process.exit(1);
}

function tell(message: FromServer): void {
  if (process.connected) process.send?.(message);
}

async function main({ port, ...data }: ServerOptions): Promise<void> {
  const release = data.dataDir === undefined ? null : await claimDataDir(data.dataDir);
  const engine = await openPglite({ ...data, onCrash: crash });
  const gateway = await startGateway(engine, {
    port,
    password: process.env[PASSWORD_VARIABLE],
    logger: { info: say },
  });

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
    await gateway.close();
    if (release !== null) {
      await engine.close();
      await release();
    }
    process.exit(0);
  };
  const stopOrCrash = (): void => void stop().catch((error: unknown) => crash(messageOf(error)));

  let detached = false;
  process.on('message', (message: ToServer) => {
    if (message.type === 'detach') detached = true;
  });
  // The channel closes with the starter, even where that was killed.
  process.on('disconnect', () => {
    if (!detached) stopOrCrash();
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, stopOrCrash);
  tell({ type: 'listening', port: gateway.port });
  if (!process.connected && !detached) stopOrCrash();
}

try {
  await main(JSON.parse(process.argv[2] ?? '{}') as ServerOptions);
} catch (error) {
  const known = error instanceof BackfillError ? error : null;
  tell({
    type: 'failed',
    message: messageOf(error),
    code: known?.code ?? 'EMBEDDED_START_FAILED',
    remedy: known?.remedy,
  });
  process.exitCode = 1;
  process.disconnect?.();
}
